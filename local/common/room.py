"""Room on the disk of the state folder, without which nothing of a stack can be written."""

import shutil

from local.common.errors import LocalError
from local.common.state import State

MB = 2**20
# PostgreSQL writes a log file of 16 MB before it starts, and the parts their logs; seen: a new stack takes 570 MB.
NEEDED_BYTES = 64 * MB
NEW_BYTES = 1024 * MB
RUNBOOK = "docs/runbooks/database.md, Full disk"


def fault(state: State) -> str | None:
    """What a stack lacks to be started, in one line; None where there is room."""
    folder = next(path for path in (state.folder, *state.folder.parents) if path.exists())
    found = shutil.disk_usage(folder)
    needed = NEEDED_BYTES if state.has_database else NEW_BYTES
    if found.free >= needed:
        return None
    return (
        f"{state.folder}: its disk is full: {found.free / MB:,.0f} MB of {found.total / MB:,.0f} MB are free, and"
        f" {needed / MB:,.0f} MB are needed; make room there, then `./hybrid local up`: {RUNBOOK}"
    )


def ensure(state: State) -> None:
    """Raises LocalError where there is too little."""
    if found := fault(state):
        raise LocalError(found)
