"""Who GitHub Actions is in AWS: a role for deploying and one for looking, both without a stored key."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.labels import DataClass, Labels
from components.providers import HOME_REGION

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class DeployIdentityArgs:
    labels: Labels
    aws_account_id: str
    repository: str
    """`OWNER/NAME` on GitHub."""
    owns_oidc_provider: bool
    """An account has one provider for GitHub: of the stacks that share an account, one declares it."""


class DeployIdentity(pulumi.ComponentResource):
    """`deploy` is for jobs of the stack's GitHub environment, `preview` for pull requests and reads only."""

    deploy_role_arn: pulumi.Output[str]
    preview_role_arn: pulumi.Output[str]

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
        deploy = self._role(name, args, "deploy", f"environment:{args.labels.environment}", depends_on)
        preview = self._role(name, args, "preview", "pull_request", depends_on)
        self._grant(f"{name}-deploy-policy", deploy, deploy_policy(args.labels.prefix, args.aws_account_id))
        self._grant(f"{name}-preview-policy", preview, preview_policy(args.labels.prefix))
        self.deploy_role_arn = deploy.arn
        self.preview_role_arn = preview.arn
        self.register_outputs({"deployRoleArn": self.deploy_role_arn, "previewRoleArn": self.preview_role_arn})

    def _role(
        self, name: str, args: DeployIdentityArgs, job: str, subject: str, depends_on: list[pulumi.Resource]
    ) -> aws.iam.Role:
        return aws.iam.Role(
            f"{name}-{job}",
            name=f"{args.labels.prefix}-{job}",
            description=f"GitHub Actions: {job} {args.labels.environment}",
            assume_role_policy=pulumi.Output.json_dumps(github_trust(args.aws_account_id, args.repository, subject)),
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )

    def _grant(self, name: str, role: aws.iam.Role, policy: dict[str, object]) -> None:
        aws.iam.RolePolicy(
            name,
            name="stack",
            role=role.name,
            policy=pulumi.Output.json_dumps(policy),
            opts=pulumi.ResourceOptions(parent=self),
        )


def github_trust(aws_account_id: str, repository: str, subject: str) -> dict[str, object]:
    """Admits only jobs of one repository with exactly this subject; no wildcard."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{aws_account_id}:oidc-provider/{ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:aud": AUDIENCE,
                        f"{ISSUER}:sub": f"repo:{repository}:{subject}",
                    }
                },
            }
        ],
    }


def deploy_policy(prefix: str, aws_account_id: str) -> dict[str, object]:
    """What `pulumi up` of this stack needs: Lightsail in Montreal, and buckets, roles and users of its own name."""
    identities = [f"arn:aws:iam::{aws_account_id}:{kind}/{prefix}-*" for kind in ("role", "user")]
    own_roles = [f"arn:aws:iam::{aws_account_id}:role/{prefix}-{job}" for job in ("deploy", "preview")]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "lightsail:*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": HOME_REGION}},
            },
            {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{prefix}-*"]},
            {"Effect": "Allow", "Action": "iam:*", "Resource": identities},
            {
                # A pipeline must not widen its own rights: changes of these roles are an administrator's.
                "Effect": "Deny",
                "NotAction": ["iam:Get*", "iam:List*"],
                "Resource": own_roles,
            },
        ],
    }


def preview_policy(prefix: str) -> dict[str, object]:
    """What a preview with refresh reads; no object of any bucket."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["lightsail:Get*", "iam:Get*", "iam:List*"],
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Action": ["s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration"],
                "Resource": [f"arn:aws:s3:::{prefix}-*"],
            },
        ],
    }
