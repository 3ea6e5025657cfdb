"""An object's versions and delete markers: their content on the disk, and all else as plain data for a file, and back;
and whether they are to be replicated.

Not stored: access control lists, which the declared buckets refuse (BucketOwnerEnforced), and restores from Glacier.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeKey


class StoredBody:
    """What moto asks of a buffer, and of bytes that it cuts a range from.

    The file is open only while it is read: there may be thousands.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self._at = 0

    def seek(self, at: int) -> None:
        self._at = at

    def read(self, size: int = -1) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self._at)
            found = file.read(size)
        self._at += len(found)
        return found

    def close(self) -> None:
        """Does nothing: no file is open, and it is removed when its key's record no longer names it."""

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self.size)
        self.seek(start)
        return self.read(stop - start)

    def __bytes__(self) -> bytes:
        return self[:]


class _Reading(threading.local):
    is_ranged = False


_reading = _Reading()
in_memory = FakeKey.value


@contextmanager
def read_in_ranges() -> Iterator[None]:
    """Within the block, this thread reads contents as StoredBody, not bytes."""
    _reading.is_ranged = True
    try:
        yield
    finally:
        _reading.is_ranged = False


def _get(key: Any) -> Any:
    body = key._value_buffer
    if _reading.is_ranged and isinstance(body, StoredBody):
        # With a position of its own.
        return StoredBody(body.path, body.size)
    return in_memory.fget(key)  # type: ignore[attr-defined]


def _set(key: Any, value: Any) -> None:
    """Takes a StoredBody for bytes, wherever moto sets an object's content."""
    if isinstance(value, StoredBody):
        key._value_buffer.close()
        key._value_buffer = value
        key.contentsize = value.size
    else:
        in_memory.fset(key, value)  # type: ignore[attr-defined]


FakeKey.value = property(_get, _set)  # type: ignore[assignment, method-assign]


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
    """What `record` was made of, for moto. Raises KeyError or ValueError for anything else."""
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
        value=StoredBody(body(found["body"]), found["size"]),  # type: ignore[arg-type]
        account_id=bucket.account_id,
        region_name=bucket.region_name,
        bucket_name=bucket.name,
    )
    for name in FIELDS:
        setattr(made, name, found.get(name.removeprefix("_")))
    made.set_metadata(dict(found["metadata"]), replace=True)
    return made


PENDING, COMPLETED, FAILED, REPLICA = "PENDING", "COMPLETED", "FAILED", "REPLICA"


def first_replication_status(bucket: Any, version: Any) -> str | None:
    """The status of a new version: PENDING where a rule applies to it."""
    return PENDING if replication_rule(bucket, version) else None


def replication_rule(bucket: Any, version: Any) -> dict[str, Any] | None:
    """The first by priority; one that chooses by tags is passed over."""
    rules = (getattr(bucket, "replication", None) or {}).get("Rule", [])
    for rule in sorted(rules, key=lambda rule: -int(rule["Priority"])):
        prefix = _prefix(rule)
        if rule["Status"] != "Enabled" or prefix is None or not version.name.startswith(prefix):
            continue
        markers = (rule.get("DeleteMarkerReplication") or {}).get("Status")
        if markers == "Enabled" or not isinstance(version, FakeDeleteMarker):
            found: dict[str, Any] = rule
            return found
    return None


def _prefix(rule: dict[str, Any]) -> str | None:
    chosen = rule.get("Filter") or {}
    if "Tag" in chosen or "And" in chosen:
        return None
    return str(chosen.get("Prefix") or rule.get("Prefix") or "")
