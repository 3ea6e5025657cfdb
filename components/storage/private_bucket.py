"""An S3 bucket for data that must stay in Canada."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from components.common.regions import HOME_REGION


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    labels: Labels
    protection: Protection
    bucket: str
    """Bucket name, unique in all of S3."""
    data_class: DataClass
    old_version_days: int
    """Days that overwritten and deleted objects can still be brought back."""
    region: str = HOME_REGION
    key_arn: pulumi.Input[str] | None = None
    """The customer's own key in the bucket's region; without one S3 encrypts with keys of its own."""
    lock_days: int | None = None
    """Days from its writing on that only an administrator can remove a version; None leaves versions unlocked. In
    state: S3 never takes a lock off a bucket again, it only gets another number of days."""


class PrivateBucket(pulumi.ComponentResource):
    """Versioned, encrypted, closed to the public, reachable over TLS only."""

    bucket: pulumi.Output[str]
    """Name of the bucket."""
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:storage:PrivateBucket", name, args.labels.inputs(args.data_class), opts)
        # In state: renaming this replaces the bucket.
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=args.bucket,
            region=args.region,
            tags=args.labels.tags(args.data_class),
            opts=args.protection.options(self),
        )
        self._keep_versions(name, args, bucket)
        self._encrypt(name, args, bucket)
        self._close(name, args, bucket)
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})

    def _keep_versions(self, name: str, args: PrivateBucketArgs, bucket: aws.s3.Bucket) -> None:
        child = pulumi.ResourceOptions(parent=self)
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            region=args.region,
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            region=args.region,
            rules=[
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {},
                    "noncurrent_version_expiration": {"noncurrent_days": args.old_version_days},
                    # A marker of deletion with nothing left under it only makes listing slower.
                    "expiration": {"expired_object_delete_marker": True},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                }
            ],
            # A rule for old versions is refused before versioning is on, and so is a lock.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        if args.lock_days is not None:
            # Not the bucket's own `object_lock_enabled`: that is settled when a bucket is made, so it would replace
            # one that exists.
            aws.s3.BucketObjectLockConfiguration(
                f"{name}-lock",
                bucket=bucket.bucket,
                rule={"default_retention": {"mode": "GOVERNANCE", "days": args.lock_days}},
                region=args.region,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
            )

    def _encrypt(self, name: str, args: PrivateBucketArgs, bucket: aws.s3.Bucket) -> None:
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            region=args.region,
            rules=[encryption_rule(args.key_arn)],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _close(self, name: str, args: PrivateBucketArgs, bucket: aws.s3.Bucket) -> None:
        child = pulumi.ResourceOptions(parent=self)
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            region=args.region,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=child,
        )
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            region=args.region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketPolicy(
            f"{name}-tls-only",
            bucket=bucket.bucket,
            region=args.region,
            policy=tls_only_policy(bucket.arn),
            # Both change the bucket's policy; made in parallel, S3 answers with a conflict.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )


def encryption_rule(
    key_arn: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    """How objects are encrypted that come without a wish of their own."""
    if key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn},
        # One key a bucket in place of one an object: S3 asks, and pays for, KMS far less often.
        "bucket_key_enabled": True,
    }


def tls_only_policy(bucket_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """Bucket policy that refuses every request without TLS."""
    return pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
    )
