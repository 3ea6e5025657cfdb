"""Chooses the backup that a target is restored from, and says why some targets can't be reached."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath

from host.recovery import clusters, inventory, unarchived
from host.recovery.commits import Commits, Reading
from host.recovery.contract import MAIN, Backup, Loss, Target, Window, written
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, Segment
from host.recovery.machine import Machine, of_epoch
from host.recovery.pgbackrest import Repository
from host.recovery.timelines import (
    Covered,
    HistoryEntry,
    beside,
    contiguous,
    covered,
    described,
    gaps,
    history_entries,
    last_known,
    leads_from,
    missing,
    newest,
    segments,
    usable_from,
)
from host.recovery.unarchived import Unarchived
from host.recovery.wal import SEGMENT_BYTES, number_of, position, timeline_of

LIVE = """
SELECT pg_snapshot_xmax(pg_current_snapshot()), pg_current_wal_insert_lsn(),
    left(pg_walfile_name(pg_current_wal_lsn()), 8), extract(epoch FROM pg_postmaster_start_time()),
    coalesce(last_archived_wal, '')
FROM pg_stat_archiver
"""
# By what waits, not by time: the clock may have been set back since the failure.
ARCHIVER = """
SELECT current_setting('archive_mode') <> 'off'
    AND NOT EXISTS (SELECT FROM pg_ls_archive_statusdir() WHERE name = last_failed_wal || '.ready')
FROM pg_stat_archiver
"""


@dataclass(frozen=True)
class Live:
    """The server that writes into this repository, as it is now; its log is archived up to now before a restore."""

    next_xid: int
    position: int
    timeline: int
    started_at: datetime
    archived: str = ""
    """The name of what it handed over last."""
    has_dropped: bool = False
    """That is not in the archive: while the store was away too much waited, and was dropped."""


@dataclass(frozen=True)
class Situation:
    held: Inventory
    lineage: tuple[HistoryEntry, ...]
    live: Live | None
    reading: Reading
    stopped: Unarchived | None = None
    """What main has that is not archived, where it does not run; it is in `held`, too."""

    @property
    def timeline(self) -> int:
        return self.lineage[-1].timeline

    @property
    def own_files(self) -> dict[str, PurePosixPath]:
        """Where main has what is not archived, by name."""
        if self.stopped is None:
            return {}
        names = [f"{line:08X}.history" for line in self.stopped.histories]
        return {name: self.stopped.path(name) for name in (*names, *(one.name for one in self.stopped.segments))}

    @property
    def recovery_timeline(self) -> str:
        """The setting that has PostgreSQL follow it: by its number only where its history is there to be read."""
        is_known = self.timeline == 1 or self.timeline in self.held.histories
        return str(self.timeline) if is_known else "current"

    @property
    def note(self) -> str:
        """What is archived and lies on other timelines; empty where nothing does."""
        others = ", ".join(map(str, beside(self.lineage, self.held)))
        return f"timeline {self.timeline} is followed; {others}, which is not on it" if others else ""

    @property
    def is_live(self) -> bool:
        """Whether the server writes on this lineage."""
        return self.live is not None and self.live.timeline == self.timeline

    @property
    def live_since(self) -> datetime | None:
        """When the server was started; None where not all that it writes until now can be archived after what is."""
        return self.live.started_at if self.live and self.is_live and not self.live.has_dropped else None

    @cached_property
    def covered(self) -> Covered:
        """The times along this lineage that one can restore to, or not. Segments may be read for it."""
        return covered(self.held, self.lineage, self.reading, live_since=self.live_since)

    @property
    def windows(self) -> tuple[Window, ...]:
        return self.covered.windows


def read_situation(
    machine: Machine,
    repository: Repository,
    held: Inventory,
    timeline: int | None = None,
    *,
    has_unarchived: bool = False,
) -> tuple[Situation, str | None]:
    """What can be restored along a timeline, or the one that serves, and the fault where the archive does not have it.

    `has_unarchived`: with what a main that does not run has of the log, as if it were archived.
    """
    # The log moves on only where the repository is read that main writes, as it is.
    is_own = repository.source.repository == "primary" and repository.source.as_of is None
    live = _live(machine) if is_own and is_archiving(machine) else None
    if live and _is_missing(live.archived, held):
        # It may have been archived since the repository was read.
        held = inventory.read(repository)
        live = replace(live, has_dropped=_is_missing(live.archived, held))
    stopped = unarchived.read(machine, held) if has_unarchived and is_own and not live else None
    if stopped:
        held = unarchived.joined(held, stopped)
    known = sorted({1, *held.segments, *held.histories})
    own = live or stopped
    wanted = timeline or (own.timeline if own else held.current_timeline)
    reading = Commits(repository, stopped)
    if wanted not in known:
        lines = ", ".join(map(str, known))
        fault = f"timeline {wanted}: is not in the archive, which has {lines}"
        return Situation(held, history_entries(1, ""), live, reading), fault
    lineage = history_entries(wanted, _history(repository, held, stopped, wanted))
    return Situation(held, lineage, live, reading, stopped), None


def _history(repository: Repository, held: Inventory, stopped: Unarchived | None, timeline: int) -> str:
    if stopped and timeline in stopped.histories:
        return repository.machine.path(stopped.path(f"{timeline:08X}.history")).read_text()
    # Without it, as where the repository was made since, the timeline's own backups still lead along it.
    is_there = timeline in held.histories
    return inventory.history(repository, held.archive_id, timeline) if is_there else ""


def is_archiving(machine: Machine) -> bool:
    """Whether the server that serves runs and hands its log over."""
    try:
        rows = machine.psql(ARCHIVER) if machine.is_serving() else []
    except RecoveryError:
        return False
    return rows == [["t"]]


def _live(machine: Machine) -> Live:
    ((next_xid, lsn, timeline, started, archived),) = machine.psql(LIVE)
    return Live(int(next_xid), position(lsn), int(timeline, 16), of_epoch(float(started)), archived)


def _is_missing(name: str, held: Inventory) -> bool:
    """Whether this is a segment that is not in the archive."""
    is_segment = re.fullmatch("[0-9A-F]{24}", name) is not None
    return is_segment and name not in {one.name for one in held.segments.get(timeline_of(name), ())}


@dataclass(frozen=True)
class Choice:
    backup: Backup | None
    wal: tuple[Segment, ...]
    """What is archived already of the log that is needed."""
    faults: tuple[str, ...]
    note: str = ""
    loss: Loss | None = None
    """What the log of main has after `wal`, and does not come back."""
    is_end: bool = False
    """Nothing was committed after the target, for PostgreSQL to stop at: all of the log is recovered."""
    is_placed: bool = True
    """It is known where in the log the target lies."""


def choose(target: Target, situation: Situation) -> Choice:
    reachable = [one for one in situation.held.usable if leads_from(situation.lineage, one)]
    if not reachable:
        reason = "the repository has no usable backup"
        if situation.held.usable:
            reason = f"timeline {situation.timeline}: no usable backup leads to it"
        return Choice(None, (), (f"target: {reason}",))
    fault = _out_of_reach(target, situation)
    if fault:
        return Choice(None, (), (f"target: {fault}; {described(situation.windows)}",))
    fitting = [one for one in reachable if _fits(target, one)]
    if target.label:
        return _named(target, situation, fitting)
    if not fitting and target.kind != "xid":
        fault = f"{_shown(target)} is before the end of the first backup; {described(situation.windows)}"
        return Choice(None, (), (f"target: {fault}",))
    if target.kind == "name" or not fitting:
        note = "where this target lies is not known: the oldest backup is taken, unless another one is named"
        return replace(_with_log(target, situation, reachable[0], note), is_placed=False)
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
    if not found.is_usable or not leads_from(situation.lineage, found):
        return Choice(None, (), (f"set {target.label}: does not lead to timeline {situation.timeline}, or is damaged",))
    if found not in fitting and target.kind != "xid":
        fault = f"set {target.label}: ended at {written(found.stopped_at)}, which is after {_shown(target)}"
        return Choice(None, (), (fault,))
    return _with_log(target, situation, found, "")


def _out_of_reach(target: Target, situation: Situation) -> str | None:
    """Why no backup at all leads to the target."""
    live, is_live = situation.live, situation.is_live
    if target.kind == "time":
        return _time_fault(target, situation)
    if target.kind == "lsn":
        archived = segments(situation.lineage, situation.held)
        end = (archived[-1].number + 1) * SEGMENT_BYTES if archived else 0
        end = live.position if is_live and live else end
        return f"{_shown(target)} is after the end of the log" if position(target.value or "") > end else None
    if target.kind == "xid" and is_live and live and int(target.value or "") >= live.next_xid:
        return f"{_shown(target)} has not begun yet: the next one is {live.next_xid}"
    return None


def _time_fault(target: Target, situation: Situation) -> str | None:
    time, now = target.time, situation.held.now
    if time > now:
        return f"{_shown(target)} is in the future: it is {written(now)}"
    nearest = _nearest(time, situation)
    branch = next((one for one in situation.covered.branches if one.since < time < one.until), None)
    if branch and branch.is_archived and target.timeline:
        # Who names a timeline means its own beginning.
        return None
    if branch and branch.is_archived:
        return (
            f"{_shown(target)} lies where timeline {branch.timeline} was given up for a restored one"
            f" ({written(branch.since)} .. {written(branch.until)}): name the timeline, {branch.timeline} for what was"
            f" given up, or a time before or after{_others_at(time, situation)}{nearest}"
        )
    hole = next((one for one in situation.covered.holes if one.since <= time <= one.until), None)
    if hole is None or any(one.since <= time <= one.until for one in situation.windows):
        return None
    is_last = hole.until == now
    what = "is after the newest commit; latest takes what there is" if is_last else "can't be restored"
    return f"{_shown(target)} {what}: {hole.cause} ({written(hole.since)} .. {written(hole.until)}){nearest}"


def _nearest(time: datetime, situation: Situation) -> str:
    """The moments on both sides that can be restored."""
    before = max((one.until for one in situation.windows if one.until <= time), default=None)
    after = min((one.since for one in situation.windows if one.since >= time), default=None)
    found = [written(one) for one in (before, after) if one]
    return f"; the nearest that can be: {' and '.join(found)}" if found else ""


def _others_at(time: datetime, situation: Situation) -> str:
    """Other timelines that have something of this time: one that somebody else served on meanwhile."""
    own = {entry.timeline for entry in situation.lineage}
    found = [one for one in beside(situation.lineage, situation.held) if one.timeline not in own]
    there = [str(one) for one in found if (one.since or one.until) <= time <= one.until]
    return f"; {', '.join(there)}" if there else ""


def _with_log(target: Target, situation: Situation, backup: Backup, note: str) -> Choice:
    first = number_of(backup.wal_start)
    log = [one for one in segments(situation.lineage, situation.held) if one.number >= first]
    if not log or log[0].number != first:
        fault = f"archive: {backup.wal_start}, with which backup {backup.label} begins, is missing"
        return Choice(backup, (), (f"{fault}{_older(situation)}",))
    needed = tuple(_up_to(target, log))
    holes = gaps(needed, _surely_needed(target, situation, needed))
    hole = missing(holes[0], situation.lineage, situation.held) if holes else ""
    if holes and holes[0][0] <= number_of(backup.wal_stop):
        return Choice(backup, needed, (f"{hole}, and backup {backup.label} ends after it{_older(situation)}",))
    if holes and target.kind == "latest":
        reached = tuple(one for one in needed if one.number < holes[0][0])
        return Choice(backup, reached, (), hole, _lost(situation, reached, needed[-1]))
    is_end = target.kind == "time" and not target.is_exclusive and _is_end(target.time, situation, log)
    if is_end:
        return Choice(backup, tuple(contiguous(log)), (), note, is_end=True)
    if holes and target.kind not in ("xid", "name"):
        whole = contiguous(needed)
        last = newest(whole, situation.lineage, situation.reading).at or backup.stopped_at
        if target.kind == "time" and last > target.time:
            # What was archived before then by the store's clock, which is behind, was committed later.
            return Choice(backup, tuple(whole), (), note)
        return Choice(backup, needed, (f"{hole}, so nothing after {written(last)} can be reached from {backup.label}",))
    return Choice(backup, needed, (), note)


def _surely_needed(target: Target, situation: Situation, needed: Sequence[Segment]) -> int:
    """The number of the last segment on the way to the target that was archived once, be it there or not."""
    end = last_known(situation.lineage, situation.held)
    if target.kind == "lsn":
        return min(end, position(target.value or "") // SEGMENT_BYTES)
    if target.kind == "time" and needed[-1].archived_at >= target.time:
        return 0
    return end


def _older(situation: Situation) -> str:
    """The way on where a backup's own log is missing: the newest backup that has its own, and how far that leads."""
    log = segments(situation.lineage, situation.held)
    numbers = {one.number for one in log}
    whole = [
        one
        for one in situation.held.usable
        if leads_from(situation.lineage, one)
        and numbers.issuperset(range(number_of(one.wal_start), number_of(one.wal_stop) + 1))
    ]
    if not whole:
        return f"; {described(())}"
    after = contiguous([one for one in log if one.number >= number_of(whole[-1].wal_start)])
    # On a host that was lost no log can be read before there is a database again.
    moments = [one.until for one in situation.windows]
    until = written(max(moments)) if moments else f"in {after[-1].name}, archived {written(after[-1].archived_at)}"
    return f"; the newest moment that can be restored: {until}, from backup {whole[-1].label} (--set)"


def _is_end(time: datetime, situation: Situation, log: Sequence[Segment]) -> bool:
    """Whether the log that can be recovered has no later commit, though it is all that there was until then."""
    if situation.live_since and not gaps(log, last_known(situation.lineage, situation.held)):
        return False
    last = newest(contiguous(log), situation.lineage, situation.reading)
    return not last.note and last.at == time


def _lost(situation: Situation, reached: Sequence[Segment], last: Segment) -> Loss:
    """From the end of what is reached to the newest that main has, or the archive where there is no main."""
    known = max(last.number, last_known(situation.lineage, situation.held))
    backups = [one.stopped_at for one in situation.held.backups if leads_from(situation.lineage, one)]
    end, at, is_bound = (known + 1) * SEGMENT_BYTES, max(last.archived_at, *backups), False
    if situation.live and situation.is_live:
        end, at = situation.live.position, situation.held.now
    elif situation.stopped:
        end, at, is_bound = situation.stopped.most, situation.stopped.ended_at, True
    last_commit = newest(reached, situation.lineage, situation.reading).at
    since = last_commit or min(one.archived_at for one in reached)
    seconds = max((at - since).total_seconds(), 0)
    return Loss(bytes=end - (reached[-1].number + 1) * SEGMENT_BYTES, seconds=seconds, is_bound=is_bound)


def ahead(machine: Machine, situation: Situation, choice: Choice) -> Loss | None:
    """What main has after the newest of a repository that it does not write into, or of its own as it was.

    Main is stopped before it is replaced, and as it stops it ends its segment. None where its log can't be read.
    """
    stopped = unarchived.read(machine, situation.held)
    if stopped:
        timeline, end, at = stopped.timeline, stopped.most, stopped.ended_at
    elif machine.is_serving():
        live = _live(machine)
        end = (live.position // SEGMENT_BYTES + 1) * SEGMENT_BYTES + unarchived.PAGE_BYTES
        timeline, at = live.timeline, situation.held.now
    else:
        return None
    archived = (choice.wal[-1].number + 1) * SEGMENT_BYTES
    shared = min(archived, _shared(machine, timeline, situation.lineage))
    last_commit = newest(choice.wal, situation.lineage, situation.reading).at
    since = last_commit or min(one.archived_at for one in choice.wal)
    return Loss(bytes=max(end - shared, 0), seconds=max((at - since).total_seconds(), 0), is_bound=True)


def _shared(machine: Machine, timeline: int, lineage: Sequence[HistoryEntry]) -> int:
    """Up to where main's log is that of a lineage."""
    path = machine.path(clusters.log(machine, MAIN) / f"{timeline:08X}.history")
    own = history_entries(timeline, path.read_text() if path.exists() else "")
    ends = {entry.timeline: entry.end for entry in lineage}
    return max((min(entry.end, ends[entry.timeline]) for entry in own if entry.timeline in ends), default=0)


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
