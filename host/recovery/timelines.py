"""Which log leads from a backup to a target along the timelines, and the windows and holes of what it leads to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from host.recovery.commits import DamagedError, Reading
from host.recovery.contract import MAIN, Backup, Hole, Window, written
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, Segment
from host.recovery.wal import SEGMENT_BYTES, number_of, position, timeline_of, wal_name

LINE = re.compile(r"\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)\s+(.*)")
TIME = re.compile(r"(?:before|after) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00| UTC)")
END = 2**64
WHOLE_SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
MOST_READ = 256
"""Segments that are read in search of a commit: one transaction may write many."""


@dataclass(frozen=True)
class HistoryEntry:
    """A timeline's part of a lineage, up to where the next one begins; the last is the timeline itself."""

    timeline: int
    end: int
    """Bytes; END on the last one."""
    left_at: datetime | None
    """The time of the first commit that the next timeline does not have, where PostgreSQL wrote that down."""


def history_entries(timeline: int, text: str) -> tuple[HistoryEntry, ...]:
    """The lineage from the first timeline to this one; `text` is its history file's, empty on the first.

    A recovery along a timeline that ended before that one begins has no part of it, though PostgreSQL names it as the
    one that was left (writeTimeLineHistory): the timeline before was.
    """
    before: list[HistoryEntry] = []
    for line in filter(None, map(LINE.fullmatch, text.splitlines())):
        left, end = int(line[1]), position(line[2])
        while before and before[-1].end >= end:
            left = before.pop().timeline
        before.append(HistoryEntry(left, end, _time(line[3])))
    return (*before, HistoryEntry(timeline, END, None))


def leads_from(lineage: Sequence[HistoryEntry], backup: Backup) -> bool:
    """Whether the log of this lineage goes on from the backup's end."""
    ends = {entry.timeline: entry.end for entry in lineage}
    return position(backup.lsn_stop) <= ends.get(backup.timeline, -1)


def segments(lineage: Sequence[HistoryEntry], inventory: Inventory) -> list[Segment]:
    """What is archived along the lineage, in order; of the segment in which a timeline ends, both have their own.

    What a verification found damaged is as good as missing.
    """
    found: list[Segment] = []
    start = 0
    for entry in lineage:
        held = inventory.segments.get(entry.timeline, ())
        last = entry.end // SEGMENT_BYTES
        found += [one for one in held if start <= one.number <= last and one.name not in inventory.damaged]
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


@dataclass(frozen=True)
class Branch:
    """Where a lineage left a timeline, and what of the time between that and its own beginning is not on it."""

    timeline: int
    """The one that was left."""
    next: int
    since: datetime
    until: datetime
    is_archived: bool
    """The archive has what the timeline went on with."""
    others: tuple["Beside", ...] = ()
    """Timelines off the lineage that have something of this time, as where another host served meanwhile."""

    @property
    def cause(self) -> str:
        there = "".join(f"; {one}: --timeline {one.timeline}" for one in self.others)
        if self.is_archived:
            alone = "" if there else " alone"
            return (
                f"timeline {self.timeline} was given up for timeline {self.next}, and what it had then is on"
                f" it{alone}{there}"
            )
        return (
            f"timeline {self.timeline} ended at timeline {self.next}; nothing of it is archived after"
            f" {written(self.since)}{there}"
        )


def branches(
    lineage: Sequence[HistoryEntry], inventory: Inventory, reading: Reading, live_since: datetime | None
) -> Iterator[Branch]:
    """Those between whose ends there is time. `live_since`: as of `covered`."""
    own_lines = {entry.timeline for entry in lineage}
    off = [one for one in beside(lineage, inventory) if one.timeline not in own_lines]
    for number, (entry, later) in enumerate(pairwise(lineage)):
        before, until = lineage[: number + 1], _begun(entry, later, inventory, reading, live_since)
        since = entry.left_at or _last_commit(before, later, inventory, reading)
        if since is None:
            ended = [usable_from(one) for one in inventory.usable if leads_from(before, one)]
            since = max((one for one in ended if until is None or one < until), default=until)
        if since and until and since < until:
            alone = [
                one for one in inventory.segments.get(entry.timeline, ()) if one.number >= entry.end // SEGMENT_BYTES
            ]
            own = (HistoryEntry(entry.timeline, END, None),)
            later_commit = newest(alone, own, reading, after=entry.end).at
            others = tuple(one for one in off if (one.since or one.until) < until and since < one.until)
            yield Branch(entry.timeline, later.timeline, since, until, later_commit is not None, others)


def _last_commit(
    before: Sequence[HistoryEntry], later: HistoryEntry, inventory: Inventory, reading: Reading
) -> datetime | None:
    """The newest commit that a lineage brought along: its last segment may be archived as the next timeline's alone.

    PostgreSQL begins a timeline's first segment as a copy of the one in which it left the timeline before.
    """
    last = before[-1].end // SEGMENT_BYTES
    copies = [one for one in inventory.segments.get(later.timeline, ()) if one.number == last]
    ends = (*before, HistoryEntry(later.timeline, before[-1].end, None))
    return newest([*segments(before, inventory), *copies], ends, reading).at


def _begun(
    entry: HistoryEntry, later: HistoryEntry, inventory: Inventory, reading: Reading, live_since: datetime | None
) -> datetime | None:
    """When a timeline began at the latest, by the host's clock: its first commit. No moment before that leads to it.

    The store's clock, which may be another one, counts only where there is no commit yet: the host began to serve
    when its server was started, or its beginning was archived.
    """
    own = [one for one in inventory.segments.get(later.timeline, ()) if one.number >= entry.end // SEGMENT_BYTES]
    for one in own[:MOST_READ]:
        try:
            times = reading(one, entry.end, later.end)
        except RecoveryError:
            break
        if times:
            return times[0]
    archived, started = inventory.histories.get(later.timeline), live_since if later.end == END else None
    return max(filter(None, (archived, started)), default=None)


@dataclass(frozen=True)
class Newest:
    at: datetime | None
    """None where nothing was committed in what could be read."""
    note: str = ""
    """Why this is not the newest for sure."""


def newest(log: Sequence[Segment], lineage: Sequence[HistoryEntry], reading: Reading, *, after: int = 0) -> Newest:
    """The newest commit of a log along its lineage, looked for from its end."""
    ends = {entry.timeline: entry.end for entry in lineage}
    note = ""
    for one in list(reversed(log))[:MOST_READ]:
        try:
            found = reading(one, after, ends[timeline_of(one.name)])
        except DamagedError as error:
            note = str(error)
            continue
        except RecoveryError as error:
            return Newest(None, str(error))
        if found:
            # A damaged file after it is no end of the log to PostgreSQL: something has to come for it to stop at.
            return Newest(found[1] - MICROSECOND if note else found[1], note)
    return Newest(None, note)


@dataclass(frozen=True)
class Beside:
    """What is archived of a timeline, and lies on none that a restore follows."""

    timeline: int
    since: datetime | None
    until: datetime

    def __str__(self) -> str:
        since = written(self.since) if self.since else "its beginning"
        return f"timeline {self.timeline} has {since} .. {written(self.until)}"


def beside(lineage: Sequence[HistoryEntry], inventory: Inventory) -> Iterator[Beside]:
    """The archived log that is not on the lineage, by timeline."""
    ends = {entry.timeline: entry for entry in lineage}
    for line, held in sorted(inventory.segments.items()):
        entry = ends.get(line)
        later = [one for one in held if entry is None or one.number > entry.end // SEGMENT_BYTES]
        if later:
            since = (entry.left_at or _archived_at(entry, inventory)) if entry else inventory.histories.get(line)
            yield Beside(line, since, max(one.archived_at for one in later))


def gaps(held: Sequence[Segment], until: int = 0) -> list[tuple[int, int]]:
    """The numbers of the first and the last segment of each hole; `until`: the last that the archive surely had."""
    numbers = [one.number for one in held]
    if numbers and numbers[-1] < until:
        numbers.append(until + 1)
    return [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]


def last_known(lineage: Sequence[HistoryEntry], held: Inventory) -> int:
    """The number of the last segment with which a backup of this lineage ends: pgBackRest saw it archived by then."""
    return max((number_of(one.wal_stop) for one in held.backups if leads_from(lineage, one)), default=0)


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


@dataclass(frozen=True)
class Covered:
    """All the time from the first backup until now: what can be restored, and what can't."""

    windows: tuple[Window, ...]
    """Oldest first, apart from each other."""
    holes: tuple[Hole, ...]
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class _Part:
    window: Window
    cause: str
    """Why nothing after it can be restored."""


def covered(
    held: Inventory, lineage: Sequence[HistoryEntry], reading: Reading, *, live_since: datetime | None
) -> Covered:
    """`live_since`: when the server was started whose commits until now are archived before a restore; None where none
    are.
    """
    log = segments(lineage, held)
    reaches = {
        one.label: _reach(one, held, lineage, log, reading, is_live=live_since is not None) for one in held.backups
    }
    parts = [one for one in reaches.values() if isinstance(one, _Part)]
    left = tuple(branches(lineage, held, reading, live_since)) if parts else ()
    for branch in left:
        parts = [part for one in parts for part in _without(one, branch)]
    joined = _joined(parts)
    return Covered(tuple(one.window for one in joined), tuple(_holes(held, joined, reaches, left)), left)


def _reach(
    backup: Backup,
    held: Inventory,
    lineage: Sequence[HistoryEntry],
    log: Sequence[Segment],
    reading: Reading,
    *,
    is_live: bool,
) -> _Part | str:
    """From a backup to the log's first hole; the reason where no moment can be restored from it."""
    if not backup.is_usable:
        return f"backup {backup.label} is damaged: {backup.damage or 'errors as it was taken'}"
    if not leads_from(lineage, backup):
        return f"backup {backup.label} does not lead to timeline {lineage[-1].timeline}"
    first = number_of(backup.wal_start)
    own = [one for one in log if one.number >= first]
    if not own or own[0].number != first:
        fault = missing((first, first), lineage, held)
        return f"{fault}, with which backup {backup.label} begins"
    holes = gaps(own, last_known(lineage, held))
    whole = contiguous(own)
    cause = missing(holes[0], lineage, held) if holes else _ending(whole[-1])
    if whole[-1].number < number_of(backup.wal_stop):
        return f"{cause}, and backup {backup.label} ends after it"
    since = usable_from(backup)
    if is_live and not holes:
        return _Part(Window(since=since, until=max(since, held.now), is_live=True), "")
    last = newest(whole, lineage, reading)
    cause = f"{cause}; {last.note}" if last.note else cause
    if last.at is None or last.at < since:
        return cause
    window = Window(since=since, until=last.at, is_live=False)
    if not whole[-1].is_archived:
        archived = newest([one for one in whole if one.is_archived], lineage, reading).at or since
        window = window.model_copy(update={"archived_until": min(max(archived, since), last.at)})
    return _Part(window, cause)


def _ending(last: Segment) -> str:
    if last.is_archived:
        return f"archive: nothing comes after {last.name}"
    return f"{MAIN} does not run, and after this no commit can be read of its log, which ends with {last.name}"


def contiguous(log: Sequence[Segment]) -> list[Segment]:
    """Up to the first hole."""
    holes = gaps(log)
    return [one for one in log if one.number < holes[0][0]] if holes else list(log)


def missing(edges: tuple[int, int], lineage: Sequence[HistoryEntry], held: Inventory) -> str:
    """A hole in the log in words."""
    names = [wal_name(timeline_at(lineage, number), number) for number in range(edges[0], edges[1] + 1)]
    which = f"{names[0]} .. {names[-1]}"
    return f"archive: {which} is {'damaged' if held.damaged.issuperset(names) else 'missing'}"


def _without(one: _Part, branch: Branch) -> list[_Part]:
    window, since, until = one.window, branch.since, branch.until
    if until <= window.since or since >= window.until:
        return [one]
    found = []
    if window.since <= since:
        found.append(_Part(Window(since=window.since, until=since, is_live=False), branch.cause))
    if until <= window.until:
        after = window.model_copy(update={"since": until})
        found.append(_Part(after, one.cause))
    return found


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    found: list[_Part] = []
    for one in sorted(parts, key=lambda part: (part.window.since, part.window.until)):
        window, before = one.window, found[-1].window if found else None
        if before is None or not (before.is_live or window.since <= before.until):
            found.append(one)
        elif window.is_live or window.until > before.until:
            found[-1] = _Part(window.model_copy(update={"since": before.since}), one.cause)
    return found


def _holes(
    held: Inventory, joined: Sequence[_Part], reaches: Mapping[str, _Part | str], left: Sequence[Branch]
) -> Iterator[Hole]:
    if not held.backups:
        return
    begins = {one.label: usable_from(one) for one in held.backups}
    cursor, cause = min(begins.values()), ""
    for window, reason in [*((one.window, one.cause) for one in joined), (None, "")]:
        since = window.since if window else held.now
        if since > cursor:
            within = [reaches[label] for label, at in begins.items() if cursor <= at < since]
            unusable = [one for one in within if isinstance(one, str)]
            given_up = [one.cause for one in left if one.since < since and cursor < one.until]
            causes = dict.fromkeys([cause, *unusable, *given_up])
            yield Hole(since=cursor, until=since, cause="; ".join(one for one in causes if one))
        if window is None or window.is_live:
            return
        cursor, cause = max(cursor, window.until), reason
