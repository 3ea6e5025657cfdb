"""The times that one can restore to: several windows where log is missing between them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from host.recovery.contract import Backup, Window
from host.recovery.inventory import Inventory, Segment, number_of
from host.recovery.timelines import Stretch, gaps, given_up, leads_from, segments

WHOLE_SECOND = timedelta(seconds=1)


def spoken(found: Sequence[Window]) -> str:
    return f"one can restore to {', '.join(map(str, found))}" if found else "there is no time to restore to"


def usable_from(backup: Backup) -> datetime:
    """From when on a time may be a target; a backup's end is written down in whole seconds, without the rest."""
    return backup.stopped_at + WHOLE_SECOND


def windows(held: Inventory, way: Sequence[Stretch], *, archives: bool) -> tuple[Window, ...]:
    """Oldest first, apart from each other; each ends where log is missing, or a timeline was given up."""
    log = segments(way, held)
    found = [_from(backup, log, archives=archives) for backup in held.usable if leads_from(way, backup)]
    parts = [one for one in found if one]
    for _, since, until in given_up(way, held):
        parts = [part for one in parts for part in _without(one, since, until)]
    return tuple(_joined(parts))


def _from(backup: Backup, log: Sequence[Segment], *, archives: bool) -> Window | None:
    """As far as the log goes on from a backup without a hole; None where it lacks what makes the backup whole."""
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
