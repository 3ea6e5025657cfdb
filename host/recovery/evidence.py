"""What a drill found out, as far as it came."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from host.recovery import checks
from host.recovery.contract import Check, DrillRestore, Evidence, Markers, Targets
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine
from host.recovery.plan import Plan
from host.specification.model import Backup as BackupSpec

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


def found(machine: Machine, run: Run, seconds: float) -> Evidence:
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
