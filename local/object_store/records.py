"""An object's version or a delete marker as plain data for a file, and back.

Not kept: access control lists, which the declared buckets refuse (BucketOwnerEnforced), and restores from Glacier.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeKey

from local.object_store.body import KeptBody

FIELDS = (
    "_etag",
    "_is_versioned",
    "_storage_class",
    "bucket_key_enabled",
    "checksum_algorithm",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "encryption",
    "kms_key_id",
    "lock_legal_status",
    "lock_mode",
    "lock_until",
    "website_redirect_location",
)


def record(version: Any, tags: dict[str, str]) -> dict[str, Any]:
    """`tags` are the object's. A body must have been written before."""
    found: dict[str, Any] = {
        "version_id": version.version_id,
        # moto counts in UTC without saying so; S3 shows whole seconds, the order within one is kept.
        "last_modified": version.last_modified.isoformat(),
        "replication_status": replication_status(version),
    }
    if isinstance(version, FakeDeleteMarker):
        return {**found, "is_delete_marker": True}
    body = version._value_buffer
    fields = {name.removeprefix("_"): getattr(version, name) for name in FIELDS}
    return {
        **found,
        "body": body.path.name,
        "size": body.size,
        "tags": tags,
        "metadata": dict(version.metadata),
        **{name: value for name, value in fields.items() if value is not None},
    }


def version(key: str, found: dict[str, Any], bucket: Any, body: Callable[[str], Path]) -> Any:
    """What `record` was made of, for moto. Raises KeyError or ValueError for what is no record."""
    made: Any = _marker(key) if found.get("is_delete_marker") else _object(key, found, bucket, body)
    made._version_id = found["version_id"]
    made.last_modified = datetime.fromisoformat(found["last_modified"])
    made.replication_status = found["replication_status"]
    return made


def replication_status(version: Any) -> str | None:
    """PENDING, COMPLETED, FAILED or, for a copy, REPLICA; None where no rule is for it."""
    status: str | None = getattr(version, "replication_status", None)
    return status


def _marker(key: str) -> FakeDeleteMarker:
    """moto takes the name from what was deleted, and looks there for nothing else that S3 would answer."""
    return FakeDeleteMarker(key=_Named(key))  # type: ignore[arg-type]


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name


def _object(key: str, found: dict[str, Any], bucket: Any, body: Callable[[str], Path]) -> FakeKey:
    made = FakeKey(
        name=key,
        value=KeptBody(body(found["body"]), found["size"]),  # type: ignore[arg-type]
        account_id=bucket.account_id,
        region_name=bucket.region_name,
        bucket_name=bucket.name,
    )
    for name in FIELDS:
        setattr(made, name, found.get(name.removeprefix("_")))
    made.set_metadata(dict(found["metadata"]), replace=True)
    return made
