"""Which backup a target is restored from, and why some targets can't be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from host.recovery.contract import Backup, Target, written
from host.recovery.inventory import SEGMENT_BYTES, Segment, number_of, position, wal_name
from host.recovery.situation import Situation
from host.recovery.timelines import Stretch, gaps, given_up, leads_from, segments, timeline_at
from host.recovery.window import spoken, usable_from


@dataclass(frozen=True)
class Choice:
    backup: Backup | None
    wal: tuple[Segment, ...]
    """What is archived already of the log that is needed."""
    faults: tuple[str, ...]
    note: str = ""


def choose(target: Target, situation: Situation) -> Choice:
    window = f"; {spoken(situation.windows)}"
    reachable = [one for one in situation.held.usable if leads_from(situation.way, one)]
    if not reachable:
        words = "the repository has no usable backup"
        if situation.held.usable:
            words = f"timeline {situation.timeline}: no usable backup lies on the way to it"
        return Choice(None, (), (f"target: {words}",))
    fault = _out_of_reach(target, situation)
    if fault:
        return Choice(None, (), (f"target: {fault}{window}",))
    fitting = [one for one in reachable if _fits(target, one)]
    if target.label:
        return _named(target, situation, fitting)
    if not fitting and target.kind != "xid":
        return Choice(None, (), (f"target: {_shown(target)} is before the end of the first backup{window}",))
    if target.kind == "name" or not fitting:
        note = "where this target lies is not known: the oldest backup is taken, unless another one is named"
        return _with_log(target, situation, reachable[0], note)
    return _with_log(target, situation, fitting[-1], "")


def _fits(target: Target, backup: Backup) -> bool:
    """Whether the target surely comes after the backup's end."""
    if target.kind == "time":
        return usable_from(backup) <= target.time
    if target.kind == "lsn":
        return position(backup.lsn_stop) <= position(target.value or "")
    if target.kind == "xid":
        return backup.next_xid is not None and backup.next_xid <= int(target.value or "")
    return True


def _named(target: Target, situation: Situation, fitting: Sequence[Backup]) -> Choice:
    found = {one.label: one for one in situation.held.backups}.get(target.label or "")
    if found is None:
        labels = ", ".join(one.label for one in situation.held.usable)
        return Choice(None, (), (f"set {target.label}: is not in the repository, which has {labels}",))
    if not found.is_usable or not leads_from(situation.way, found):
        return Choice(None, (), (f"set {target.label}: does not lead to timeline {situation.timeline}, or is damaged",))
    if found not in fitting and target.kind != "xid":
        words = f"set {target.label}: ended at {written(found.stopped_at)}, which is after {_shown(target)}"
        return Choice(None, (), (words,))
    return _with_log(target, situation, found, "")


def _out_of_reach(target: Target, situation: Situation) -> str | None:
    """Why no backup at all leads to the target."""
    live, is_live = situation.live, situation.is_live
    if target.kind == "time":
        return _time_fault(target, situation)
    if target.kind == "lsn":
        archived = segments(situation.way, situation.held)
        end = (archived[-1].number + 1) * SEGMENT_BYTES if archived else 0
        end = live.position if is_live and live else end
        return f"{_shown(target)} is after the end of the log" if position(target.value or "") > end else None
    if target.kind == "xid" and is_live and live and int(target.value or "") >= live.next_xid:
        return f"{_shown(target)} has not begun yet: the next one is {live.next_xid}"
    return None


def _time_fault(target: Target, situation: Situation) -> str | None:
    if target.time > situation.held.now:
        return f"{_shown(target)} is in the future: it is {written(situation.held.now)}"
    archived = [one.archived_at for one in segments(situation.way, situation.held)]
    if not situation.is_live and archived and target.time > max(archived):
        return f"{_shown(target)} is after what is archived; latest takes what there is"
    if target.timeline is None and (branch := _abandoned(target.time, situation)):
        stretch, since, until = branch
        return (
            f"{_shown(target)} lies where timeline {stretch.timeline} was given up for a restored one"
            f" ({written(since)} .. {written(until)}): name the timeline, {stretch.timeline} for what was"
            f" given up, or a time before or after"
        )
    return None


def _abandoned(time: datetime, situation: Situation) -> tuple[Stretch, datetime, datetime] | None:
    """The stretch whose continuation was given up, and had something of this time."""
    found = given_up(situation.way, situation.held)
    return next(((stretch, since, until) for stretch, since, until in found if since < time < until), None)


def _with_log(target: Target, situation: Situation, backup: Backup, note: str) -> Choice:
    first = number_of(backup.wal_start)
    log = [one for one in segments(situation.way, situation.held) if one.number >= first]
    if not log or log[0].number != first:
        return Choice(
            backup, (), (f"archive: {backup.wal_start}, with which backup {backup.label} begins, is missing",)
        )
    needed = tuple(_up_to(target, log))
    holes = gaps(needed)
    if holes and target.kind not in ("xid", "name"):
        names = " .. ".join(wal_name(timeline_at(situation.way, edge), edge) for edge in holes[0])
        before = max(one.archived_at for one in needed if one.number < holes[0][0])
        words = f"archive: {names} is missing, so nothing after {written(before)} can be reached from {backup.label}"
        return Choice(backup, needed, (words,))
    return Choice(backup, needed, (), note)


def _up_to(target: Target, log: Sequence[Segment]) -> list[Segment]:
    """The part of the log that leads to the target, as far as that is known beforehand."""
    if target.kind == "lsn":
        return [one for one in log if one.number <= position(target.value or "") // SEGMENT_BYTES]
    if target.kind == "time":
        before = [one for one in log if one.archived_at < target.time]
        return list(log[: len(before) + 1])
    return list(log)


def _shown(target: Target) -> str:
    value = written(target.time) if target.kind == "time" else target.value
    return {"xid": f"transaction {value}", "lsn": f"LSN {value}"}.get(target.kind, str(value))
