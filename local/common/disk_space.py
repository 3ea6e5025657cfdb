"""Room on the disk of the state folder, without which nothing of a stack can be written."""

import shutil
from pathlib import Path

from local.common.errors import LocalError
from local.common.state import State

MB = 2**20
# PostgreSQL writes a log file of 16 MB before it starts, and the parts their logs; seen: a new stack takes 570 MB.
NEEDED_BYTES = 64 * MB
NEW_BYTES = 1024 * MB
RUNBOOK = "docs/runbooks/database.md, Full disk"


def fault(state: State) -> str | None:
    """What a stack lacks to be started, in one line; None where there is room."""
    needed = NEEDED_BYTES if state.has_database else NEW_BYTES
    is_enough = shutil.disk_usage(_there(state.folder)).free >= needed
    return None if is_enough else too_little(state.folder, needed)


def too_little(folder: Path, needed: int) -> str:
    """What is said where so many bytes don't fit any more."""
    found = shutil.disk_usage(_there(folder))
    return (
        f"{folder}: its disk is full: {found.free / MB:,.0f} MB of {found.total / MB:,.0f} MB are free, and"
        f" {needed / MB:,.0f} MB are needed; make room there, then `./hybrid local up`: {RUNBOOK}"
    )


def _there(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def ensure(state: State) -> None:
    """Raises LocalError where there is too little."""
    if found := fault(state):
        raise LocalError(found)
