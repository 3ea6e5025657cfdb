"""Copies what is new in a bucket to the bucket of its replication rule, as S3 does: soon, in order, each version once.

A copy has the version's id, time, tags, metadata and retention. Not copied, as in S3: what was there before the rule,
the deletion of a single version, and copies themselves. Unlike S3, later changes of tags and retention are not either.
"""

import errno
import sys
import threading
import time
from bisect import insort_right
from queue import SimpleQueue
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeKey

from local.object_store.backend import Backend
from local.object_store.store import Store
from local.object_store.versions import (
    COMPLETED,
    FAILED,
    PENDING,
    REPLICA,
    StoredBody,
    replication_rule,
    replication_status,
)

COPIED = (
    "acl",
    "checksum_algorithm",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "lock_legal_status",
    "lock_mode",
    "lock_until",
    "website_redirect_location",
)

FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_SECONDS = 1.0


class Replicator:
    """Replicates from one thread, which keeps the order."""

    def __init__(self, backend: Backend, store: Store) -> None:
        self._backend = backend
        self._store = store
        self._queue: SimpleQueue[tuple[str, str, Any]] = SimpleQueue()
        store.pending = lambda bucket, key, version: self._queue.put((bucket, key, version))

    def start(self) -> None:
        """First what an ended server left to be copied, oldest first."""
        for bucket in self._backend.buckets.values():
            waiting = [
                one for _, versions in bucket.keys.iterlists() for one in versions if replication_status(one) == PENDING
            ]
            for one in sorted(waiting, key=lambda one: one.last_modified):
                one.is_awaited = True
                self._queue.put((bucket.name, one.name, one))
        threading.Thread(target=self._run, name="replication", daemon=True).start()

    def _run(self) -> None:
        while True:
            bucket, key, version = self._queue.get()
            told = ""
            while fault := self._lacking(bucket, key, version):
                if fault != told:
                    print(f"{bucket}/{key}: waits to be replicated: {fault}", file=sys.stderr, flush=True)
                told = fault
                time.sleep(FULL_SECONDS)

    def _lacking(self, bucket: str, key: str, version: Any) -> str | None:
        """Replicates it; what it lacks where the disk is full, for which S3 itself would leave out no copy."""
        try:
            self._replicate(bucket, key, version)
        except Exception as error:  # noqa: BLE001 - one object must not end the replication of others
            if isinstance(error, OSError) and error.errno in FULL:
                return error.strerror
            print(f"{bucket}/{key}: is not replicated: {error}", file=sys.stderr, flush=True)
        return None

    def _replicate(self, bucket_name: str, key: str, version: Any) -> None:
        bucket = self._backend.buckets.get(bucket_name)
        if bucket is None or version not in bucket.keys.getlist(key, []):
            return
        try:
            self._copy(bucket, key, version)
            version.replication_status = COMPLETED
        except (LookupError, OSError) as error:
            if isinstance(error, OSError) and error.errno in FULL:
                raise
            print(f"{bucket_name}/{key}: can't be replicated: {error}", file=sys.stderr, flush=True)
            version.replication_status = FAILED
        self._backend.changed(bucket_name, key)
        self._store.write_changes()

    def _copy(self, bucket: Any, key: str, version: Any) -> None:
        """Raises LookupError or OSError where the copy can't be."""
        rule = replication_rule(bucket, version)
        if rule is None:
            raise LookupError("its rule was removed")
        name = rule["Destination"]["Bucket"].rpartition(":")[2]
        copies = self._backend.buckets.get(name)
        if copies is None or not copies.is_versioned:
            raise LookupError(f"{name} is not a versioned bucket")
        if version.version_id in {one.version_id for one in copies.keys.getlist(key, [])}:
            # Copied before, and it could not be said: the server was killed, or the disk full.
            return
        made = self._version(name, version)
        with self._backend.mutation:
            there = [*copies.keys.getlist(key, [])]
            insort_right(there, made, key=lambda one: one.last_modified)
            copies.keys.setlist(key, there)
        self._store.write_changes()

    def _version(self, bucket: str, version: Any) -> Any:
        if isinstance(version, FakeDeleteMarker):
            made: Any = FakeDeleteMarker(key=version.key)
            made.name = version.name
            made._version_id = version.version_id
        else:
            made = self._object(bucket, version)
        made.last_modified = version.last_modified
        made.replication_status = REPLICA
        return made

    def _object(self, bucket: str, version: Any) -> FakeKey:
        # A copy of its own on the disk, too: what damages one leaves the other.
        source: StoredBody = version._value_buffer
        with source.path.open("rb") as file:
            content = self._store.write_body(bucket, iter(lambda: file.read(1 << 20), b""))
        made = FakeKey(
            name=version.name,
            value=content,  # type: ignore[arg-type]
            account_id=version.account_id,
            region_name=version.region_name,
            storage=version.storage_class,
            etag=version.etag.strip('"'),
            is_versioned=True,
            version_id=version.version_id,
            bucket_name=bucket,
            encryption=version.encryption,
        )
        for name in COPIED:
            setattr(made, name, getattr(version, name))
        made.set_metadata(dict(version.metadata), replace=True)
        tags = self._backend.tagger.get_tag_dict_for_resource(version.arn)
        self._backend.tagger.tag_resource(made.arn, [{"Key": name, "Value": value} for name, value in tags.items()])
        return made
