"""R2 buckets for public media. R2 has no Canadian jurisdiction, so nothing else may go there."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.common.protection import Protection

# The nearest hint to Montreal; best effort, and heeded only when a bucket of this name is first made.
LOCATION_HINT = "enam"
DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class MediaBucketArgs:
    labels: Labels
    protection: Protection
    account_id: str
    key: str
    """What the bucket is for; part of its name and of the Worker's binding."""
    site_origin: str
    """Origin whose pages may read and upload, `https://HOST`."""


class MediaBucket(pulumi.ComponentResource):
    """A bucket that pages of the site may read from and upload to. Never served from r2.dev."""

    bucket: pulumi.Output[str]
    """Name of the bucket."""
    key: str

    def __init__(self, name: str, args: MediaBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:storage:MediaBucket", name, args.labels.inputs(DataClass.PUBLIC), opts)
        # In state: renaming this replaces the bucket.
        bucket = cloudflare.R2Bucket(
            f"{name}-bucket",
            account_id=args.account_id,
            name=f"{args.labels.prefix}-{args.key}",
            location=LOCATION_HINT,
            # The provider would send an update to a bucket that does not exist in the other jurisdiction.
            opts=args.protection.options(self, replace_on_changes=["jurisdiction"]),
        )
        child = pulumi.ResourceOptions(parent=self)
        cloudflare.R2BucketCors(
            f"{name}-cors",
            account_id=args.account_id,
            bucket_name=bucket.name,
            rules=[
                {
                    "id": "site",
                    "allowed": {
                        "origins": [args.site_origin],
                        "methods": ["GET", "HEAD", "PUT"],
                        "headers": ["content-type"],
                    },
                    "max_age_seconds": 3600,
                }
            ],
            opts=child,
        )
        cloudflare.R2BucketLifecycle(
            f"{name}-lifecycle",
            account_id=args.account_id,
            bucket_name=bucket.name,
            rules=[
                {
                    "id": "unfinished-uploads",
                    "enabled": True,
                    "conditions": {"prefix": ""},
                    "abort_multipart_uploads_transition": {"condition": {"type": "Age", "max_age": DAY_SECONDS}},
                }
            ],
            opts=child,
        )
        self.bucket = bucket.name
        self.key = args.key
        self.register_outputs({"bucket": self.bucket, **args.labels.inputs(DataClass.PUBLIC)})
