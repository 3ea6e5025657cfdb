"""The API's path to the database past Hyperdrive: through the tunnel to the pooler."""

import pulumi

from components.host.postgres_database import APP, PUBLIC_READ, PostgresDatabase
from components.network.private_tunnel import PrivateTunnel


def direct_path(tunnel: PrivateTunnel, database: PostgresDatabase, hostname: str) -> pulumi.Output[str] | None:
    """What apps/worker/src/direct.ts reads, secret; None where the tunnel does not admit the API."""
    if tunnel.api_token is None:
        return None
    client_id, client_secret = tunnel.api_token

    def connection(role: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(
            "postgres://", role, ":", database.passwords[role], "@", hostname, "/", database.database
        )

    return pulumi.Output.secret(
        pulumi.Output.json_dumps(
            {
                "url": f"https://{hostname}/",
                "clientId": client_id,
                "clientSecret": client_secret,
                "regulated": connection(APP.name),
                "public": connection(PUBLIC_READ.name),
            }
        )
    )
