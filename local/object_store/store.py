"""Keeps moto's memory on disk: writes every change before its answer goes out, and reads all of it at the start."""

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from moto.s3.models import FakeKey

from local.object_store.backend import Backend
from local.object_store.files import DamagedError, StoreFiles
from local.object_store.versions import (
    PENDING,
    StoredBody,
    first_replication_status,
    record,
    replication_status,
    version,
)

# Writers of one key wait for each other, those of others seldom.
STRIPES = 64
Pending = Callable[[str, str, Any], None]
"""Takes bucket, key and a version that is to be replicated."""


class Store:
    """Between the backend and the folder."""

    def __init__(self, files: StoreFiles, backend: Backend) -> None:
        self.files = files
        self.pending: Pending = lambda bucket, key, version: None
        self._backend = backend
        self._here = threading.local()
        self._locks = [threading.Lock() for _ in range(STRIPES)]
        # By bucket and key: the versions that the disk has.
        self._stored: dict[tuple[str, str], list[Any]] = {}
        backend.changed = self._changed
        backend.write_body = self.write_body

    def write_body(self, bucket: str, content: Iterator[bytes]) -> StoredBody:
        path = self.files.write_body(bucket, content)
        return StoredBody(path, path.stat().st_size)

    def write_changes(self) -> None:
        """Write what this thread has changed. Raises OSError; what can't be written is taken back."""
        changed: dict[tuple[str, str], None] = self._changes()
        while changed:
            bucket, key = next(iter(changed))
            try:
                self._write_versions(bucket, key)
            finally:
                del changed[bucket, key]

    def load(self, bucket: Any) -> None:
        """All keys of a bucket. What is damaged is named in the log and left out; its bodies stay."""
        self.files.remove_unfinished(bucket.name)
        is_whole, used = True, set()
        for path in self.files.keys(bucket.name):
            try:
                found = self.files.read(path)
                self._load(bucket, found)
            except (DamagedError, KeyError, TypeError, ValueError) as error:
                is_whole = False
                fault = str(error) if isinstance(error, DamagedError) else f"{path}: is not a key's record: {error!r}"
                _say(f"{fault}; its object is left out")
                continue
            used |= {one["body"] for one in found["versions"] if "body" in one}
        if is_whole:
            self.files.remove_unused(bucket.name, used)

    def _load(self, bucket: Any, found: dict[str, Any]) -> None:
        key = found["key"]
        stored = []
        for one in found["versions"]:
            made = version(key, one, bucket, lambda name: self.files.body(bucket.name, name))
            fault = _body_fault(made)
            if fault:
                _say(f"{fault}; version {one['version_id']} of {bucket.name}/{key} is left out")
                continue
            stored.append(made)
            if one.get("tags"):
                self._backend.tagger.tag_resource(made.arn, [{"Key": k, "Value": v} for k, v in one["tags"].items()])
        bucket.keys.load(key, stored)
        self._stored[bucket.name, key] = stored

    def _changed(self, bucket: str, key: str) -> None:
        self._changes()[bucket, key] = None

    def _changes(self) -> dict[tuple[str, str], None]:
        if not hasattr(self._here, "changes"):
            self._here.changes = {}
        changes: dict[tuple[str, str], None] = self._here.changes
        return changes

    def _write_versions(self, bucket_name: str, key: str) -> None:
        with self._locks[hash((bucket_name, key)) % STRIPES]:
            bucket: Any = self._backend.buckets.get(bucket_name)
            if bucket is None:
                return
            versions = [*bucket.keys.getlist(key, [])]
            try:
                new = [one for one in versions if not hasattr(one, "replication_status")]
                for one in new:
                    one.replication_status = first_replication_status(bucket, one)
                self._write(bucket_name, key, versions)
            except OSError:
                self._take_back(bucket, key)
                raise
        for one in versions:
            if replication_status(one) == PENDING and not hasattr(one, "is_awaited"):
                one.is_awaited = True
                self.pending(bucket_name, key, one)

    def _take_back(self, bucket: Any, key: str) -> None:
        """What this thread could not store is refused, and must not be seen; others answer for what they made."""
        with self._backend.mutation:
            stored = self._stored.get((bucket.name, key), [])
            new = [one for one in bucket.keys.getlist(key, []) if one not in stored]
            others = [one for one in new if one.made_by != threading.get_ident()]
            bucket.keys.take(key, [*stored, *others])
        for one in _objects([one for one in new if one not in others]):
            if isinstance(one._value_buffer, StoredBody):
                one._value_buffer.path.unlink(missing_ok=True)

    def _write(self, bucket: str, key: str, versions: list[Any]) -> None:
        tags = self._backend.tagger.get_tag_dict_for_resource
        self.files.write_key(
            bucket, key, [record(one, tags(one.arn) if isinstance(one, FakeKey) else {}) for one in versions]
        )
        before = self._stored.pop((bucket, key), [])
        if versions:
            self._stored[bucket, key] = versions
        used = {one._value_buffer.path for one in _objects(versions)}
        for path in {one._value_buffer.path for one in _objects(before)} - used:
            path.unlink(missing_ok=True)


def _objects(versions: list[Any]) -> list[Any]:
    return [one for one in versions if isinstance(one, FakeKey)]


def _body_fault(version: Any) -> str | None:
    body = getattr(version, "_value_buffer", None)
    if body is None:
        # A delete marker has none.
        return None
    path: Path = body.path
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if size == body.size else f"{path}: has {size} bytes instead of {body.size}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
