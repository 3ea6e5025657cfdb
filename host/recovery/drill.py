"""Restores the newest state and a random moment for real, checks both, and measures what would be lost and how long."""

import random
import secrets
import time
from datetime import datetime, timedelta

from host.recovery import (
    checks,
    evidence,
    inventory,
    markers,
    moments,
    plan,
    progress,
    restoring,
    situation,
    times,
    work,
)
from host.recovery.contract import MAIN, DrillRequest, Evidence, RestoreRequest, Target, written
from host.recovery.errors import RecoveryError, plain_faults
from host.recovery.evidence import Leg, Run
from host.recovery.lock import alone
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.plan import Plan
from host.recovery.restoring import Recovered
from host.recovery.settings import Purpose
from host.recovery.window import spoken

STARTED = "SELECT extract(epoch FROM pg_postmaster_start_time())"
DRAWS = 1000
PLANS = 5
UNSETTLED = timedelta(seconds=1.5)
"""The newest part of the window, in which no moment is drawn: a marker may just be being written."""


def act(machine: Machine, request: DrillRequest) -> Evidence:
    """The evidence, also where nothing could be restored.

    Raises RecoveryError where another act runs, or nothing serves that a copy could be held against.
    """
    with alone(machine, "drill"):
        work.clean(machine)
        if not machine.is_serving():
            raise RecoveryError("drill: PostgreSQL does not serve here, and there is nothing to hold a copy against")
        if request.at:
            # A slip of the pen is no drill that missed its targets.
            _planned(machine, _target(request.at))
        seed = request.seed if request.seed is not None else secrets.randbits(32)
        run = Run(seed, times.now())
        start = time.monotonic()
        try:
            with plain_faults():
                _latest(machine, run)
                _point(machine, run, request.at)
        except RecoveryError as error:
            run.faults = error.faults
        return evidence.found(machine, run, time.monotonic() - start)


def _latest(machine: Machine, run: Run) -> None:
    """As if the host had vanished now: nothing is archived for the drill's sake, but where a server has just begun."""
    progress.say("drill 1 of 2: the newest state")
    _ensure_marked(machine)
    wanted = _planned(machine, Target(kind="latest"))
    leg = run.begun(Leg("latest", wanted))
    now = times.now()
    next_xid = machine.next_xid()
    with work.working(machine) as folder:
        with restoring.recovered(folder, wanted, Purpose("drill")) as found:
            last = found.last_commit_at or wanted.backup.stopped_at
            is_whole = found.next_xid >= next_xid
            leg.lost_seconds = 0.0 if is_whole else round(max((now - last).total_seconds(), 0), 3)
            _check(machine, leg, found, last)
            found.server.stop()
        leg.checks.append(checks.checksums(machine, str(folder.data)))


def _point(machine: Machine, run: Run, at: datetime | None) -> None:
    progress.say(f"drill 2 of 2: {'the moment that was named' if at else 'a random moment'}")
    markers.mark(machine.psql)
    wanted = _planned(machine, _target(at)) if at else _plan_drawn(machine, random.Random(run.seed))
    moment = wanted.target.time
    if not markers.is_clear(moment, markers.read(machine.psql)):
        raise RecoveryError(f"at {written(moment)}: is less than a second away from a marker; choose another time")
    # Later than the moment, so that there is one that must not be in the copy.
    markers.mark(machine.psql)
    restoring.archive_up_to_now(machine)
    wanted = _planned(machine, wanted.target)
    leg = run.begun(Leg("point", wanted, moment))
    with work.working(machine) as folder:
        with restoring.recovered(folder, wanted, Purpose("drill")) as found:
            _check(machine, leg, found, moment)
            found.server.stop()
        leg.checks.append(checks.checksums(machine, str(folder.data)))


def _ensure_marked(machine: Machine) -> None:
    """Any copy that does not miss the target has a marker, and the time in which nothing was served is no loss."""
    earliest = times.now() - timedelta(seconds=machine.spec.backup.recovery_point_seconds)
    ((started,),) = machine.psql(STARTED)
    if times.of_epoch(float(started)) > earliest or all(one > earliest for one in markers.read(machine.psql)):
        # A repository that can't be read is named as such, and not as an archive that is late.
        inventory.read(Repository(machine))
        markers.mark(machine.psql)
        restoring.archive_up_to_now(machine)


def _plan_drawn(machine: Machine, draw: random.Random) -> Plan:
    for _ in range(PLANS):
        wanted = plan.made(machine, _request(_target(_drawn(machine, draw))))
        if not wanted.faults:
            return wanted
    raise RecoveryError(*wanted.faults)


def _drawn(machine: Machine, draw: random.Random) -> datetime:
    """A moment that can be restored, after the first marker and clear of every one."""
    repository = Repository(machine)
    found, fault = situation.read(machine, repository, inventory.read(repository))
    if fault:
        raise RecoveryError(fault)
    held = markers.read(machine.psql)
    # At a window's end there may be no transaction any more for a restore to stop at.
    spare = timedelta(seconds=machine.spec.backup.recovery_point_seconds)
    parts = list(moments.parts(found.windows, held[0] + UNSETTLED, spare))
    if parts and parts[-1].is_live:
        while times.now() - UNSETTLED < parts[-1].since + UNSETTLED:
            time.sleep(0.1)
        parts[-1] = parts[-1].model_copy(update={"until": times.now() - UNSETTLED})
    for _ in range(DRAWS):
        moment = moments.drawn(parts, draw.random())
        if moment and markers.is_clear(moment, held):
            return moment
    raise RecoveryError(
        f"drill: no moment can be restored that is after the first marker and a second away from every one;"
        f" {spoken(found.windows)}"
    )


def _check(machine: Machine, leg: Leg, found: Recovered, until: datetime) -> None:
    progress.say("checking the copy")
    server, ready_at = found.server, times.now()
    leg.last_commit_at, leg.seconds = found.last_commit_at, found.seconds
    held = markers.read(machine.psql)
    leg.compared = markers.compared(held, markers.read(server.psql), until, is_exact=leg.target is not None)
    allowed = machine.spec.backup.recovery_point_seconds
    # One by one, so that what was found is told where a later one can't be asked.
    leg.checks.append(checks.markers(leg.compared))
    leg.checks.append(checks.extensions(machine.psql, server.psql, is_latest=leg.target is None))
    leg.checks.append(checks.amcheck(server))
    leg.checks.append(checks.no_way_out(server))
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
