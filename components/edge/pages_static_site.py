"""A Pages project for a static export. Next.js with a server goes to Workers: OpenNext does not build for Pages."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels


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
            # All that a direct upload has (as in the provider's own test of one). Build and deployment settings are
            # for repositories and Functions: Cloudflare fills them in, and no value of ours would be truer. They have
            # drifted (cloudflare/terraform-provider-cloudflare#5928, #6526), so they are not compared.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["buildConfig", "deploymentConfigs"]),
        )
        self.project = project.name
        self.register_outputs({"project": self.project})
