"""What a host is made from: the files of host/ and its specification in one archive, a version of an object in S3."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from components.common.regions import HOME_REGION
from components.storage.private_bucket import PrivateBucket, PrivateBucketArgs

PROJECT = Path(__file__).resolve().parents[2]
BUNDLED = ("host", "durable")
NOT_BUNDLED = {".pyc", ".pyo"}
# The hosts run the newest version; older ones are kept for looking back.
OLD_VERSION_DAYS = 35


@dataclass(frozen=True)
class Bundle:
    """An archive as bytes. The same files give the same bytes, so that only a change makes a new version."""

    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def specification_name(host: str) -> str:
    """Name of the specification inside the bundle."""
    return f"specification-{host}.json"


def bundle(host: str, specification: dict[str, Any], project: Path = PROJECT) -> Bundle:
    """Packs host/, what it imports, and the specification beside them.

    Independent of the files' owners, times and order; another zlib may compress them differently.
    """
    files = {
        path.relative_to(project).as_posix(): path.read_bytes()
        for folder in BUNDLED
        for path in (project / folder).rglob("*")
        if path.is_file() and path.suffix not in NOT_BUNDLED and "__pycache__" not in path.parts
    }
    files[specification_name(host)] = json.dumps(specification, indent=1, sort_keys=True).encode() + b"\n"
    packed = io.BytesIO()
    # Named nothing and made at the beginning of time: both would stand in the header.
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(files.items()):
            archive.addfile(_entry(name, len(content)), io.BytesIO(content))
    return Bundle(packed.getvalue())


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """Root's, of mode 644 and of the year 1970, which is what TarInfo says unless told otherwise."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry


@dataclass(frozen=True, kw_only=True)
class HostBundlesArgs:
    labels: Labels
    protection: Protection
    aws_account_id: str
    bundles: dict[str, Bundle]
    """Keyed by the host's name."""


@dataclass(frozen=True, kw_only=True)
class BundleObject:
    """Where one bundle is."""

    key: str
    version_id: pulumi.Output[str]
    sha256: str


class HostBundles(pulumi.ComponentResource):
    """A private bucket with one object a host. It holds code and settings, no data and no secret."""

    bucket: pulumi.Output[str]
    objects: dict[str, BundleObject]
    """Keyed by the host's name."""

    def __init__(self, name: str, args: HostBundlesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:HostBundles", name, args.labels.inputs(DataClass.NONE), opts)
        bucket_name = bundle_bucket(args.labels.prefix, args.aws_account_id)
        bucket = PrivateBucket(
            name,
            PrivateBucketArgs(
                labels=args.labels,
                protection=args.protection,
                bucket=bucket_name,
                data_class=DataClass.NONE,
                old_version_days=OLD_VERSION_DAYS,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.bucket = bucket.bucket
        self.objects = {
            host: self._object(name, args.labels, bucket, host, bundle) for host, bundle in args.bundles.items()
        }
        self.register_outputs({"bucket": self.bucket})

    def _object(self, name: str, labels: Labels, bucket: PrivateBucket, host: str, bundle: Bundle) -> BundleObject:
        key = bundle_key(host)
        made = aws.s3.BucketObjectv2(
            f"{name}-{host}",
            bucket=bucket.bucket,
            key=key,
            content_base64=base64.b64encode(bundle.content).decode(),
            content_type="application/gzip",
            region=HOME_REGION,
            tags=labels.tags(DataClass.NONE),
            # In a bucket that keeps no versions yet the object would have none to name.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[bucket], hide_diffs=["contentBase64"]),
        )
        return BundleObject(key=key, version_id=made.version_id, sha256=bundle.sha256)


def bundle_bucket(prefix: str, aws_account_id: str) -> str:
    # The account's number makes it unique in all of S3.
    return f"{prefix}-bundles-{aws_account_id}"


def bundle_key(host: str) -> str:
    return f"postgres-{host}.tar.gz"


def bundle_arn(prefix: str, aws_account_id: str, host: str) -> str:
    """The object's ARN as text, for policies that must be readable before it exists."""
    return f"arn:aws:s3:::{bundle_bucket(prefix, aws_account_id)}/{bundle_key(host)}"
