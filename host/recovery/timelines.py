"""Which log leads from a backup to a target along the timelines, and the windows that one can restore to."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from host.recovery.contract import Backup, Window
from host.recovery.inventory import Inventory, Segment
from host.recovery.wal import SEGMENT_BYTES, number_of, position

LINE = re.compile(r"\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)\s+(.*)")
TIME = re.compile(r"(?:before|after) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00| UTC)")
END = 2**64
WHOLE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class HistoryEntry:
    """A timeline's part of a lineage, up to where the next one begins; the last is the timeline itself."""

    timeline: int
    end: int
    """Bytes; END on the last one."""
    left_at: datetime | None
    """The time of the last commit that the next timeline has of it, where PostgreSQL wrote that down."""


def history_entries(timeline: int, text: str) -> tuple[HistoryEntry, ...]:
    """The lineage from the first timeline to this one; `text` is its history file's, empty on the first."""
    found = [line for line in map(LINE.fullmatch, text.splitlines()) if line]
    before = [HistoryEntry(int(line[1]), position(line[2]), _time(line[3])) for line in found]
    return (*before, HistoryEntry(timeline, END, None))


def leads_from(lineage: Sequence[HistoryEntry], backup: Backup) -> bool:
    """Whether the log of this lineage goes on from the backup's end."""
    ends = {entry.timeline: entry.end for entry in lineage}
    return position(backup.lsn_stop) <= ends.get(backup.timeline, -1)


def segments(lineage: Sequence[HistoryEntry], inventory: Inventory) -> list[Segment]:
    """What is archived along the lineage, in order; of the segment in which a timeline ends, both have their own."""
    found: list[Segment] = []
    start = 0
    for entry in lineage:
        held = inventory.segments.get(entry.timeline, ())
        last = entry.end // SEGMENT_BYTES
        found += [one for one in held if start <= one.number <= last]
        start = min(last, END)
    return found


def timeline_at(lineage: Sequence[HistoryEntry], number: int) -> int:
    """The timeline whose file of this number a restore along the lineage asks for."""
    found, start = lineage[0].timeline, 0
    for entry in lineage:
        if start <= number:
            found = entry.timeline
        start = entry.end // SEGMENT_BYTES
    return found


def given_up(
    lineage: Sequence[HistoryEntry], inventory: Inventory
) -> Iterator[tuple[HistoryEntry, datetime, datetime]]:
    """Stretches whose continuation was given up, and from when to when it went on beside this lineage."""
    for entry, later in pairwise(lineage):
        since = entry.left_at or _archived_at(entry, inventory)
        until = inventory.histories.get(later.timeline)
        if since and until and since < until:
            yield entry, since, until


def gaps(held: Sequence[Segment]) -> list[tuple[int, int]]:
    """The numbers of the first and the last segment of each hole."""
    numbers = [one.number for one in held]
    return [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]


def _archived_at(entry: HistoryEntry, inventory: Inventory) -> datetime | None:
    last = entry.end // SEGMENT_BYTES
    return next((one.archived_at for one in inventory.segments.get(entry.timeline, ()) if one.number == last), None)


def _time(reason: str) -> datetime | None:
    found = TIME.search(reason)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None


def described(found: Sequence[Window]) -> str:
    return f"restorable: {', '.join(map(str, found))}" if found else "nothing is restorable"


def usable_from(backup: Backup) -> datetime:
    """The first moment that may be a target; a backup's end is recorded in whole seconds, rounded down."""
    return backup.stopped_at + WHOLE_SECOND


def windows(held: Inventory, lineage: Sequence[HistoryEntry], *, archives: bool) -> tuple[Window, ...]:
    """Oldest first, apart from each other; each ends where log is missing, or a timeline was given up."""
    log = segments(lineage, held)
    found = [_from(backup, log, archives=archives) for backup in held.usable if leads_from(lineage, backup)]
    parts = [one for one in found if one]
    for _, since, until in given_up(lineage, held):
        parts = [part for one in parts for part in _without(one, since, until)]
    return tuple(_joined(parts))


def _from(backup: Backup, log: Sequence[Segment], *, archives: bool) -> Window | None:
    """The window from a backup to the log's first hole; None where the log lacks what makes the backup whole."""
    first = number_of(backup.wal_start)
    own = [one for one in log if one.number >= first]
    if not own or own[0].number != first:
        return None
    holes = gaps(own)
    whole = [one for one in own if one.number < holes[0][0]] if holes else own
    if whole[-1].number < number_of(backup.wal_stop):
        return None
    since = usable_from(backup)
    until = max([since, *(one.archived_at for one in whole)])
    return Window(since=since, until=until, is_live=archives and not holes)


def _without(one: Window, since: datetime, until: datetime) -> list[Window]:
    if until <= one.since or since >= one.until:
        return [one]
    before = [Window(since=one.since, until=since, is_live=False)] if one.since < since else []
    after = (
        [Window(since=until, until=max(until, one.until), is_live=one.is_live)]
        if until < one.until or one.is_live
        else []
    )
    return before + after


def _joined(parts: Sequence[Window]) -> list[Window]:
    found: list[Window] = []
    for one in sorted(parts, key=lambda part: (part.since, part.until)):
        # The log of an earlier backup may be archived within the second in which the later one ends.
        if found and (found[-1].is_live or one.since <= found[-1].until + WHOLE_SECOND):
            last = found.pop()
            until = max(last.until, one.until)
            found.append(Window(since=last.since, until=until, is_live=last.is_live or one.is_live))
        else:
            found.append(one)
    return found
