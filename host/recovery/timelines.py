"""How timelines branch off each other: which WAL leads from a backup to a target."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from host.recovery.contract import Backup
from host.recovery.inventory import SEGMENT_BYTES, Inventory, Segment, position

LINE = re.compile(r"\s*(\d+)\s+([0-9A-F]+/[0-9A-F]+)\s+(.*)")
TIME = re.compile(r"(?:before|after) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00| UTC)")
END = 2**64


@dataclass(frozen=True)
class Stretch:
    """A part of the log on one timeline, up to where the next one begins."""

    timeline: int
    end: int
    """Bytes; END on the last one."""
    left_at: datetime | None
    """The time of the last commit that the next timeline has of it, where PostgreSQL wrote that down."""


def stretches(timeline: int, text: str) -> tuple[Stretch, ...]:
    """The way from the first timeline to this one; `text` is its history file's, empty on the first."""
    found = [line for line in map(LINE.fullmatch, text.splitlines()) if line]
    before = [Stretch(int(line[1]), position(line[2]), _time(line[3])) for line in found]
    return (*before, Stretch(timeline, END, None))


def leads_from(way: Sequence[Stretch], backup: Backup) -> bool:
    """Whether the log of this way goes on from the backup's end."""
    ends = {stretch.timeline: stretch.end for stretch in way}
    return position(backup.lsn_stop) <= ends.get(backup.timeline, -1)


def segments(way: Sequence[Stretch], inventory: Inventory) -> list[Segment]:
    """What is archived along the way, in order; of the segment in which a timeline ends, both have their own."""
    found: list[Segment] = []
    start = 0
    for stretch in way:
        held = inventory.segments.get(stretch.timeline, ())
        last = stretch.end // SEGMENT_BYTES
        found += [one for one in held if start <= one.number <= last]
        start = min(last, END)
    return found


def timeline_at(way: Sequence[Stretch], number: int) -> int:
    """The timeline whose file of this number a restore along the way asks for."""
    found, start = way[0].timeline, 0
    for stretch in way:
        if start <= number:
            found = stretch.timeline
        start = stretch.end // SEGMENT_BYTES
    return found


def given_up(way: Sequence[Stretch], inventory: Inventory) -> Iterator[tuple[Stretch, datetime, datetime]]:
    """Each stretch whose continuation was given up, and from when to when it went on beside this way."""
    for stretch, later in pairwise(way):
        since = stretch.left_at or _archived_at(stretch, inventory)
        until = inventory.histories.get(later.timeline)
        if since and until and since < until:
            yield stretch, since, until


def gaps(held: Sequence[Segment]) -> list[tuple[int, int]]:
    """The numbers of the first and the last segment of each hole."""
    numbers = [one.number for one in held]
    return [(a + 1, b - 1) for a, b in pairwise(numbers) if b - a > 1]


def _archived_at(stretch: Stretch, inventory: Inventory) -> datetime | None:
    last = stretch.end // SEGMENT_BYTES
    return next((one.archived_at for one in inventory.segments.get(stretch.timeline, ()) if one.number == last), None)


def _time(reason: str) -> datetime | None:
    found = TIME.search(reason)
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
