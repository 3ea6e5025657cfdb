"""Restores the newest state and a random moment for real, checks both, and measures what would be lost and how long."""

import random
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from host.recovery import checks, choice, clusters, inventory, plan, recovering
from host.recovery.choice import Situation
from host.recovery.contract import (
    MAIN,
    Check,
    DrillRequest,
    DrillRestore,
    Evidence,
    Markers,
    RestoreRequest,
    Target,
    Targets,
    Window,
    written,
)
from host.recovery.errors import RecoveryError, plain_faults, say
from host.recovery.lock import alone
from host.recovery.machine import Machine, of_epoch, utc_now
from host.recovery.pgbackrest import Repository
from host.recovery.plan import Plan
from host.recovery.recovering import Purpose, Recovered
from host.recovery.timelines import described
from host.specification.model import Backup as BackupSpec

STARTED = "SELECT extract(epoch FROM pg_postmaster_start_time())"
DRAWS = 1000
PLANS = 5
UNSETTLED = timedelta(seconds=1.5)
"""The newest part of the window, in which no moment is drawn: a marker may just be being written."""
WAITED = timedelta(seconds=10)
"""The most that is waited for a moment to draw; it is further off where the clock was set back."""
VERSION_SECONDS = 60


@dataclass
class Leg:
    """One restore of a drill."""

    kind: Literal["latest", "point"]
    plan: Plan
    target: datetime | None = None
    lost_seconds: float | None = None
    last_commit_at: datetime | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    compared: Markers | None = None
    checks: list[Check] = field(default_factory=list)

    def answer(self) -> DrillRestore:
        return DrillRestore(
            kind=self.kind,
            target=self.target,
            backup=self.plan.backup.label,
            seconds=self.seconds,
            data_bytes=self.plan.backup.database_bytes,
            last_commit_at=self.last_commit_at,
            markers=self.compared,
            recovery_point_seconds=self.lost_seconds,
            checks=self.checks,
        )


@dataclass
class Run:
    """A drill as far as it has come."""

    seed: int
    started_at: datetime
    legs: list[Leg] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Why it could not go on."""

    def begun(self, leg: Leg) -> Leg:
        self.legs.append(leg)
        return leg

    @property
    def longest(self) -> float | None:
        """Seconds that the slower restore took."""
        return max((leg.seconds["total"] for leg in self.legs if leg.seconds), default=None)


def act(machine: Machine, request: DrillRequest) -> Evidence:
    """The evidence, also where nothing could be restored.

    Raises RecoveryError where another act runs, or nothing serves that a copy could be held against.
    """
    with alone(machine, "drill"):
        clusters.clean(machine)
        if not machine.is_serving():
            raise RecoveryError("drill: PostgreSQL does not serve here, and there is nothing to hold a copy against")
        if request.at:
            # A malformed request is a usage error, not a failed drill.
            _planned(machine, _target(request.at))
        seed = request.seed if request.seed is not None else secrets.randbits(32)
        run = Run(seed, utc_now())
        start = time.monotonic()
        try:
            with plain_faults(machine.clusters):
                _latest(machine, run)
                _point(machine, run, request.at)
        except RecoveryError as error:
            run.faults = error.faults
        return evidence(machine, run, time.monotonic() - start)


def _latest(machine: Machine, run: Run) -> None:
    """Drills the loss of the host right now: nothing is archived for its sake, unless a server has just started."""
    say("drill 1 of 2: the newest state")
    _ensure_marked(machine)
    wanted = _planned(machine, Target(kind="latest"))
    leg = run.begun(Leg("latest", wanted))
    now = utc_now()
    next_xid = machine.next_xid()
    with clusters.working(machine) as folder:
        with recovering.recovered(folder, wanted, Purpose("drill")) as found:
            last = found.last_commit_at or wanted.backup.stopped_at
            is_whole = found.next_xid >= next_xid
            leg.lost_seconds = 0.0 if is_whole else round(max((now - last).total_seconds(), 0), 3)
            _check(machine, leg, found, last)
            found.server.stop()
        leg.checks.append(checks.checksums(machine, str(folder.data)))


def _point(machine: Machine, run: Run, at: datetime | None) -> None:
    say(f"drill 2 of 2: {'the moment that was named' if at else 'a random moment'}")
    checks.mark(machine.psql)
    wanted = _planned(machine, _target(at)) if at else _plan_drawn(machine, random.Random(run.seed))
    moment = wanted.target.time
    if not checks.is_clear(moment, checks.read_markers(machine.psql)):
        raise RecoveryError(f"at {written(moment)}: is less than a second away from a marker; choose another time")
    # Later than the moment, so that there is one that must not be in the copy.
    checks.mark(machine.psql)
    recovering.archive_up_to_now(machine)
    wanted = _planned(machine, wanted.target)
    leg = run.begun(Leg("point", wanted, moment))
    with clusters.working(machine) as folder:
        with recovering.recovered(folder, wanted, Purpose("drill")) as found:
            _check(machine, leg, found, moment)
            found.server.stop()
        leg.checks.append(checks.checksums(machine, str(folder.data)))


def _ensure_marked(machine: Machine) -> None:
    """Writes a marker first, so that every good copy has one and idle time is not counted as loss."""
    earliest = utc_now() - timedelta(seconds=machine.spec.backup.recovery_point_seconds)
    ((started,),) = machine.psql(STARTED)
    if of_epoch(float(started)) > earliest or all(one > earliest for one in checks.read_markers(machine.psql)):
        # A repository that can't be read is named as such, and not as an archive that is late.
        inventory.read(Repository(machine))
        checks.mark(machine.psql)
        recovering.archive_up_to_now(machine)


def _plan_drawn(machine: Machine, draw: random.Random) -> Plan:
    for _ in range(PLANS):
        wanted = plan.made(machine, _request(_target(_drawn(machine, draw))))
        if not wanted.faults:
            return wanted
    raise RecoveryError(*wanted.faults)


def _drawn(machine: Machine, draw: random.Random) -> datetime:
    """A moment that can be restored, after the first marker and clear of every one."""
    repository = Repository(machine)
    found, fault = choice.read_situation(machine, repository, inventory.read(repository))
    if fault:
        raise RecoveryError(fault)
    held = checks.read_markers(machine.psql)
    # At a window's end there may be no transaction any more for a restore to stop at.
    spare = timedelta(seconds=machine.spec.backup.recovery_point_seconds)
    parts = list(drawable(found.windows, held[0] + UNSETTLED, spare))
    if parts and parts[-1].is_live:
        live = parts.pop()
        while timedelta() < live.since + 2 * UNSETTLED - utc_now() < WAITED:
            time.sleep(0.1)
        if live.since < utc_now() - UNSETTLED:
            parts.append(live.model_copy(update={"until": utc_now() - UNSETTLED}))
    for after in (checks.CLEARANCE_OF_BUSY, checks.CLEARANCE):
        for _ in range(DRAWS):
            moment = moment_at(parts, draw.random())
            if moment and checks.is_clear(moment, held, after):
                return moment
    raise RecoveryError(
        "drill: no moment can be restored that is after the first marker and a second away from every one;"
        f" {described(found.windows)}{_set_back(found, held[-1])}"
    )


def _set_back(found: Situation, marked_at: datetime) -> str:
    """What is said where something is of a time that has not come."""
    begun = (one.until for one in found.covered.branches)
    latest, now = max(marked_at, *begun, *(one.since for one in found.windows)), utc_now()
    told = f"it tells {written(now)}, and {written(latest)} was told before"
    return f"; the clock was set back: {told}" if latest > now else ""


def _check(machine: Machine, leg: Leg, found: Recovered, until: datetime) -> None:
    say("checking the copy")
    server, ready_at = found.server, utc_now()
    leg.last_commit_at, leg.seconds = found.last_commit_at, found.seconds
    held = checks.read_markers(machine.psql)
    leg.compared = checks.compared(held, checks.read_markers(server.psql), until, is_exact=leg.target is not None)
    allowed = machine.spec.backup.recovery_point_seconds
    # One by one, so that what was found is told where a later one can't be asked.
    leg.checks.append(checks.markers(leg.compared, machine.psql, found.next_xid))
    leg.checks.append(checks.extensions(machine.psql, server.psql, is_latest=leg.target is None))
    leg.checks.append(checks.amcheck(server))
    leg.checks.append(checks.network_isolation(server))
    leg.checks.append(checks.last_wal(found.last_commit_at, leg.target, leg.lost_seconds, allowed))
    leg.checks.append(checks.jobs(machine, server.psql, ready_at))


def _request(target: Target) -> RestoreRequest:
    # Main may always be named, whatever else is beside it; a drill puts nothing there.
    return RestoreRequest(act="plan", target=target, into=MAIN, replace=MAIN)


def _target(moment: datetime) -> Target:
    return Target(kind="time", value=written(moment))


def _planned(machine: Machine, target: Target) -> Plan:
    wanted = plan.made(machine, _request(target))
    if wanted.faults:
        raise RecoveryError(*wanted.faults)
    return wanted


def evidence(machine: Machine, run: Run, seconds: float) -> Evidence:
    given = machine.spec.backup
    missed = faults(run, given)
    return Evidence(
        format=1,
        host=given.alarm_host or socket.gethostname(),
        started_at=run.started_at,
        seconds=round(seconds, 3),
        seed=run.seed,
        versions=_versions(machine),
        targets=Targets(
            recovery_point_seconds=given.recovery_point_seconds, recovery_time_seconds=given.recovery_time_seconds
        ),
        windows=list(run.legs[0].plan.situation.windows) if run.legs else [],
        restores=[leg.answer() for leg in run.legs],
        recovery_point_seconds=run.legs[0].lost_seconds if run.legs else None,
        recovery_time_seconds=run.longest,
        is_passed=not missed,
        faults=missed,
    )


def faults(run: Run, given: BackupSpec) -> list[str]:
    """What kept it from going on first, then every check and every target that was missed."""
    missed: Sequence[str] = [
        f"{leg.kind}: {check.name}: {check.detail}" for leg in run.legs for check in leg.checks if not check.is_passed
    ]
    found = [*run.faults, *missed]
    if run.longest is not None and run.longest > given.recovery_time_seconds:
        found.append(f"recovery took {run.longest} s; the target is {given.recovery_time_seconds} s")
    return found


def _versions(machine: Machine) -> dict[str, str]:
    found = {}
    # What was found before the server that serves ended is told, too.
    with suppress(RecoveryError):
        ((found["postgresql"],),) = machine.psql("SHOW server_version")
        found |= {name: version for name, version in machine.psql(checks.EXTENSIONS)}
    pgbackrest = machine.run(["pgbackrest", "version"], seconds=VERSION_SECONDS).stdout.split()
    return {"pgbackrest": pgbackrest[-1] if pgbackrest else "unknown", **found}


def drawable(windows: Sequence[Window], first: datetime, spare: timedelta) -> Iterator[Window]:
    """The windows from `first` on; one that has ended is cut by `spare`."""
    for one in windows:
        since, until = max(one.since, first), one.until if one.is_live else one.until - spare
        if one.is_live or since < until:
            yield one.model_copy(update={"since": since, "until": max(since, until)})


def moment_at(windows: Sequence[Window], share: float) -> datetime | None:
    """The moment up to which this share of all the windows' time has gone by; None without a window."""
    rest = sum((one.until - one.since for one in windows), timedelta()) * share
    for one in windows:
        if rest <= one.until - one.since:
            return one.since + rest
        rest -= one.until - one.since
    return windows[-1].until if windows else None
