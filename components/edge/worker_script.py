"""A Worker with one deployed version of its code; the API and the site are made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels

# Not the newest: one that the workerd pinned in package-lock.json knows, so that the cloud and one machine behave
# alike. Never later than that workerd's own date.
COMPATIBILITY_DATE = "2026-07-01"
COMPATIBILITY_FLAGS = ["nodejs_compat"]


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
    assets: cloudflare.WorkerVersionAssetsArgsDict | None = None
    """Static files that are uploaded with the version."""
    placement: cloudflare.WorkerVersionPlacementArgsDict = field(
        # Next to the database: each query is a round trip.
        default_factory=lambda: cloudflare.WorkerVersionPlacementArgsDict(region="aws:ca-central-1")
    )


class WorkerScript(pulumi.ComponentResource):
    """Worker, version and a deployment that pins the version. workers.dev stays off: it bypasses the routes.

    A version can't be changed: another bundle or binding replaces it, and the deployment follows.
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
            assets=args.assets,
            placement=args.placement,
            compatibility_date=COMPATIBILITY_DATE,
            compatibility_flags=COMPATIBILITY_FLAGS,
            annotations={"workers_tag": args.build_id},
            opts=child,
        )
        deployment = cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=args.account_id,
            script_name=worker.name,
            strategy="percentage",
            versions=[{"version_id": version.id, "percentage": 100}],
            opts=child,
        )
        self.script = deployment.script_name
        self.register_outputs({"script": self.script})
