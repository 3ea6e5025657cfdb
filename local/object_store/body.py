"""An object's content on the disk, in place of moto's own buffer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.s3.models import FakeKey


class KeptBody:
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
        """Nothing is open; the file is removed when its key's record no longer names it."""

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
    """Meanwhile and in this thread, an object's content is a KeptBody, not all of its bytes."""
    _reading.is_ranged = True
    try:
        yield
    finally:
        _reading.is_ranged = False


def _get(key: Any) -> Any:
    body = key._value_buffer
    if _reading.is_ranged and isinstance(body, KeptBody):
        # With a position of its own.
        return KeptBody(body.path, body.size)
    return in_memory.fget(key)  # type: ignore[attr-defined]


def _set(key: Any, value: Any) -> None:
    """Takes a KeptBody for bytes, wherever moto sets an object's content."""
    if isinstance(value, KeptBody):
        key._value_buffer.close()
        key._value_buffer = value
        key.contentsize = value.size
    else:
        in_memory.fset(key, value)  # type: ignore[attr-defined]


FakeKey.value = property(_get, _set)  # type: ignore[assignment, method-assign]
