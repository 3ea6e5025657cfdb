"""A Pages project for a static export. Next.js with a server goes to Workers: OpenNext does not build for Pages."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.edge.worker_script import COMPATIBILITY_DATE

# A direct upload of files runs no code; were some uploaded by mistake, it would have the Workers' date, no flags and
# no bindings, and a fault in it would be one.
WITHOUT_FUNCTIONS: Any = {
    "always_use_latest_compatibility_date": False,
    "build_image_major_version": 3,
    "compatibility_date": COMPATIBILITY_DATE,
    "compatibility_flags": [],
    "fail_open": False,
    "usage_model": "standard",
}


@dataclass(frozen=True, kw_only=True)
class PagesStaticSiteArgs:
    labels: Labels
    account_id: str
    production_branch: str
    """Uploads under this branch's name go into service; others are previews."""


class PagesStaticSite(pulumi.ComponentResource):
    """Files are uploaded by CI (direct upload), so there is no source repository and no build here."""

    project: pulumi.Output[str]
    """Name that CI uploads to."""

    def __init__(self, name: str, args: PagesStaticSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:PagesStaticSite", name, args.labels.inputs(DataClass.PUBLIC), opts)
        project = cloudflare.PagesProject(
            f"{name}-project",
            account_id=args.account_id,
            name=f"{args.labels.prefix}-static",
            production_branch=args.production_branch,
            # Said when the project is made, so that no default of Cloudflare's decides. What comes back has drifted
            # (cloudflare/terraform-provider-cloudflare#5928, #6526), so it is not compared later.
            build_config={"build_caching": False, "build_command": "", "destination_dir": "", "root_dir": ""},
            deployment_configs={"preview": WITHOUT_FUNCTIONS, "production": WITHOUT_FUNCTIONS},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["buildConfig", "deploymentConfigs"]),
        )
        self.project = project.name
        self.register_outputs({"project": self.project})
