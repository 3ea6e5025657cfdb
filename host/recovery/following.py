"""Whether a standby has what the host that serves has just written; asked before a cut-over, here and in the cloud."""

import time
from collections.abc import Callable

from host.recovery.contract import Position, PositionRequest

Ask = Callable[[PositionRequest], Position]
PAUSE_SECONDS = 0.5


def unfollowed(first: Ask, standby: Ask, name: str, seconds: float) -> str:
    """Why it does not follow the first, whose name that is; empty once it has what the first writes for it."""
    # In this order: what it has by then the first had written. And before that writes more, for its log may come past.
    replayed = standby(PositionRequest())
    if replayed.lsn > first(PositionRequest(marks=False)).lsn:
        return f"has replayed more than {name} has written: it follows another timeline, and never will follow"
    written, end = first(PositionRequest()), time.monotonic() + seconds
    while not standby(PositionRequest(marker=written.marker)).has_marker:
        if time.monotonic() > end:
            return f"lacks what {name} wrote {seconds:.0f} s ago: it does not follow, or the archive is away"
        time.sleep(PAUSE_SECONDS)
    return ""
