"""A Pages project for a static export. Next.js with a server goes to Workers: OpenNext does not build for Pages."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.labels import DataClass, Labels


@dataclass(frozen=True, kw_only=True)
class PagesStaticSiteArgs:
    labels: Labels
    account_id: str
    production_branch: str


class PagesStaticSite(pulumi.ComponentResource):
    """Files are uploaded by CI (direct upload), so there is no source repository and no build here."""

    project: pulumi.Output[str]

    def __init__(self, name: str, args: PagesStaticSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:PagesStaticSite", name, args.labels.inputs(DataClass.PUBLIC), opts)
        project = cloudflare.PagesProject(
            f"{name}-project",
            account_id=args.account_id,
            name=f"{args.labels.prefix}-static",
            production_branch=args.production_branch,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.project = project.name
        self.register_outputs({"project": self.project})
