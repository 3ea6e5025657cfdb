"""The most that the stack's own roles and users may ever do, whatever policy they get."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.host_bundle import bundle_bucket
from components.host_policies import agent_statements, secret_statements
from components.labels import DataClass, Labels


@dataclass(frozen=True, kw_only=True)
class PermissionsBoundaryArgs:
    labels: Labels
    aws_account_id: str


class PermissionsBoundary(pulumi.ComponentResource):
    """A managed policy that the pipeline must put on what it makes, and can't change: an administrator's."""

    arn: pulumi.Output[str]
    """For `permissions_boundary`: who takes it from here is made after the policy."""

    def __init__(self, name: str, args: PermissionsBoundaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:identity:PermissionsBoundary", name, args.labels.inputs(DataClass.NONE), opts)
        # In state: renaming this replaces the policy, and with it the boundary of every role and user.
        policy = aws.iam.Policy(
            f"{name}-policy",
            name=boundary_name(args.labels.prefix),
            description="The most that roles and users of this stack may do",
            policy=pulumi.Output.json_dumps(boundary_policy(args.labels.prefix, args.aws_account_id)),
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = policy.arn
        self.register_outputs({"arn": self.arn})


def boundary_name(prefix: str) -> str:
    return f"{prefix}-boundary"


def boundary_arn(prefix: str, aws_account_id: str) -> str:
    """The ARN as text, for documents that must be readable before anything exists."""
    return f"arn:aws:iam::{aws_account_id}:policy/{boundary_name(prefix)}"


def boundary_policy(prefix: str, aws_account_id: str) -> dict[str, object]:
    """Objects in the stack's own buckets, and what a host does as a node of Systems Manager.

    No old version of an object can be removed, and none be read but a bundle's; no bucket can be changed.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "s3:ListBucket",
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                ],
                # The star reaches over the slash: the buckets and what is in them.
                "Resource": [f"arn:aws:s3:::{prefix}-*"],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:GetObjectVersion"],
                "Resource": [f"arn:aws:s3:::{bundle_bucket(prefix, aws_account_id)}/*"],
            },
            *agent_statements(prefix, aws_account_id),
            *secret_statements(prefix, aws_account_id),
        ],
    }
