"""Whether a standby has what the host that serves has just written; asked before a cut-over, here and in the cloud."""

import time
from collections.abc import Callable

from host.recovery.contract import Position, PositionRequest

PAUSE_SECONDS = 0.5


def unfollowed(standby: Callable[[PositionRequest], Position], written: Position, first: str, seconds: float) -> str:
    """Why it does not follow `first`, whose answer `written` is; empty once it has the marker of that."""
    end = time.monotonic() + seconds
    while not (replayed := standby(PositionRequest(marker=written.marker))).has_marker:
        # The marker lies before it, and the log is replayed in order: it comes no more.
        if replayed.lsn > written.lsn:
            return f"has replayed more than {first} has written: it follows another timeline, and never will follow"
        if time.monotonic() > end:
            return f"lacks what {first} wrote {seconds:.0f} s ago: it does not follow, or the archive is away"
        time.sleep(PAUSE_SECONDS)
    return ""
