"""The most that the stack's own roles and users may ever do, whatever policy they get."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup.policies import Repository, replication_statements, writer_statements
from components.common.labels import DataClass, Labels
from components.host.bundle import bundle_bucket
from components.host.policies import BUNDLE_READS, agent_statements, metrics_statements, secret_statements
from components.storage.backup_buckets import bucket_arn
from components.storage.cms_documents import documents_statements


@dataclass(frozen=True, kw_only=True)
class PermissionsBoundaryArgs:
    labels: Labels
    aws_account_id: str


class PermissionsBoundary(pulumi.ComponentResource):
    """A managed policy that the pipeline must put on what it makes, and can't change: an administrator's."""

    arn: pulumi.Output[str]
    """Value for `permissions_boundary`; what uses it is made after the policy."""

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
    """What documents' user, a host, and S3 for the copy of the backups do; of a bundle any, not one host's only.

    No version of an object can be removed, no lock shortened, no bucket changed, and the copy is written by S3 alone.
    """
    repository = Repository.of_any_key(prefix, aws_account_id)
    bundles = bucket_arn(bundle_bucket(prefix, aws_account_id))
    return {
        "Version": "2012-10-17",
        "Statement": [
            *documents_statements(prefix, aws_account_id),
            {"Effect": "Allow", "Action": BUNDLE_READS, "Resource": [f"{bundles}/*"]},
            *writer_statements(repository),
            *replication_statements(repository),
            *agent_statements(prefix, aws_account_id),
            *secret_statements(prefix, aws_account_id),
            *metrics_statements(prefix),
        ],
    }
