"""A Worker with one deployed version of its code; the API and the site are made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.edge.bundles import digest
from components.settings.stack import Settings

# Not the newest: one that the workerd pinned in package-lock.json knows, so that the cloud and one machine behave
# alike. Never later than that workerd's own date.
COMPATIBILITY_DATE = "2026-07-01"
COMPATIBILITY_FLAGS = ["nodejs_compat"]


@dataclass(frozen=True, kw_only=True)
class EarlierVersion:
    """An earlier version that still answers, beside the one that is declared or in its place."""

    version: str
    """Cloudflare's id of it; one of the newest hundred (Cloudflare, Versions and deployments)."""
    percent: int
    """Share of the requests; 100 is a rollback, and the declared version is only uploaded."""


def earlier_version(stack: Settings, worker: str) -> EarlierVersion | None:
    """What the settings of a Worker, `api` or `web`, say."""
    version, percent = {
        "api": (stack.api_earlier_version, stack.api_earlier_percent),
        "web": (stack.web_earlier_version, stack.web_earlier_percent),
    }[worker]
    return EarlierVersion(version=version, percent=percent) if version else None


@dataclass(frozen=True, kw_only=True)
class WorkerScriptArgs:
    labels: Labels
    data_class: DataClass
    account_id: str
    script: str
    """Display name of the Worker."""
    module_path: str
    """Bundled JavaScript module, relative to the program's folder."""
    build_id: str
    """Tag of the version, so that a deployment can be traced to a commit."""
    bindings: Sequence[cloudflare.WorkerVersionBindingArgsDict]
    """A secret is one of type `secret_text`, its text a secret output."""
    earlier: EarlierVersion | None = None
    crons: Sequence[str] = ()
    """When it runs by itself, UTC; the code must export `scheduled`."""
    assets_directory: str | None = None
    """Folder of static files that are uploaded with the version."""
    placement: cloudflare.WorkerVersionPlacementArgsDict = field(
        # Next to the database: each query is a round trip.
        default_factory=lambda: cloudflare.WorkerVersionPlacementArgsDict(region=f"aws:{HOME_REGION}")
    )


class WorkerScript(pulumi.ComponentResource):
    """Worker, version and a deployment that pins the version. workers.dev stays off: it bypasses the routes.

    A version can't be changed: another bundle, by its hash, or another binding replaces it, and the deployment follows.
    Cloudflare keeps the earlier version, for the provider deletes none.
    """

    script: pulumi.Output[str]
    """Name of the Worker, once a version of it is in service."""

    def __init__(self, name: str, args: WorkerScriptArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:WorkerScript", name, args.labels.inputs(args.data_class), opts)
        child = pulumi.ResourceOptions(parent=self)
        worker = cloudflare.Worker(
            f"{name}-worker",
            account_id=args.account_id,
            name=args.script,
            subdomain={"enabled": False, "previews_enabled": False},
            # Logs are kept outside Canada, and an invocation's has the caller's address and headers in it (Cloudflare,
            # Workers Logs). What the code itself logs has not.
            observability={
                "enabled": True,
                "head_sampling_rate": 1,
                "logs": {"enabled": True, "head_sampling_rate": 1, "invocation_logs": False},
            },
            tags=args.labels.tag_list(args.data_class),
            opts=child,
        )
        version = cloudflare.WorkerVersion(
            f"{name}-version",
            account_id=args.account_id,
            worker_id=worker.id,
            main_module="index.js",
            modules=[
                {
                    "name": "index.js",
                    "content_type": "application/javascript+module",
                    "content_file": args.module_path,
                }
            ],
            bindings=args.bindings,
            # The Worker sets the security headers itself, with the same code in the cloud and on one machine: the
            # provider takes a `_headers` file only as a further module.
            assets={"directory": args.assets_directory, "config": {"run_worker_first": True}}
            if args.assets_directory
            else None,
            placement=args.placement,
            compatibility_date=COMPATIBILITY_DATE,
            compatibility_flags=COMPATIBILITY_FLAGS,
            # The provider asks for the files as it deploys; this shows in every plan that the code is another.
            annotations={
                "workers_tag": args.build_id,
                "workers_message": f"sha256:{digest(args.module_path, args.assets_directory)}",
            },
            opts=child,
        )
        deployment = cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=args.account_id,
            script_name=worker.name,
            strategy="percentage",
            versions=_shares(version.id, args.earlier),
            opts=child,
        )
        if args.crons:
            cloudflare.WorkersCronTrigger(
                f"{name}-crons",
                account_id=args.account_id,
                script_name=deployment.script_name,
                schedules=[{"cron": cron} for cron in args.crons],
                opts=child,
            )
        self.script = deployment.script_name
        self.register_outputs({"script": self.script})


def _shares(
    declared: pulumi.Output[str], earlier: EarlierVersion | None
) -> list[cloudflare.WorkersDeploymentVersionArgsDict]:
    """One version or two, of 100 per cent together."""
    if earlier is None:
        return [{"version_id": declared, "percentage": 100}]
    before = cloudflare.WorkersDeploymentVersionArgsDict(version_id=earlier.version, percentage=earlier.percent)
    if earlier.percent == 100:
        return [before]
    return [{"version_id": declared, "percentage": 100 - earlier.percent}, before]
