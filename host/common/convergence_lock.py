"""Held by whoever brings the host to what is declared, and by a restore that must not be met by that."""

import os
from contextlib import AbstractContextManager
from pathlib import Path

from durable import lock

LOCK_SECONDS = 600


class BusyError(Exception):
    """Another run holds the host for longer than this one waits."""


def alone(folder: Path) -> AbstractContextManager[None]:
    """Lets one run in at a time."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    return lock.hold(
        folder / "converge.lock",
        {"pid": os.getpid()},
        LOCK_SECONDS,
        lambda _: BusyError(f"another run has not ended within {LOCK_SECONDS} s"),
    )
