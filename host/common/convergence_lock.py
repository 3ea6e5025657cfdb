"""Held by whoever brings the host to what is declared, and by a restore that must not be met by that."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_SECONDS = 600
PROBE_SECONDS = 0.5


class BusyError(Exception):
    """Another run holds the host for longer than this one waits."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One run at a time. The kernel drops the lock with the process, however it ends."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (folder / "converge.lock").open("w") as lock:
        end = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BusyError(f"another run has not ended within {LOCK_SECONDS} s") from None
                time.sleep(PROBE_SECONDS)
        yield
