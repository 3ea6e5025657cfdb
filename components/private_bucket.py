"""An S3 bucket in Montreal for data that must stay in Canada."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.labels import DataClass, Labels
from components.protection import Protection
from components.providers import HOME_REGION


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    labels: Labels
    protection: Protection
    bucket: str
    """Bucket name, unique in all of S3."""
    data_class: DataClass
    old_version_days: int
    """Days that overwritten and deleted objects can still be brought back."""


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
            region=HOME_REGION,
            tags=args.labels.tags(args.data_class),
            opts=args.protection.options(self),
        )
        self._keep_versions(name, bucket, args.old_version_days)
        self._close(name, bucket)
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})

    def _keep_versions(self, name: str, bucket: aws.s3.Bucket, old_version_days: int) -> None:
        child = pulumi.ResourceOptions(parent=self)
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            region=HOME_REGION,
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            region=HOME_REGION,
            rules=[
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {},
                    "noncurrent_version_expiration": {"noncurrent_days": old_version_days},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                }
            ],
            # A rule for old versions is refused before versioning is on.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )

    def _close(self, name: str, bucket: aws.s3.Bucket) -> None:
        child = pulumi.ResourceOptions(parent=self)
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            region=HOME_REGION,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            region=HOME_REGION,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=child,
        )
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            region=HOME_REGION,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketPolicy(
            f"{name}-tls-only",
            bucket=bucket.bucket,
            region=HOME_REGION,
            policy=tls_only_policy(bucket.arn),
            # Both change the bucket's policy state; side by side S3 answers with a conflict.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )


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
