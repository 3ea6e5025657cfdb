"""Where pgBackRest keeps backups and write-ahead log: a bucket in Montreal and its copy in Calgary."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.backup.policies import Repository, key_policy
from components.backup.replication import BackupReplication, BackupReplicationArgs
from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from components.common.regions import COPY_REGION, HOME_REGION
from components.storage.backup_buckets import backup_bucket, backup_copy_bucket, key_aliases
from components.storage.encryption_key import EncryptionKey, EncryptionKeyArgs
from components.storage.private_bucket import PrivateBucket, PrivateBucketArgs


@dataclass(frozen=True, kw_only=True)
class BackupRepositoryArgs:
    labels: Labels
    protection: Protection
    aws_account_id: str
    old_version_days: int
    """Days that overwritten and deleted objects can still be brought back."""
    lock_days: int
    """Days from its writing on that only an administrator can remove a version; at most `old_version_days`."""
    boundary_arn: pulumi.Input[str]
    """The most that the replication's role may ever do; see PermissionsBoundary."""


class BackupRepository(pulumi.ComponentResource):
    """Two private buckets that keep locked versions, and the passphrase that encrypts what is in them.

    Whoever loses the passphrase loses the backups, and so does who loses both keys. Each bucket has a key of its
    own in its own region, so that either can be read without the other. The lock is of governance mode: an
    administrator with `s3:BypassGovernanceRetention` can still remove a version, and no role of the stack has that.
    """

    bucket: pulumi.Output[str]
    copy_bucket: pulumi.Output[str]
    repository: Repository
    """Names that the policies of its users need."""
    cipher_passphrase: pulumi.Output[str]
    """Passphrase of the repository's encryption, secret."""

    def __init__(self, name: str, args: BackupRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:backup:BackupRepository", name, args.labels.inputs(DataClass.REGULATED), opts)
        bucket_name = backup_bucket(args.labels.prefix, args.aws_account_id)
        copy_name = backup_copy_bucket(args.labels.prefix, args.aws_account_id)
        key = self._key(name, args, HOME_REGION)
        copy_key = self._key(f"{name}-copy", args, COPY_REGION)
        bucket = self._bucket(name, args, HOME_REGION, bucket_name, key.arn)
        copy = self._bucket(f"{name}-copy", args, COPY_REGION, copy_name, copy_key.arn)
        self.repository = Repository(bucket=bucket_name, copy=copy_name, key_arn=key.arn, copy_key_arn=copy_key.arn)
        BackupReplication(
            f"{name}-replication",
            BackupReplicationArgs(
                labels=args.labels,
                boundary_arn=args.boundary_arn,
                repository=self.repository,
                # S3 refuses it before both keep versions.
                buckets=[bucket, copy],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        passphrase = random.RandomPassword(
            f"{name}-cipher-passphrase", length=64, special=False, opts=args.protection.options(self)
        )
        self.bucket = bucket.bucket
        self.copy_bucket = copy.bucket
        self.cipher_passphrase = passphrase.result
        self.register_outputs(
            {"bucket": self.bucket, "copyBucket": self.copy_bucket, "cipherPassphrase": self.cipher_passphrase}
        )

    def _key(self, name: str, args: BackupRepositoryArgs, region: str) -> EncryptionKey:
        return EncryptionKey(
            name,
            EncryptionKeyArgs(
                labels=args.labels,
                protection=args.protection,
                region=region,
                alias=key_aliases(args.labels.prefix)[region],
                description=f"Backups of {args.labels.prefix} in {region}",
                data_class=DataClass.REGULATED,
                policy=key_policy(args.aws_account_id),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _bucket(
        self, name: str, args: BackupRepositoryArgs, region: str, bucket: str, key_arn: pulumi.Output[str]
    ) -> PrivateBucket:
        return PrivateBucket(
            name,
            PrivateBucketArgs(
                labels=args.labels,
                protection=args.protection,
                bucket=bucket,
                data_class=DataClass.REGULATED,
                old_version_days=args.old_version_days,
                region=region,
                key_arn=key_arn,
                lock_days=args.lock_days,
            ),
            pulumi.ResourceOptions(parent=self),
        )


def stanza(major: int) -> str:
    """pgBackRest's name for one cluster's backups: a stanza belongs to one major version of PostgreSQL."""
    return f"main-{major}"
