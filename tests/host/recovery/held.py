"""A repository as data, for tests of what is chosen from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from host.recovery.choice import Live, Situation
from host.recovery.commits import Committed
from host.recovery.contract import Backup
from host.recovery.inventory import Inventory, Segment
from host.recovery.timelines import history_entries
from host.recovery.wal import SEGMENT_BYTES, wal_name

START = datetime(2026, 11, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def lsn(number: int) -> str:
    """A position in the middle of a segment."""
    return f"0/{number * SEGMENT_BYTES + SEGMENT_BYTES // 2:X}"


def backup(hour: int, **changes: Any) -> Backup:
    """Taken in an hour's segment, of which there is one an hour."""
    timeline = changes.pop("timeline", 1)
    plain: dict[str, Any] = {
        "label": f"202611{1 + hour // 24:02}-{hour % 24:02}0000F",
        "kind": "full",
        "prior": None,
        "started_at": at(hour),
        "stopped_at": at(hour + 0.1),
        "seconds": 360,
        "database_bytes": 1000,
        "repository_bytes": 100,
        "delta_bytes": 1000,
        "lsn_start": lsn(hour),
        "lsn_stop": lsn(hour),
        "wal_start": wal_name(timeline, hour),
        "wal_stop": wal_name(timeline, hour),
        "timeline": timeline,
        "error": False,
        "next_xid": 1000 * hour,
        "manifest_key": "key",
    }
    return Backup(**plain | changes)


def segments(timeline: int, first: int, last: int, without: tuple[int, ...] = ()) -> tuple[Segment, ...]:
    """Each archived at the end of its hour."""
    numbers = [number for number in range(first, last + 1) if number not in without]
    return tuple(Segment(wal_name(timeline, number), 10, at(number + 1), "0" * 40) for number in numbers)


def reading(one: Segment, start: int, end: int) -> Committed:
    """A commit every twelve minutes of a segment's hour, spread evenly over its bytes."""
    found = [
        one.archived_at - timedelta(minutes=minutes)
        for minutes in (54, 42, 30, 18, 6)
        if start <= (one.number + 1 - minutes / 60) * SEGMENT_BYTES < end
    ]
    return (found[0], found[-1]) if found else None


def situation(
    *backups: Backup,
    hours: int = 20,
    without: tuple[int, ...] = (),
    live: Live | None = None,
    branch: int | None = None,
    is_lost: bool = False,
    timeline: int = 1,
) -> Situation:
    """Archived up to `hours`; with a branch, a second timeline from that hour's segment on, begun after those hours.

    `is_lost`: the first one's host was lost, with all that it had from that segment on.
    """
    held = {1: segments(1, 1, hours, without)}
    histories = {}
    text = ""
    if branch is not None:
        late = timedelta(hours=hours + 2 - branch)
        held[2] = tuple(replace(one, archived_at=one.archived_at + late) for one in segments(2, branch, hours + 10))
        histories[2] = at(hours + 2)
        if is_lost:
            held[1] = segments(1, 1, branch - 1, without)
        reason = "no recovery target specified" if is_lost else f"before {at(branch + 0.5):%Y-%m-%d %H:%M:%S.%f}+00"
        text = f"1\t{f'0/{branch * SEGMENT_BYTES:X}' if is_lost else lsn(branch)}\t{reason}\n" if timeline == 2 else ""
    found = Inventory(
        archive_id="17-1", system_id=1, backups=backups, segments=held, histories=histories, now=at(hours + 40)
    )
    return Situation(found, history_entries(timeline, text), live, reading)
