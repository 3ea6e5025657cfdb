"""Restores the newest state and a random moment for real, checks both, and measures what would be lost and how long."""

import random
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from host.recovery import checks, markers, plan, progress, restoring, times, work
from host.recovery.checks import Check
from host.recovery.errors import RecoveryError
from host.recovery.lock import alone
from host.recovery.machine import Machine
from host.recovery.markers import Comparison
from host.recovery.plan import Plan
from host.recovery.request import Drill, Restore, Target
from host.recovery.restoring import Recovered
from host.recovery.settings import Purpose

FORMAT = 1
DRAWS = 1000
PLANS = 5
UNSETTLED = timedelta(seconds=1.5)
"""The newest part of the window, in which no moment is drawn: a marker may just be being written."""
NEXT_XID = "SELECT pg_snapshot_xmax(pg_current_snapshot())"


@dataclass
class Leg:
    """One restore of a drill."""

    kind: str
    plan: Plan
    target: datetime | None = None
    lost_seconds: float | None = None
    last_commit_at: datetime | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    compared: Comparison | None = None
    checks: list[Check] = field(default_factory=list)

    def written(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": times.written(self.target),
            "backup": self.plan.backup.label,
            "seconds": self.seconds,
            "data_bytes": self.plan.backup.database_bytes,
            "last_commit_at": times.written(self.last_commit_at),
            "markers": self.compared.written() if self.compared else {},
            "recovery_point_seconds": self.lost_seconds,
            "checks": [check.written() for check in self.checks],
        }


def act(machine: Machine, request: Drill) -> dict[str, Any]:
    """The evidence, also where targets are missed. Raises RecoveryError where nothing could be restored."""
    with alone(machine, "drill"):
        work.clean(machine)
        if not machine.is_serving():
            raise RecoveryError("drill: PostgreSQL does not serve here, and there is nothing to hold a copy against")
        seed = request.seed if request.seed is not None else secrets.randbits(32)
        started, start = times.now(), time.monotonic()
        legs = [_latest(machine), _point(machine, random.Random(seed))]
        return _evidence(machine, legs, started, time.monotonic() - start, seed)


def _latest(machine: Machine) -> Leg:
    """As if the host had vanished now: nothing is archived for the drill's sake."""
    progress.say("drill 1 of 2: the newest state")
    wanted = _planned(machine, Target(kind="latest"))
    now = times.now()
    ((next_xid,),) = machine.psql(NEXT_XID)
    # For the second part, so that there are some on a host that was just made.
    markers.mark(machine.psql)
    leg = Leg("latest", wanted)
    with work.working(machine) as folder:
        with restoring.recovered(folder, wanted, Purpose("drill")) as found:
            last = found.last_commit_at or wanted.backup.stopped_at
            is_whole = found.next_xid >= int(next_xid)
            leg.lost_seconds = 0.0 if is_whole else round(max((now - last).total_seconds(), 0), 3)
            _check(machine, leg, found, last)
            found.server.stop()
        leg.checks.append(checks.checksums(machine, str(folder.data)))
    return leg


def _point(machine: Machine, draw: random.Random) -> Leg:
    progress.say("drill 2 of 2: a random moment")
    markers.mark(machine.psql)
    for _ in range(PLANS):
        moment = _drawn(machine, draw)
        wanted = plan.made(machine, _request(Target(kind="time", value=times.written(moment))))
        if not wanted.faults:
            break
    else:
        raise RecoveryError(*wanted.faults)
    # Later than the moment, so that there is one that must not be in the copy.
    markers.mark(machine.psql)
    restoring.archive_up_to_now(machine)
    wanted = _planned(machine, wanted.target)
    leg = Leg("point", wanted, moment)
    with work.working(machine) as folder:
        with restoring.recovered(folder, wanted, Purpose("drill")) as found:
            _check(machine, leg, found, moment)
            found.server.stop()
        leg.checks.append(checks.checksums(machine, str(folder.data)))
    return leg


def _drawn(machine: Machine, draw: random.Random) -> datetime:
    """A moment of the window, clear of every marker."""
    window = _planned(machine, Target(kind="latest")).situation.window
    if window is None:
        raise RecoveryError("drill: there is no window to draw a moment from")
    while times.now() - UNSETTLED < window.since + UNSETTLED:
        time.sleep(0.1)
    until = times.now() - UNSETTLED
    held = markers.read(machine.psql)
    for _ in range(DRAWS):
        moment = window.since + (until - window.since) * draw.random()
        if markers.is_clear(moment, held):
            return moment
    raise RecoveryError("drill: the window has no moment that is a second away from every marker; try again later")


def _check(machine: Machine, leg: Leg, found: Recovered, until: datetime) -> None:
    progress.say("checking the copy")
    server, ready_at = found.server, times.now()
    leg.last_commit_at, leg.seconds = found.last_commit_at, found.seconds
    held = markers.read(machine.psql)
    leg.compared = markers.compared(held, markers.read(server.psql), until, is_exact=leg.target is not None)
    allowed = machine.spec.backup.recovery_point_seconds
    leg.checks += [
        checks.markers(leg.compared),
        checks.extensions(machine.psql, server.psql, is_latest=leg.target is None),
        checks.amcheck(server),
        checks.no_way_out(server),
        checks.last_wal(found.last_commit_at, leg.target, leg.lost_seconds, allowed),
        checks.jobs(machine, server.psql, ready_at),
    ]


def _request(target: Target) -> Restore:
    return Restore(act="plan", target=target, into="drill")


def _planned(machine: Machine, target: Target) -> Plan:
    wanted = plan.made(machine, _request(target))
    if wanted.faults:
        raise RecoveryError(*wanted.faults)
    return wanted


def _evidence(machine: Machine, legs: Sequence[Leg], started: datetime, seconds: float, seed: int) -> dict[str, Any]:
    allowed = machine.spec.backup
    lost = legs[0].lost_seconds
    longest = max(leg.seconds["total"] for leg in legs)
    faults = [
        f"{leg.kind}: {check.name}: {check.detail}" for leg in legs for check in leg.checks if not check.is_passed
    ]
    if longest > allowed.recovery_time_seconds:
        faults.append(f"recovery took {longest} s; the target is {allowed.recovery_time_seconds} s")
    window = legs[0].plan.situation.window
    return {
        "format": FORMAT,
        "host": allowed.alarm_host or socket.gethostname(),
        "started_at": times.written(started),
        "seconds": round(seconds, 3),
        "seed": seed,
        "versions": _versions(machine),
        "targets": {
            "recovery_point_seconds": allowed.recovery_point_seconds,
            "recovery_time_seconds": allowed.recovery_time_seconds,
        },
        "window": window.written() if window else None,
        "restores": [leg.written() for leg in legs],
        "recovery_point_seconds": lost,
        "recovery_time_seconds": longest,
        "is_passed": not faults,
        "faults": faults,
    }


def _versions(machine: Machine) -> dict[str, str]:
    ((postgresql,),) = machine.psql("SHOW server_version")
    pgbackrest = machine.run(["pgbackrest", "version"], seconds=60).stdout.split()
    return {
        "postgresql": postgresql,
        "pgbackrest": pgbackrest[-1] if pgbackrest else "unknown",
        **{name: version for name, version in machine.psql(checks.EXTENSIONS)},
    }
