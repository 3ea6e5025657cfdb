"""Held by whoever brings the host to what is declared, and by a restore that must not be met by that."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from durable import lock

LOCK_SECONDS = 600


class BusyError(Exception):
    """Another run holds the host for longer than this one waits."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One run at a time."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.hold(folder / "converge.lock", {"pid": os.getpid()}, LOCK_SECONDS))
        except lock.HeldError:
            raise BusyError(f"another run has not ended within {LOCK_SECONDS} s") from None
        yield
