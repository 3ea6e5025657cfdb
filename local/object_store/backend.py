"""moto's S3 with its differences from S3 corrected, and told of every key that changes."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.core.responses import ActionResult
from moto.s3.exceptions import (
    AccessDeniedByLock,
    EntityTooSmall,
    InvalidBucketState,
    InvalidPart,
    NoSuchUpload,
    ReplicationConfigurationNotFoundError,
)
from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend
from moto.s3.responses import S3Response
from moto.s3.utils import _VersionedKeyStore
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from local.object_store.versions import StoredBody, read_in_ranges, replication_status

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
OWNER = "<Owner><ID>local</ID><DisplayName>local</DisplayName></Owner>"
PAGE = 1000


class Response(S3Response):
    """What every request is answered by."""

    def list_object_versions(self) -> Any:
        """Versions and delete markers in one order, newest first: moto puts all markers last.

        pgBackRest's --repo-target-time takes the first that is old enough, and so would find what was deleted before.
        moto also copies every version's content for it.
        """
        asked = {name: values[0] for name, values in self.querystring.items()}
        bucket = self.backend.get_bucket(self.bucket_name)
        page = Page(
            prefix=asked.get("prefix") or "",
            delimiter=asked.get("delimiter") or "",
            after_key=asked.get("key-marker") or "",
            after_version=asked.get("version-id-marker") or "",
            limit=min(int(asked.get("max-keys") or PAGE), PAGE),
            is_url=asked.get("encoding-type") == "url",
        )
        page.fill(bucket)
        return 200, {"content-type": "application/xml"}, page.text(bucket.name)

    def get_object(self) -> Any:
        """Reads only the requested range: moto reads all of the object and cuts."""
        if not self.headers.get("range") or self.querystring.get("partNumber"):
            return super().get_object()
        with read_in_ranges():
            return super().get_object()

    def _handle_range_header(self, request: Any, response_headers: dict[str, Any], response_content: Any) -> Any:
        answer: Any = super()._handle_range_header(request, response_headers, response_content)
        status, headers, content = answer
        return status, headers, bytes(content)

    def get_bucket_replication(self) -> Any:
        """Answers with each rule's filter and delete-marker setting, for which moto has one answer."""
        found = self.backend.get_bucket_replication(self.bucket_name)
        if not found:
            raise ReplicationConfigurationNotFoundError(bucket_name=self.bucket_name)
        self.data["Action"] = "GetBucketReplication"
        rules = [
            {
                "ID": rule["ID"],
                "Priority": rule["Priority"],
                "Status": rule["Status"],
                "DeleteMarkerReplication": rule.get("DeleteMarkerReplication") or {"Status": "Disabled"},
                "Filter": {"Prefix": (rule.get("Filter") or {}).get("Prefix") or ""},
                "Destination": rule["Destination"],
            }
            for rule in found["Rule"]
        ]
        return self.serialized(ActionResult({"ReplicationConfiguration": {"Role": found["Role"], "Rules": rules}}))


@dataclass(kw_only=True)
class Page:
    """One answer to ListObjectVersions."""

    prefix: str
    delimiter: str
    after_key: str
    after_version: str
    limit: int
    is_url: bool
    entries: list[str] = field(default_factory=list)
    next_key: str | None = None
    next_version: str = ""

    def fill(self, bucket: Any) -> None:
        last = ("", "")
        for key, version, entry in self._all(bucket):
            if len(self.entries) == self.limit:
                self.next_key, self.next_version = last
                return
            self.entries.append(entry)
            last = key, version

    def _all(self, bucket: Any) -> Iterator[tuple[str, str, str]]:
        """Key, version and entry of all that comes after the markers."""
        folder = None
        for key in sorted(bucket.keys):
            if not key.startswith(self.prefix) or key < self.after_key:
                continue
            head, found, _ = key[len(self.prefix) :].partition(self.delimiter) if self.delimiter else ("", "", "")
            if found:
                name = f"{self.prefix}{head}{found}"
                if name not in (folder, self.after_key):
                    yield name, "", f"<CommonPrefixes><Prefix>{self._name(name)}</Prefix></CommonPrefixes>"
                folder = name
                continue
            yield from self._versions(key, bucket.keys.getlist(key, []))

    def _versions(self, key: str, versions: list[Any]) -> Iterator[tuple[str, str, str]]:
        newest_first = versions[::-1]
        ids = [one.version_id for one in newest_first]
        start = 0
        if key == self.after_key:
            start = ids.index(self.after_version) + 1 if self.after_version in ids else len(ids)
        for number, one in enumerate(newest_first[start:], start):
            yield key, one.version_id, self._entry(key, one, is_latest=number == 0)

    def _entry(self, key: str, one: Any, *, is_latest: bool) -> str:
        facts = (
            f"<Key>{self._name(key)}</Key><VersionId>{one.version_id}</VersionId>"
            f"<IsLatest>{str(is_latest).lower()}</IsLatest><LastModified>{one.last_modified_ISO8601}</LastModified>{OWNER}"
        )
        if isinstance(one, FakeDeleteMarker):
            return f"<DeleteMarker>{facts}</DeleteMarker>"
        content = (
            f"<ETag>{escape(one.etag)}</ETag><Size>{one.size}</Size><StorageClass>{one.storage_class}</StorageClass>"
        )
        return f"<Version>{facts}{content}</Version>"

    def text(self, bucket: str) -> str:
        asked = (
            f"<Name>{bucket}</Name><Prefix>{self._name(self.prefix)}</Prefix><MaxKeys>{self.limit}</MaxKeys>"
            f"<KeyMarker>{self._name(self.after_key)}</KeyMarker>"
            f"<VersionIdMarker>{escape(self.after_version)}</VersionIdMarker>"
            + (f"<Delimiter>{self._name(self.delimiter)}</Delimiter>" if self.delimiter else "")
            + ("<EncodingType>url</EncodingType>" if self.is_url else "")
        )
        more = f"<IsTruncated>{str(self.next_key is not None).lower()}</IsTruncated>"
        if self.next_key is not None:
            more += f"<NextKeyMarker>{self._name(self.next_key)}</NextKeyMarker>"
            # After a folder there is none.
            if self.next_version:
                more += f"<NextVersionIdMarker>{self.next_version}</NextVersionIdMarker>"
        entries = "".join(self.entries)
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return f'{head}<ListVersionsResult xmlns="{NAMESPACE}">{asked}{more}{entries}</ListVersionsResult>'

    def _name(self, name: str) -> str:
        return quote(name) if self.is_url else escape(name)


Changed = Callable[[str, str], None]
"""Told the bucket and the key of what changed, in the thread of the request that changes it."""
WriteBody = Callable[[str, Iterator[bytes]], StoredBody]


class Keys(_VersionedKeyStore):
    """A bucket's keys, each with its versions, oldest first."""

    def __init__(self, bucket: str, changed: Changed) -> None:
        super().__init__()
        self._bucket = bucket
        self._changed = changed

    def __setitem__(self, key: str, value: Any) -> None:
        self.setlist(key, [*self.getlist(key, []), value])

    def setlist(self, key: str, list_: list[Any]) -> None:
        for one in list_:
            if not hasattr(one, "made_by"):
                one.made_by = threading.get_ident()
        super().setlist(key, list_)
        self._changed(self._bucket, key)

    def pop(self, key: str) -> None:  # type: ignore[override]
        # moto's own would end a delete marker as if it held content.
        self.setlist(key, [])
        dict.__delitem__(self, key)

    def load(self, key: str, versions: list[Any]) -> None:
        """Loads versions from the disk, which changes nothing; a key without a version is left out."""
        for one in versions:
            one.made_by = None
        self.take(key, versions)

    def take(self, key: str, versions: list[Any]) -> None:
        """Sets versions without notifying the store."""
        if versions:
            dict.__setitem__(self, key, versions)
        else:
            dict.pop(self, key, None)


class Backend(S3Backend):
    """The one that all requests reach."""

    changed: Changed
    write_body: WriteBody

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        # Between reading a key's versions and writing them back, moto would let another request's get lost.
        self.mutation = threading.RLock()

    @property
    def flask_paths(self) -> dict[str, Any]:
        return {path: getattr(Response, handler.__name__) for path, handler in super().flask_paths.items()}

    def create_bucket(self, *arguments: Any, **options: Any) -> FakeBucket:
        bucket = super().create_bucket(*arguments, **options)
        bucket.keys = Keys(bucket.name, self.changed)
        return bucket

    def put_object(self, bucket_name: str, key_name: str, value: Any, *arguments: Any, **options: Any) -> FakeKey:
        """Has the content on the disk before the object is seen.

        moto counts the ETag of what it holds in memory without a lock, for a list of the bucket too, and so would move
        the place at which another request reads it to write it down: half of it would be stored, and acknowledged.
        """
        if not isinstance(value, StoredBody):
            self.get_bucket(bucket_name)
            options["etag"] = hashlib.md5(value, usedforsecurity=False).hexdigest()
            value = self.write_body(bucket_name, iter([value]))
        with self.mutation:
            try:
                return super().put_object(bucket_name, key_name, value, *arguments, **options)
            except BaseException:
                # No key names it.
                value.path.unlink(missing_ok=True)
                raise

    def delete_object(self, *arguments: Any, **options: Any) -> tuple[bool, dict[str, Any]]:
        with self.mutation:
            return super().delete_object(*arguments, **options)

    def complete_multipart_upload(self, bucket_name: str, multipart_id: str, body: Any) -> FakeKey:
        """Applies the bucket's default retention, which moto forgets here, and drops the parts' checksums."""
        bucket = self.get_bucket(bucket_name)
        multipart = bucket.multiparts.get(multipart_id)
        if multipart is None:
            raise NoSuchUpload(upload_id=multipart_id)
        parts = _parts(multipart, body)
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        content = self.write_body(bucket_name, (block for part in parts for block in _blocks(part)))
        has_lock = bucket.has_default_lock
        key = self.put_object(
            bucket_name,
            multipart.key_name,
            content,
            storage=multipart.storage,
            etag=f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}",
            multipart=multipart,
            encryption=multipart.sse_encryption,
            kms_key_id=multipart.kms_key_id,
            lock_mode=bucket.default_lock_mode if has_lock else None,
            lock_until=bucket.default_retention() if has_lock else None,
        )
        key.set_metadata(multipart.metadata)
        key.set_acl(multipart.acl)
        self.put_object_tagging(key, multipart.tags)
        # Disposes of the parts.
        del bucket.multiparts[multipart_id]
        return key

    def put_object_lock_configuration(
        self, bucket_name: str, lock_enabled: bool, mode: str | None = None, days: Any = None, years: Any = None
    ) -> None:
        """Locks a bucket that holds objects, too, as S3 does (since 2023-11); moto wants an empty one."""
        bucket = self.get_bucket(bucket_name)
        if not bucket.is_versioned:
            raise InvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
        bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
        bucket.default_lock_mode = mode
        bucket.default_lock_days = days or 0
        bucket.default_lock_years = years or 0

    def put_object_retention(self, bucket_name: str, key_name: str, version_id: Any, retention: Any) -> None:
        """A lock in force is not shortened or lifted without permission (moto asks for none)."""
        from flask import request

        key = self._version(bucket_name, key_name, version_id)
        may_bypass = request.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"
        is_held = key.lock_mode is not None and key.is_locked(may_bypass)
        if is_held and (retention[1] or "") < (key.lock_until or ""):
            raise AccessDeniedByLock
        super().put_object_retention(bucket_name, key_name, version_id, retention)
        self.changed(bucket_name, key_name)

    def put_object_legal_hold(self, bucket_name: str, key_name: str, version_id: Any, status: Any) -> None:
        super().put_object_legal_hold(bucket_name, key_name, version_id, status)
        self.changed(bucket_name, key_name)

    def put_object_tagging(self, key: FakeKey, tags: Any) -> FakeKey:
        super().put_object_tagging(key, tags)
        self.changed(str(key.bucket_name), key.name)
        return key

    def delete_object_tagging(self, bucket_name: str, key_name: str, version_id: Any = None) -> None:
        super().delete_object_tagging(bucket_name, key_name, version_id)
        self.changed(bucket_name, key_name)

    def list_objects(self, bucket: Any, *rest: Any, **options: Any) -> Any:
        """Leaves out folders whose objects were all deleted, which moto lists where the bucket is versioned."""
        there = {name: key for name, key in bucket.keys.items() if not isinstance(key, FakeDeleteMarker)}
        return super().list_objects(SimpleNamespace(keys=there), *rest, **options)  # type: ignore[arg-type]

    def _version(self, bucket_name: str, key_name: str, version_id: Any) -> FakeKey:
        from moto.s3.exceptions import MissingKey

        key = self.get_object(bucket_name, key_name, version_id=version_id)
        if key is None:
            raise MissingKey(key=key_name)
        return key


def _parts(multipart: Any, body: Any) -> list[FakeKey]:
    """Parts that the request names. Raises what S3 answers to a wrong one."""
    found: list[FakeKey] = []
    for number, etag in body:
        part = multipart.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if found and found[-1].contentsize < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        found.append(part)
    if not found:
        raise InvalidPart
    return found


def _blocks(part: FakeKey) -> Iterator[bytes]:
    with part.lock:
        part._value_buffer.seek(0)
        while block := part._value_buffer.read(1 << 20):
            yield block


in_answers = FakeKey.response_dict


def _told(key: Any) -> dict[str, Any]:
    """Adds the header by which S3 tells whether a copy was made (botocore: HeadObjectOutput.ReplicationStatus)."""
    status = replication_status(key)
    told: dict[str, Any] = in_answers.fget(key)  # type: ignore[attr-defined]
    return {**told, "x-amz-replication-status": status} if status else told


FakeKey.response_dict = property(_told)  # type: ignore[assignment, method-assign]
