"""The web site: a Worker with static assets that signs people in and hands API calls to the API Worker."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.edge.worker_script import EarlierVersion, WorkerScript, WorkerScriptArgs


@dataclass(frozen=True, kw_only=True)
class WebSiteArgs:
    labels: Labels
    account_id: str
    module_path: str
    """Bundled JavaScript module, relative to the program's folder."""
    assets_directory: str
    """Folder of static files, relative to the program's folder."""
    build_id: str
    """Version of the code in service; every answer names it."""
    api_script: pulumi.Input[str]
    """Worker that answers the API; called inside Cloudflare, without a further request over the internet."""
    identity: Sequence[cloudflare.WorkerVersionBindingArgsDict]
    """What it signs people in with; see Identity."""
    earlier: EarlierVersion | None = None


class WebSite(pulumi.ComponentResource):
    """No route of its own: the failover host decides who answers."""

    script: pulumi.Output[str]
    """Name of the Worker, once a version of it is in service."""

    def __init__(self, name: str, args: WebSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # Regulated: what the API answers passes through it.
        super().__init__("hybrid:edge:WebSite", name, args.labels.inputs(DataClass.REGULATED), opts)
        worker = WorkerScript(
            name,
            WorkerScriptArgs(
                labels=args.labels,
                data_class=DataClass.REGULATED,
                account_id=args.account_id,
                script=f"{args.labels.prefix}-web",
                module_path=args.module_path,
                build_id=args.build_id,
                earlier=args.earlier,
                bindings=[
                    {"type": "service", "name": "API", "service": args.api_script},
                    {"type": "assets", "name": "ASSETS"},
                    {"type": "plain_text", "name": "BUILD_ID", "text": args.build_id},
                    *args.identity,
                ],
                assets_directory=args.assets_directory,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.script = worker.script
        self.register_outputs({"script": self.script})
