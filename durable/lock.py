"""One holder at a time, on one machine: a lock of the kernel on a file, which goes with its process however that ends.

By hand: filelock, the library for it, can't say who holds a lock, and that is what an operator has to know.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

# Who asks with `holder` holds the lock for far less.
GLANCE_SECONDS = 0.5
PROBE_SECONDS = 0.02


class HeldError(Exception):
    """Another process holds the lock."""

    def __init__(self, note: dict[str, Any]) -> None:
        self.note = note
        """What the holder says of itself; empty for the moment before it has said it."""
        super().__init__(f"held: {note}")


@contextmanager
def hold(
    path: Path,
    own_note: Mapping[str, Any],
    wait_seconds: float = GLANCE_SECONDS,
    error: Callable[[dict[str, Any]], Exception] = HeldError,
) -> Iterator[None]:
    """Hold the lock, with a note of plain values for others.

    Raises, after `wait_seconds`, what `error` makes of the holder's note, and OSError. The folder must exist. Where it
    is deleted meanwhile, file and all, the lock is taken again.
    """
    end = time.monotonic() + wait_seconds
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _take(handle, end, error)
            if not _is_at(path, handle):
                continue
            # The note only tells others; on a full disk the lock is held without.
            with suppress(OSError):
                _write(handle, json.dumps(own_note).encode())
            try:
                yield
            finally:
                os.ftruncate(handle, 0)
            return
        finally:
            os.close(handle)


def note(path: Path) -> dict[str, Any]:
    """What the file says, also of a holder on another machine that shares the folder; empty where nobody holds it."""
    try:
        return _parsed(path.read_bytes())
    except OSError:
        return {}


def holder(path: Path) -> dict[str, Any] | None:
    """The note of who holds it now; None where nobody does. Raises OSError, but not where there is no file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _note(handle)
    finally:
        os.close(handle)
    return None


def _take(handle: int, end: float, error: Callable[[dict[str, Any]], Exception]) -> None:
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise error(_note(handle)) from None
            time.sleep(PROBE_SECONDS)


def _is_at(path: Path, handle: int) -> bool:
    """False when the file was deleted between opening and locking it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _write(handle: int, text: bytes) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text, 0)


def _note(handle: int) -> dict[str, Any]:
    return _parsed(os.pread(handle, 1 << 16, 0))


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
