"""Where pgBackRest keeps backups and write-ahead log, and what writing there takes."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.labels import DataClass, Labels
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.protection import Protection

# Full backups that are kept; what only older ones need goes with them.
RETENTION_FULL = 2


@dataclass(frozen=True, kw_only=True)
class BackupRepositoryArgs:
    labels: Labels
    protection: Protection
    aws_account_id: str
    old_version_days: int
    """Days that overwritten and deleted objects can still be brought back."""


class BackupRepository(pulumi.ComponentResource):
    """A private bucket and the passphrase that encrypts what is in it: whoever loses that loses the backups."""

    bucket: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    cipher_passphrase: pulumi.Output[str]
    """Passphrase of the repository's encryption, secret."""

    def __init__(self, name: str, args: BackupRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:backup:BackupRepository", name, args.labels.inputs(DataClass.REGULATED), opts)
        bucket = PrivateBucket(
            name,
            PrivateBucketArgs(
                labels=args.labels,
                protection=args.protection,
                bucket=backup_bucket(args.labels.prefix, args.aws_account_id),
                data_class=DataClass.REGULATED,
                old_version_days=args.old_version_days,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        passphrase = random.RandomPassword(
            f"{name}-cipher-passphrase", length=64, special=False, opts=args.protection.options(self)
        )
        self.bucket = bucket.bucket
        self.bucket_arn = bucket.arn
        self.cipher_passphrase = passphrase.result
        self.register_outputs({"bucket": self.bucket, "cipherPassphrase": self.cipher_passphrase})


def backup_bucket(prefix: str, aws_account_id: str) -> str:
    # The account's number makes it unique in all of S3.
    return f"{prefix}-backups-{aws_account_id}"


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


def stanza(major: int) -> str:
    """pgBackRest's name for one cluster's backups: a stanza belongs to one major version of PostgreSQL."""
    return f"main-{major}"
