"""A bucket's settings, stored as the requests that made them and made again from them."""

import io
import sys
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from werkzeug.test import Client

from local.object_store.backend import Backend
from local.object_store.files import DamagedError, StoreFiles

LARGEST_REQUEST = 2 << 20
# Versioning is stored as it is, for locks switch it on, too. Access lists can also be given in headers, and declared
# buckets refuse them (BucketOwnerEnforced).
NOT_STORED = ("versioning", "acl")


@dataclass(frozen=True)
class Change:
    """A request that makes or ends a bucket (no setting named), or one of its settings."""

    bucket: str
    setting: str
    is_end: bool
    body: str = field(default="", repr=False)


def change(environ: dict[str, Any]) -> Change | None:
    """What a WSGI request would change; None for any other request. Its body can still be read."""
    method, bucket = environ["REQUEST_METHOD"], environ["PATH_INFO"].strip("/")
    if method not in ("PUT", "DELETE") or not bucket or "/" in bucket:
        return None
    setting = environ.get("QUERY_STRING", "").removesuffix("=")
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if method == "DELETE" or size > LARGEST_REQUEST:
        return Change(bucket, setting, is_end=method == "DELETE")
    body = environ["wsgi.input"].read(size)
    environ["wsgi.input"] = io.BytesIO(body)
    return Change(bucket, setting, is_end=False, body=body.decode(errors="replace"))


class Settings:
    """Settings of all buckets of a store."""

    def __init__(self, files: StoreFiles, backend: Backend, application: Any) -> None:
        self._files = files
        self._backend = backend
        self._client = Client(application)
        self._lock = threading.Lock()

    def store(self, done: Change) -> None:
        """Stores a change that was answered with success. Raises OSError."""
        with self._lock:
            bucket = self._backend.buckets.get(done.bucket)
            if bucket is None:
                self._files.remove_bucket(done.bucket)
                return
            record = self._record(bucket)
            if done.setting and done.is_end:
                record["settings"].pop(done.setting, None)
            elif done.setting and done.setting.partition("=")[0] not in NOT_STORED:
                record["settings"][done.setting] = done.body
            self._files.write_bucket(done.bucket, record)

    def load(self) -> list[Any]:
        """Has moto make every bucket again, empty. What is damaged is named in the log and left out."""
        made = []
        for name in self._files.buckets():
            try:
                record = self._files.read_bucket(name)
                bucket = self._backend.create_bucket(name, record["region"])
                bucket.creation_date = datetime.fromisoformat(record["created_at"])
                bucket.object_lock_enabled = record["has_lock"]
                bucket.versioning_status = record["versioning"]
            except (DamagedError, KeyError, TypeError, ValueError) as error:
                print(f"bucket {name}: is left out: {error}", file=sys.stderr, flush=True)
                continue
            for setting, body in record["settings"].items():
                self._make(name, setting, body)
            made.append(bucket)
        return made

    def _record(self, bucket: Any) -> dict[str, Any]:
        try:
            record = self._files.read_bucket(bucket.name)
        except DamagedError:
            record = {"settings": {}}
        return {
            **record,
            "region": bucket.region_name,
            "created_at": bucket.creation_date.isoformat(),
            "has_lock": bucket.object_lock_enabled,
            "versioning": bucket.versioning_status,
        }

    def _make(self, bucket: str, setting: str, body: str) -> None:
        answer = self._client.put(f"/{bucket}", query_string=setting, data=body, headers={"Host": "localhost"})
        if not answer.status.startswith("2"):
            print(
                f"bucket {bucket}: setting {setting} can't be made again: {answer.status}", file=sys.stderr, flush=True
            )
