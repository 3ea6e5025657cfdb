"""Hyperdrive's two configurations: one for regulated data without a cache, one for public data with it."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.labels import DataClass, Labels
from components.postgres_database import APP, PUBLIC_READ, PostgresDatabase
from components.private_tunnel import PrivateTunnel


@dataclass(frozen=True, kw_only=True)
class HyperdrivePairArgs:
    labels: Labels
    account_id: str
    database: PostgresDatabase
    tunnel: PrivateTunnel
    connections: int
    """Connections that each configuration may open to the database."""
    public_cache_seconds: int
    """How old an answer about public data may be; another 15 seconds while a fresh one is fetched."""


class HyperdrivePair(pulumi.ComponentResource):
    """Both reach the database through the tunnel, each with a role of its own.

    Hyperdrive tests the connection when a configuration is made: the database must answer by then.
    """

    regulated_id: pulumi.Output[str]
    """Configuration without a cache, role `app`."""
    public_id: pulumi.Output[str]
    """Configuration with a cache, role `public_read`."""

    def __init__(self, name: str, args: HyperdrivePairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:HyperdrivePair", name, args.labels.inputs(DataClass.REGULATED), opts)
        regulated = self._configuration(f"{name}-regulated", args, APP.name, "regulated", {"disabled": True})
        public = self._configuration(
            f"{name}-public",
            args,
            PUBLIC_READ.name,
            "public",
            {"disabled": False, "max_age": args.public_cache_seconds, "stale_while_revalidate": 15},
        )
        self.regulated_id = regulated.id
        self.public_id = public.id
        self.register_outputs({"regulatedId": self.regulated_id, "publicId": self.public_id})

    def _configuration(
        self,
        name: str,
        args: HyperdrivePairArgs,
        role: str,
        data_class: str,
        caching: cloudflare.HyperdriveConfigCachingArgsDict,
    ) -> cloudflare.HyperdriveConfig:
        return cloudflare.HyperdriveConfig(
            name,
            account_id=args.account_id,
            name=f"{args.labels.prefix}-{data_class}",
            origin={
                "scheme": "postgres",
                "host": args.tunnel.hostname,
                # No port: behind Access the tunnel decides it.
                "database": args.database.database,
                "user": role,
                "password": args.database.passwords[role],
                "access_client_id": args.tunnel.client_id,
                "access_client_secret": args.tunnel.client_secret,
            },
            caching=caching,
            origin_connection_limit=args.connections,
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.tunnel.ready),
        )
