"""The store's folder: its buckets on the disk.

BUCKET/bucket.json      region, day of creation, and its settings as the requests that made them
BUCKET/keys/HASH.json   one object key: all its versions and delete markers, oldest first; HASH is the key's SHA-256
BUCKET/bodies/ID        the content of one version, never changed: another version leaves it as it is

Every file is flushed and appears as a whole, and nothing refers to a body before it is there. So what was acknowledged
outlives a killed server and a machine that loses power; bodies that nothing refers to are removed at the next start.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from durable.files import UNFINISHED, flush_folder, replace

FORMAT = 1


class DamagedError(Exception):
    """A file of the store is not what was written; the text names it."""


@dataclass(frozen=True)
class StoreFiles:
    """Reads and writes them. Two threads must not write one key at once."""

    folder: Path

    def buckets(self) -> list[str]:
        """Names of the buckets that are complete."""
        return sorted(unquote(path.parent.name) for path in self.folder.glob("*/bucket.json"))

    def write_bucket(self, name: str, record: dict[str, Any]) -> None:
        folder = self._bucket(name)
        for path in (folder / "keys", folder / "bodies"):
            path.mkdir(parents=True, exist_ok=True)
        _replace(folder / "bucket.json", {"format": FORMAT, **record})
        flush_folder(self.folder)

    def read_bucket(self, name: str) -> dict[str, Any]:
        """Raises DamagedError."""
        return _read(self._bucket(name) / "bucket.json", "region")

    def remove_bucket(self, name: str) -> None:
        folder = self._bucket(name)
        # The bucket is there as long as this file is.
        (folder / "bucket.json").unlink(missing_ok=True)
        flush_folder(folder)
        shutil.rmtree(folder)

    def keys(self, bucket: str) -> Iterator[Path]:
        """Files of the bucket's keys."""
        # Who looks for one goes on no further.
        with os.scandir(self._bucket(bucket) / "keys") as entries:
            for entry in entries:
                if not entry.name.endswith(UNFINISHED):
                    yield Path(entry.path)

    def read(self, path: Path) -> dict[str, Any]:
        """What `write_key` wrote, by one of the files in `keys`. Raises DamagedError."""
        return _read(path, "versions")

    def write_key(self, bucket: str, key: str, versions: list[dict[str, Any]]) -> None:
        """Replaces the record; none without a version."""
        path = self._key(bucket, key)
        if versions:
            _replace(path, {"key": key, "versions": versions})
        else:
            path.unlink(missing_ok=True)
            flush_folder(path.parent)

    def write_body(self, bucket: str, content: Iterable[bytes]) -> Path:
        """A new body; nothing refers to it yet.

        By hand, since durable.files takes all of a file at once, and a body may be larger than the memory.
        """
        path = self.body(bucket, uuid.uuid4().hex)
        try:
            with path.open("wb") as file:
                for block in content:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        flush_folder(path.parent)
        return path

    def body(self, bucket: str, name: str) -> Path:
        return self._bucket(bucket) / "bodies" / name

    def remove_unfinished(self, bucket: str) -> None:
        """Removes what a killed server had half written."""
        for path in (self._bucket(bucket) / "keys").glob(f"*{UNFINISHED}"):
            path.unlink()

    def remove_unused(self, bucket: str, used: set[str]) -> None:
        """Bodies that no key's record names."""
        for entry in os.scandir(self._bucket(bucket) / "bodies"):
            if entry.name not in used:
                os.unlink(entry.path)

    def _bucket(self, name: str) -> Path:
        # Any client on this machine chooses the name: no slash may lead out of the folder.
        return self.folder / quote(name, safe="")

    def _key(self, bucket: str, key: str) -> Path:
        return self._bucket(bucket) / "keys" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _read(path: Path, field: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedError(f"{path}: can't be read: {error}") from error
    if not isinstance(data, dict) or field not in data:
        raise DamagedError(f"{path}: has no {field!r}")
    return data


def _replace(path: Path, data: dict[str, Any]) -> None:
    replace(path, json.dumps(data, ensure_ascii=False), mode=0o644)
