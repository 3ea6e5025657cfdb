"""Who GitHub Actions is in AWS: roles for deploying, for looking and for drills, all without a stored key."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access.deploy_policies import (
    AUDIENCE,
    ISSUER,
    JOBS,
    Document,
    Job,
    Reach,
    deploy_policy,
    drill_policy,
    github_trust,
    preview_policy,
)
from components.common.labels import DataClass, Labels


@dataclass(frozen=True, kw_only=True)
class DeployIdentityArgs:
    labels: Labels
    aws_account_id: str
    repository: str
    """`OWNER/NAME` on GitHub."""
    owns_oidc_provider: bool
    """An account has one provider for GitHub: of the stacks that share an account, one declares it."""
    state_bucket: str
    """S3 bucket of Pulumi's state; made by an administrator before the first stack, so not declared here."""
    state_key_alias: str
    """KMS alias, `alias/NAME`, of the key that encrypts the state's secrets."""


class DeployIdentity(pulumi.ComponentResource):
    """`deploy` is for jobs of the stack's GitHub environment, `preview` for pull requests and reads only.

    `drill` is for what runs on the main branch, and may have a host try its backups. None can change itself: the first
    `pulumi up`, and each that changes these roles, is an administrator's.
    """

    deploy_role_arn: pulumi.Output[str]
    """Assumed by the stack's GitHub environment."""
    preview_role_arn: pulumi.Output[str]
    """Assumed by jobs of pull requests; GitHub gives none to those from forks."""
    drill_role_arn: pulumi.Output[str]
    """Assumed by the weekly drill: the repository's variable HYBRID_DRILL_ROLE."""

    def __init__(self, name: str, args: DeployIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:identity:DeployIdentity", name, args.labels.inputs(DataClass.NONE), opts)
        depends_on: list[pulumi.Resource] = []
        if args.owns_oidc_provider:
            provider = aws.iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{ISSUER}",
                client_id_lists=[AUDIENCE],
                tags=args.labels.tags(DataClass.NONE),
                opts=pulumi.ResourceOptions(parent=self),
            )
            depends_on.append(provider)
        reach = Reach(
            prefix=args.labels.prefix,
            aws_account_id=args.aws_account_id,
            state_bucket=args.state_bucket,
            state_key_alias=args.state_key_alias,
        )
        roles = {job.name: self._role(name, args, job, depends_on) for job in JOBS}
        self._grant(f"{name}-deploy-policy", roles["deploy"], deploy_policy(reach))
        self._grant(f"{name}-preview-policy", roles["preview"], preview_policy(reach))
        self._grant(f"{name}-drill-policy", roles["drill"], drill_policy(reach))
        self.deploy_role_arn = roles["deploy"].arn
        self.preview_role_arn = roles["preview"].arn
        self.drill_role_arn = roles["drill"].arn
        self.register_outputs(
            {
                "deployRoleArn": self.deploy_role_arn,
                "previewRoleArn": self.preview_role_arn,
                "drillRoleArn": self.drill_role_arn,
            }
        )

    def _role(self, name: str, args: DeployIdentityArgs, job: Job, depends_on: list[pulumi.Resource]) -> aws.iam.Role:
        environment = args.labels.environment
        subject = job.subject.format(environment=environment)
        return aws.iam.Role(
            f"{name}-{job.name}",
            name=job.role_name(args.labels.prefix),
            description=f"GitHub Actions: {job.name} {environment}",
            assume_role_policy=pulumi.Output.json_dumps(github_trust(args.aws_account_id, args.repository, subject)),
            max_session_duration=job.session_seconds,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )

    def _grant(self, name: str, role: aws.iam.Role, policy: Document) -> None:
        aws.iam.RolePolicy(
            name,
            name="stack",
            role=role.name,
            policy=pulumi.Output.json_dumps(policy),
            opts=pulumi.ResourceOptions(parent=self),
        )
