"""The API: a Worker next to the database, bound to Hyperdrive and to the media buckets."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.edge.hyperdrive_pair import HyperdrivePair
from components.edge.worker_script import EarlierVersion, WorkerScript, WorkerScriptArgs
from components.settings.binding_names import binding_name
from components.storage.media_bucket import MediaBucket


@dataclass(frozen=True, kw_only=True)
class ApiWorkerArgs:
    labels: Labels
    account_id: str
    zone_id: str
    hostname: str
    """Answered by this Worker on all its paths."""
    module_path: str
    """Bundled JavaScript module, relative to the program's folder."""
    build_id: str
    """Version of the code in service; every answer names it."""
    hyperdrive: HyperdrivePair
    media: Sequence[MediaBucket]
    identity: Sequence[cloudflare.WorkerVersionBindingArgsDict]
    """What it checks tokens by; see Identity."""
    origins: Sequence[str]
    """Whose pages may call it from a browser."""
    sentry_dsn: str
    """Where it tells its failures; empty: nowhere."""
    direct_path: pulumi.Output[str] | None
    """Its path to the database past Hyperdrive, for when that fails; see direct_path.py."""
    requests_per_minute: int
    """Requests of one signed-in user, else of one IP address, at one of Cloudflare's places."""
    earlier: EarlierVersion | None = None
    crons: Sequence[str] = ()
    """When it runs by itself, UTC."""
    has_custom_domain: bool = False
    """Whether Cloudflare makes record and certificate of the host name for the Worker itself, in place of a route. A
    record that is there already, such as a route's, must be removed before."""


class ApiWorker(pulumi.ComponentResource):
    """Answers on its own host name. Every media bucket is bound under its key in capitals."""

    script: pulumi.Output[str]
    """Name of the Worker, once a version of it is in service."""

    def __init__(self, name: str, args: ApiWorkerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:ApiWorker", name, args.labels.inputs(DataClass.REGULATED), opts)
        child = pulumi.ResourceOptions(parent=self)
        worker = WorkerScript(
            name,
            WorkerScriptArgs(
                labels=args.labels,
                data_class=DataClass.REGULATED,
                account_id=args.account_id,
                script=f"{args.labels.prefix}-api",
                module_path=args.module_path,
                build_id=args.build_id,
                bindings=_bindings(args),
                earlier=args.earlier,
                crons=args.crons,
            ),
            child,
        )
        if args.has_custom_domain:
            cloudflare.WorkersCustomDomain(
                f"{name}-domain",
                account_id=args.account_id,
                zone_id=args.zone_id,
                hostname=args.hostname,
                service=worker.script,
                opts=child,
            )
        else:
            self._declare_route(name, args, worker.script)
        self.script = worker.script
        self.register_outputs({"script": self.script})

    def _declare_route(self, name: str, args: ApiWorkerArgs, script: pulumi.Output[str]) -> None:
        record = cloudflare.DnsRecord(
            f"{name}-record",
            zone_id=args.zone_id,
            name=args.hostname,
            # A route needs a proxied record; there is no origin, so the address is the discard prefix (RFC 6666).
            type="AAAA",
            content="100::",
            proxied=True,
            ttl=1,
            comment=f"{args.labels.prefix}: API, answered by a Worker",
            opts=pulumi.ResourceOptions(parent=self),
        )
        cloudflare.WorkersRoute(
            f"{name}-route",
            zone_id=args.zone_id,
            pattern=f"{args.hostname}/*",
            script=script,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[record]),
        )


def _options(args: ApiWorkerArgs) -> list[cloudflare.WorkerVersionBindingArgsDict]:
    """Bound only where they are set."""
    values = {
        "SENTRY_DSN": pulumi.Output.secret(args.sentry_dsn) if args.sentry_dsn else None,
        "DATABASE_DIRECT": args.direct_path,
    }
    return [{"type": "secret_text", "name": name, "text": value} for name, value in values.items() if value is not None]


def _namespace(name: str) -> str:
    """A number of its own in the account: those of one number count together (Cloudflare, Rate limiting binding)."""
    return str(zlib.crc32(name.encode()))


def _bindings(args: ApiWorkerArgs) -> list[cloudflare.WorkerVersionBindingArgsDict]:
    return [
        {"type": "hyperdrive", "name": "HYPERDRIVE", "id": args.hyperdrive.regulated_id},
        {"type": "hyperdrive", "name": "HYPERDRIVE_PUBLIC", "id": args.hyperdrive.public_id},
        {"type": "plain_text", "name": "ENVIRONMENT", "text": str(args.labels.environment)},
        {"type": "plain_text", "name": "BUILD_ID", "text": args.build_id},
        {"type": "plain_text", "name": "ALLOWED_ORIGINS", "text": ",".join(args.origins)},
        {
            "type": "ratelimit",
            "name": "RATE_LIMIT",
            "namespace_id": _namespace(f"{args.labels.prefix}-api"),
            "simple": {"limit": args.requests_per_minute, "period": 60},
        },
        *args.identity,
        *_options(args),
        *(
            cloudflare.WorkerVersionBindingArgsDict(
                type="r2_bucket", name=binding_name(bucket.key), bucket_name=bucket.bucket
            )
            for bucket in args.media
        ),
    ]
