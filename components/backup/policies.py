"""Who may do what with the backups: documents of the host, of the replication, and of the keys.

What is for one role and what the boundary allows to all of them are the same statements, with one key or any.
"""

from dataclasses import dataclass

import pulumi

from components.common.regions import COPY_REGION, HOME_REGION
from components.storage.backup_buckets import backup_bucket, backup_copy_bucket, bucket_arn, s3_endpoint

Document = dict[str, object]

# Old versions too: `--repo-target-time` reads the repository as it was before somebody deleted or overwrote it.
LISTS = ["s3:ListBucket", "s3:ListBucketVersions"]
READS = ["s3:GetObject", "s3:GetObjectVersion"]
# Deleting leaves a version behind. Neither a version can be removed nor a lock be shortened with these.
WRITES = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
# A multipart upload is decrypted, too (AWS, "Uploading and copying objects using multipart upload").
KEY_WRITES = ["kms:Decrypt", "kms:GenerateDataKey"]
KEY_READS = ["kms:Decrypt"]
# AWS, "Setting up permissions for live replication" and "Using S3 Object Lock", replication.
REPLICATED_LISTS = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
REPLICATED_READS = [
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
]
REPLICA_WRITES = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
# Encrypt for an object's own key, GenerateDataKey for a bucket's (AWS, "Replicating encrypted objects").
REPLICA_KEY_WRITES = ["kms:Encrypt", "kms:GenerateDataKey"]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The two buckets and their keys, as policies name them."""

    bucket: str
    copy: str
    """Names of the buckets."""
    key_arn: pulumi.Input[str]
    copy_key_arn: pulumi.Input[str]

    @classmethod
    def of_any_key(cls, prefix: str, aws_account_id: str) -> "Repository":
        """The repository as the boundary names it, before a key exists: only S3's use for these buckets narrows it."""
        keys = {region: f"arn:aws:kms:{region}:{aws_account_id}:key/*" for region in (HOME_REGION, COPY_REGION)}
        return cls(
            bucket=backup_bucket(prefix, aws_account_id),
            copy=backup_copy_bucket(prefix, aws_account_id),
            key_arn=keys[HOME_REGION],
            copy_key_arn=keys[COPY_REGION],
        )


def writer_policy(repository: Repository) -> Document:
    """What pgBackRest does on a host: writes the bucket, reads the copy."""
    return _document(writer_statements(repository))


def writer_statements(repository: Repository) -> list[Document]:
    bucket, copy = bucket_arn(repository.bucket), bucket_arn(repository.copy)
    return [
        _allow(LISTS, [bucket, copy]),
        _allow(READS, [f"{bucket}/*", f"{copy}/*"]),
        _allow(WRITES, [f"{bucket}/*"]),
        _through_s3(KEY_WRITES, HOME_REGION, bucket, repository.key_arn),
        _through_s3(KEY_READS, COPY_REGION, copy, repository.copy_key_arn),
    ]


def replication_policy(repository: Repository) -> Document:
    """What S3 does when it copies, locks and markers of deletion included; nothing is removed by it."""
    return _document(replication_statements(repository))


def replication_statements(repository: Repository) -> list[Document]:
    bucket, copy = bucket_arn(repository.bucket), bucket_arn(repository.copy)
    return [
        _allow(REPLICATED_LISTS, [bucket]),
        _allow(REPLICATED_READS, [f"{bucket}/*"]),
        _allow(REPLICA_WRITES, [f"{copy}/*"]),
        _through_s3(KEY_READS, HOME_REGION, bucket, repository.key_arn),
        _through_s3(REPLICA_KEY_WRITES, COPY_REGION, copy, repository.copy_key_arn),
    ]


def replication_trust() -> Document:
    """Lets S3 take the role on. Who names it in a bucket's replication must be allowed to hand it on (iam:PassRole)."""
    return _document([{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}])


def key_policy(aws_account_id: str, *others: Document) -> Document:
    """The account administers the key through IAM; without `others` nobody else is admitted."""
    account: Document = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{aws_account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return _document([account, *others])


def _through_s3(actions: list[str], region: str, bucket: str, key_arn: pulumi.Input[str]) -> Document:
    condition: Document = {
        "StringEquals": {"kms:ViaService": s3_endpoint(region)},
        # With a bucket key the context is the bucket, otherwise the object (AWS, "Reducing the cost of SSE-KMS").
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"]},
    }
    return {**_allow(actions, [key_arn]), "Condition": condition}


def _allow(actions: list[str], resources: list[str] | list[pulumi.Input[str]]) -> Document:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _document(statements: list[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": statements}
