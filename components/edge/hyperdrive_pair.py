"""Hyperdrive's two configurations: one for regulated data without a cache, one for public data with it."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.host.postgres_database import APP, PUBLIC_READ, PostgresDatabase
from components.network.database_readiness import readiness_hooks
from components.network.private_tunnel import PrivateTunnel
from components.network.public_database import PublicDatabase

PORT = 5432


@dataclass(frozen=True, kw_only=True)
class HyperdrivePairArgs:
    labels: Labels
    account_id: str
    database: PostgresDatabase
    route: PrivateTunnel | PublicDatabase
    authorities_pem: pulumi.Input[str]
    """Who may have signed the server's certificate."""
    ready: list[pulumi.Resource]
    """What the host must have done before the database can answer."""
    waits: bool
    """Whether the engine, before it makes or changes a configuration, waits until the role can log in.

    It asks through the tunnel. A public database it can't ask: it is not in Cloudflare's networks.
    """
    connections: int
    """Connections that each configuration may open to the database."""
    public_cache_seconds: int
    """How old an answer about public data may be; another 15 seconds while a fresh one is fetched."""


class HyperdrivePair(pulumi.ComponentResource):
    """Two configurations, each with a role of its own: through the tunnel, or with a certificate.

    Hyperdrive tests the connection when a configuration is made: the database must answer by then.
    """

    regulated_id: pulumi.Output[str]
    """Configuration without a cache, role `app`."""
    public_id: pulumi.Output[str]
    """Configuration with a cache, role `public_read`."""

    def __init__(self, name: str, args: HyperdrivePairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:HyperdrivePair", name, args.labels.inputs(DataClass.REGULATED), opts)
        asks = args.waits and isinstance(args.route, PrivateTunnel)
        self._child = pulumi.ResourceOptions(
            parent=self,
            depends_on=[*args.route.ready, *args.ready],
            hooks=readiness_hooks(f"{name}-readiness", args.authorities_pem) if asks else None,
        )
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
            origin=_origin(args, role),
            mtls=_certificates(args.route, role),
            caching=caching,
            origin_connection_limit=args.connections,
            opts=self._child,
        )


def _origin(args: HyperdrivePairArgs, role: str) -> cloudflare.HyperdriveConfigOriginArgsDict:
    origin: cloudflare.HyperdriveConfigOriginArgsDict = {
        "scheme": "postgres",
        "host": args.route.hostname,
        "database": args.database.database,
        "user": role,
        "password": args.database.passwords[role],
    }
    if isinstance(args.route, PublicDatabase):
        return {**origin, "port": PORT}
    # No port: behind Access the tunnel decides it.
    return {**origin, "access_client_id": args.route.client_id, "access_client_secret": args.route.client_secret}


def _certificates(route: PrivateTunnel | PublicDatabase, role: str) -> cloudflare.HyperdriveConfigMtlsArgsDict | None:
    if isinstance(route, PrivateTunnel):
        return None
    return {
        "sslmode": "verify-full",
        "ca_certificate_id": route.authority_certificate_id,
        "mtls_certificate_id": route.client_certificate_ids[role],
    }
