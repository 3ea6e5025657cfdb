"""Regulated documents in Montreal, and the user that the content management system works as."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from components.storage.backup_buckets import bucket_arn
from components.storage.private_bucket import PrivateBucket, PrivateBucketArgs


@dataclass(frozen=True, kw_only=True)
class CmsDocumentsArgs:
    labels: Labels
    protection: Protection
    aws_account_id: str
    old_version_days: int
    """Days that overwritten and deleted objects can still be brought back."""
    boundary_arn: pulumi.Input[str]
    """The most that the user may ever do; see PermissionsBoundary."""


class CmsDocuments(pulumi.ComponentResource):
    """A private bucket and a user that reaches that bucket and nothing else.

    No access key is declared: it would sit in the state. It is made, and renewed, when it is handed over.
    """

    bucket: pulumi.Output[str]
    user_name: pulumi.Output[str]
    """Whom an access key is made for."""

    def __init__(self, name: str, args: CmsDocumentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:storage:CmsDocuments", name, args.labels.inputs(DataClass.REGULATED), opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = PrivateBucket(
            name,
            PrivateBucketArgs(
                labels=args.labels,
                protection=args.protection,
                bucket=documents_bucket(args.labels.prefix, args.aws_account_id),
                data_class=DataClass.REGULATED,
                old_version_days=args.old_version_days,
            ),
            child,
        )
        user = aws.iam.User(
            f"{name}-user",
            name=f"{args.labels.prefix}-cms",
            permissions_boundary=args.boundary_arn,
            tags=args.labels.tags(DataClass.NONE),
            opts=child,
        )
        aws.iam.UserPolicy(
            f"{name}-user-policy",
            name="documents",
            user=user.name,
            policy=pulumi.Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": documents_statements(args.labels.prefix, args.aws_account_id),
                }
            ),
            opts=child,
        )
        self.bucket = bucket.bucket
        self.user_name = user.name
        self.register_outputs({"bucket": self.bucket, "userName": self.user_name})


def documents_bucket(prefix: str, aws_account_id: str) -> str:
    # The account's number makes it unique in all of S3.
    return f"{prefix}-documents-{aws_account_id}"


def documents_statements(prefix: str, aws_account_id: str) -> list[dict[str, object]]:
    """Lists, reads and writes documents; can't remove an old version, so can't destroy history."""
    arn = bucket_arn(documents_bucket(prefix, aws_account_id))
    return [
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [arn]},
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": [f"{arn}/*"],
        },
    ]
