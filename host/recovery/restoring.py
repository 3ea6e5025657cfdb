"""From a plan to a cluster that has recovered to its target: fetched, started apart from everything, and asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from host.recovery import contract, estimate, progress, server, settings
from host.recovery.contract import Source
from host.recovery.errors import RecoveryError
from host.recovery.fetcher import Fetcher
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.plan import Plan
from host.recovery.server import Server
from host.recovery.settings import Purpose
from host.recovery.work import Work

ARCHIVE_SECONDS = 90
MARK = "SELECT pg_logical_emit_message(true, 'hybrid', 'restore')"
SWITCH = "SELECT pg_walfile_name(pg_switch_wal())"
STATE = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(), left(pg_walfile_name(pg_current_wal_lsn()), 8),
    pg_snapshot_xmax(pg_current_snapshot())
"""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Recovered:
    server: Server
    last_commit_at: datetime | None
    lsn: str | None
    timeline: int
    next_xid: int
    seconds: dict[str, float]

    def answer(self) -> contract.Recovered:
        return contract.Recovered(last_commit_at=self.last_commit_at, lsn=self.lsn, timeline=self.timeline)


@contextmanager
def recovered(work: Work, plan: Plan, purpose: Purpose) -> Iterator[Recovered]:
    """A cluster at the plan's target that answers; killed at the end unless it was stopped. Raises RecoveryError."""
    machine = work.machine
    start = time.monotonic()
    repository = Repository(machine, plan.source, data=work.data, work=work.folder)
    _fetch_files(repository, plan, work)
    restored = time.monotonic()
    progress.say("recovering up to the target")
    fetcher = Fetcher(repository, work, plan.situation.held.segments)
    try:
        _configure(work, plan, purpose, fetcher.restore_command)
        fetcher.start()
        with server.running(work, work.settings) as found:
            found.wait(fetcher)
            row = _state(found)
            end = time.monotonic()
            seconds = {"restore": restored - start, "recovery": end - restored, "total": end - start}
            _note(machine, plan, seconds, fetcher.fetched)
            yield Recovered(
                found,
                found.last_commit_at(),
                row[1] or None,
                int(row[2], 16),
                int(row[3]),
                {name: round(value, 3) for name, value in seconds.items()},
            )
    finally:
        fetcher.stop()


def archive_up_to_now(machine: Machine) -> None:
    """Have all that the server has written in the archive, and a transaction after it, for PostgreSQL to stop at."""
    progress.say("waiting until the log up to now is archived")
    machine.psql(MARK)
    ((name,),) = machine.psql(SWITCH)
    end = time.monotonic() + ARCHIVE_SECONDS
    while True:
        ((last,),) = machine.psql("SELECT last_archived_wal FROM pg_stat_archiver")
        if last >= name:
            return
        if time.monotonic() > end:
            raise RecoveryError(
                f"{name}: was not archived within {ARCHIVE_SECONDS} s, so the target may not be reached; see what"
                " keeps the archive, or stop the server first"
            )
        time.sleep(0.1)


def is_live(plan: Plan) -> bool:
    """Whether the server that runs writes the log that leads to the target."""
    return plan.situation.is_live and plan.source == Source()


def _fetch_files(repository: Repository, plan: Plan, work: Work) -> None:
    progress.say(f"restoring {plan.backup.label}: {plan.backup.database_bytes:,} bytes")
    # What it writes for recovery is not used. Of all types this one alone lets a backup be restored from which the
    # newest timeline does not come, as after an exchange that was taken back.
    argv = repository.command("restore", f"--set={plan.backup.label}", "--type=immediate")
    with work.inside("restore.log").open("w+") as log:
        with work.machine.start(argv, variables=repository.variables(), log=log) as process:
            try:
                while process.poll() is None:
                    server.ensure_room(work.machine)
                    time.sleep(POLL_SECONDS)
            finally:
                process.kill()
        log.seek(0)
        words = log.read()
    if process.returncode:
        if server.NO_SPACE in words:
            raise server.no_room(work.machine)
        raise RecoveryError(f"{plan.backup.label}: {repository.fault('restore', process.returncode, words)}")
    # It names settings of the server that it was on, or of an earlier restore.
    work.machine.write(work.data / "postgresql.auto.conf", "")
    work.machine.write(work.data / "recovery.signal", "")


def _configure(work: Work, plan: Plan, purpose: Purpose, restore_command: str) -> None:
    minimums = settings.minimums(work.machine, str(work.data))
    found = settings.quiet(work.machine, minimums)
    found |= settings.recovering(work, purpose, plan.target, plan.situation.timeline, restore_command)
    settings.write(work.machine, work.settings, found)
    work.machine.write(work.log, "")


def _state(found: Server) -> list[str]:
    (row,) = found.psql(STATE, database="postgres")
    if row[0] != "f":
        raise RecoveryError("restored cluster: answers, but has not ended its recovery")
    return row


def _note(machine: Machine, plan: Plan, seconds: dict[str, float], segments: int) -> None:
    # Only what a later estimate is made from.
    with suppress(OSError):
        estimate.note(
            machine,
            data=plan.backup.database_bytes,
            restore=seconds["restore"],
            segments=segments,
            recovery=seconds["recovery"],
        )


def durable(work: Work) -> None:
    """Have all of the folder on the disk."""
    if work.machine.run(["sync", "-f", str(work.data)], seconds=None).returncode:
        raise RecoveryError(f"{work.data}: could not be written to the disk")
