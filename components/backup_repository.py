"""Where pgBackRest keeps backups and write-ahead log, and who may write there."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.labels import DataClass, Labels
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.protection import Protection
from components.providers import HOME_REGION

STANZA = "main"


@dataclass(frozen=True, kw_only=True)
class BackupRepositoryArgs:
    labels: Labels
    protection: Protection
    aws_account_id: str
    old_version_days: int
    """Days that overwritten and deleted objects can still be brought back."""
    boundary_arn: pulumi.Input[str]
    """The most that the writer role may ever do; see PermissionsBoundary."""


class BackupRepository(pulumi.ComponentResource):
    """A private bucket, the passphrase that encrypts what is in it, and the role of the host that writes it.

    Whoever loses the passphrase loses the backups. The role has no key: the host takes it on through SSM.
    """

    bucket: pulumi.Output[str]
    writer_role_arn: pulumi.Output[str]
    """What the host is registered with at Systems Manager."""
    cipher_passphrase: pulumi.Output[str]
    """Passphrase of the repository's encryption, secret."""

    def __init__(self, name: str, args: BackupRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        declared = {**args.labels.inputs(DataClass.REGULATED), "stanza": STANZA}
        super().__init__("hybrid:backup:BackupRepository", name, declared, opts)
        bucket = PrivateBucket(
            name,
            PrivateBucketArgs(
                labels=args.labels,
                protection=args.protection,
                # The account's number makes it unique in all of S3.
                bucket=f"{args.labels.prefix}-backups-{args.aws_account_id}",
                data_class=DataClass.REGULATED,
                old_version_days=args.old_version_days,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        passphrase = random.RandomPassword(
            f"{name}-cipher-passphrase", length=64, special=False, opts=args.protection.options(self)
        )
        role = aws.iam.Role(
            f"{name}-writer",
            name=f"{args.labels.prefix}-backup-writer",
            description="Taken on by the PostgreSQL host to write backups",
            assume_role_policy=pulumi.Output.json_dumps(host_trust(args.aws_account_id)),
            permissions_boundary=args.boundary_arn,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.iam.RolePolicy(
            f"{name}-writer-policy",
            name="write-backups",
            role=role.name,
            policy=pulumi.Output.json_dumps(writer_policy(bucket.arn)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket = bucket.bucket
        self.writer_role_arn = role.arn
        self.cipher_passphrase = passphrase.result
        self.register_outputs(
            {
                "bucket": self.bucket,
                "writerRoleArn": self.writer_role_arn,
                "cipherPassphrase": self.cipher_passphrase,
            }
        )


def host_trust(aws_account_id: str) -> dict[str, object]:
    """Lets hosts that this account registered with Systems Manager in Montreal take on a role."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ssm.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": aws_account_id},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:ssm:{HOME_REGION}:{aws_account_id}:*"},
                },
            }
        ],
    }


def writer_policy(bucket_arn: pulumi.Input[str]) -> dict[str, object]:
    """What pgBackRest needs on its bucket. Deleting leaves a version behind, so it can't destroy history."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": bucket_arn},
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                "Resource": pulumi.Output.concat(bucket_arn, "/*"),
            },
        ],
    }
