"""Answers that moto gives otherwise than S3."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from moto.core.responses import ActionResult
from moto.s3.exceptions import ReplicationConfigurationNotFoundError
from moto.s3.models import FakeDeleteMarker
from moto.s3.responses import S3Response

from local.object_store.body import read_in_ranges

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
        """Of a range no more is read than the range: moto reads all of the object and cuts."""
        if not self.headers.get("range") or self.querystring.get("partNumber"):
            return super().get_object()
        with read_in_ranges():
            return super().get_object()

    def _handle_range_header(self, request: Any, response_headers: dict[str, Any], response_content: Any) -> Any:
        answer: Any = super()._handle_range_header(request, response_headers, response_content)
        status, headers, content = answer
        return status, headers, bytes(content)

    def get_bucket_replication(self) -> Any:
        """With the filter and what becomes of delete markers, for which moto has one answer."""
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
