"""Rows that the server wrote about every half minute, against which a restored copy is held."""

from bisect import bisect
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from host.recovery import times
from host.recovery.contract import Markers
from host.recovery.errors import RecoveryError

Ask = Callable[[str], list[list[str]]]
# What is older the server deletes now and then, and the copy may still have. As long as the most backups that may be
# kept: 52 weekly full ones.
TIMES = """
SELECT extract(epoch FROM written_at) FROM monitoring.marker
WHERE written_at > clock_timestamp() - interval '379 days' ORDER BY written_at
"""
CLEARANCE = timedelta(seconds=1)
"""Between a chosen moment and any marker: a marker is committed a little after its time."""
SHOWN = 10


def read(ask: Ask) -> list[datetime]:
    return [times.of_epoch(float(row[0])) for row in ask(TIMES)]


def mark(ask: Ask) -> None:
    """Write one; raises RecoveryError where the host's playbook has not made them yet."""
    try:
        ask("SELECT monitoring.mark()")
    except RecoveryError as error:
        raise RecoveryError(*error.faults, "monitoring.mark(): is needed for a drill; apply the host again") from None


def compared(source: Sequence[datetime], found: Sequence[datetime], until: datetime, *, is_exact: bool) -> Markers:
    """The copy's markers against those that the server wrote up to `until`.

    Exact: `until` was chosen clear of them all. Else it is the last recovered commit, and one that was being
    committed just then may be there or not.
    """
    held, there = set(source), set(found)
    surely = until if is_exact else until - CLEARANCE
    expected = {time for time in held if time <= surely or (time <= until and time in there)}
    unexpected = {time for time in there if time not in held or (is_exact and time > until)}
    if not is_exact:
        expected |= there & held
    missing = sorted(expected - there)
    return Markers(
        expected=len(expected), found=len(there), missing=missing[:SHOWN], unexpected=sorted(unexpected)[:SHOWN]
    )


def is_clear(time: datetime, source: Sequence[datetime]) -> bool:
    """`source` is in order."""
    place = bisect(source, time)
    return all(abs(time - marker) >= CLEARANCE for marker in source[max(place - 1, 0) : place + 1])
