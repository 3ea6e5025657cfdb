"""What a restore would take, need, stop and lose; nothing is changed by asking."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from durable import files
from host.recovery import clusters, contract, inventory
from host.recovery.choice import Choice, Situation, choose, read_situation
from host.recovery.contract import MAIN, Backup, RestoreRequest, Source, Target
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, Segment
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.wal import SEGMENT_BYTES

RATES_FILE = ".hybrid-recovery.json"
MAX_WAL_MB = 256
"""max_wal_size of a cluster that recovers; at about twice that it has recycled what it replayed."""
PREFETCHED = 8
MARGIN = 1.1
START_SECONDS = 3
RESERVE_BYTES = 64 * 2**20
"""Left to the server that runs on the same disk: where its log finds no room, it ends."""


@dataclass(frozen=True)
class Rates:
    """Bytes a second; of WAL, segments of full size."""

    restore: float
    recovery: float


def measured_rates(machine: Machine) -> Rates | None:
    try:
        found = json.loads(machine.path(machine.clusters / RATES_FILE).read_text())
        return Rates(float(found["restore"]), float(found["recovery"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_rates(machine: Machine, *, data: int, restore: float, segments: int, recovery: float) -> None:
    """Keep what a restore measured: bytes and seconds."""
    path = machine.path(machine.clusters / RATES_FILE)
    earlier = measured_rates(machine)
    log = segments * SEGMENT_BYTES / max(recovery, 0.1) if segments > 1 or not earlier else earlier.recovery
    files.replace(path, json.dumps({"restore": data / max(restore, 0.1), "recovery": log}), mode=0o644, is_cache=True)


def estimated_seconds(
    rates: Rates | None, backup: Backup, chain: Sequence[Backup], wal: Sequence[Segment]
) -> tuple[float, str]:
    """The estimate, and what it is made from."""
    if rates and rates.restore and rates.recovery:
        log = len(wal) * SEGMENT_BYTES / rates.recovery
        return round(backup.database_bytes / rates.restore + log + START_SECONDS, 1), "the last restore on this host"
    taken = sum(max((one.stopped_at - one.started_at).total_seconds(), 1) for one in chain)
    share = backup.database_bytes / max(sum(one.delta_bytes for one in chain), 1)
    return round(taken * share + len(wal) + START_SECONDS, 1), "what the backups took; nothing was restored here yet"


def needed_bytes(backup: Backup, wal: Sequence[Segment]) -> int:
    """Data, the log that is held at a time, and a margin."""
    log = min(len(wal) * SEGMENT_BYTES, 2 * MAX_WAL_MB * 2**20) + (PREFETCHED + 4) * SEGMENT_BYTES
    return int((backup.database_bytes + log) * MARGIN) + RESERVE_BYTES


def free_bytes(machine: Machine) -> int:
    found = os.statvfs(machine.path(machine.clusters))
    return found.f_bavail * found.f_frsize


@dataclass(frozen=True)
class Plan:
    target: Target
    source: Source
    into: str
    choice: Choice
    situation: Situation
    faults: tuple[str, ...]
    needs_replace: bool
    free_bytes: int
    needed_bytes: int
    estimate: tuple[float | None, str]

    @property
    def backup(self) -> Backup:
        """Raises RecoveryError with the plan's faults where there is none."""
        if self.choice.backup is None:
            raise RecoveryError(*self.faults)
        return self.choice.backup

    def chain(self) -> list[Backup]:
        """What the backup is made of, oldest first."""
        return _chain(self.situation.held, self.backup)

    def answer(self) -> contract.Plan:
        backup, wal = self.choice.backup, self.choice.wal
        chain = self.chain() if backup else []
        return contract.Plan(
            # Whole, also what the request left out.
            target=Target(**self.target.model_dump()),
            source=Source(**self.source.model_dump()),
            into=self.into,
            backup=backup,
            chain=[one.label for one in chain],
            wal=contract.Wal(
                first=wal[0].name if wal else None,
                last=wal[-1].name if wal else None,
                files=len(wal),
                bytes=sum(one.bytes for one in wal),
            ),
            data_bytes=backup.database_bytes if backup else 0,
            download_bytes=sum(one.repository_bytes for one in chain) + sum(one.bytes for one in wal),
            free_bytes=self.free_bytes,
            needed_bytes=self.needed_bytes,
            estimated_seconds=self.estimate[0],
            estimate_from=self.estimate[1],
            note=self.choice.note or None,
            **consequences(self),
            needs_replace=self.needs_replace,
            faults=list(self.faults),
        )


def act(machine: Machine, request: RestoreRequest) -> contract.Plan:
    return made(machine, request).answer()


def made(machine: Machine, request: RestoreRequest) -> Plan:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    found, fault = read_situation(machine, repository, held, request.target.timeline)
    chosen = choose(request.target, found) if fault is None else Choice(None, (), (fault,))
    faults = [*chosen.faults, *clusters.faults(machine, request.into, request.replace)]
    free, needed = free_bytes(machine), 0
    guess: tuple[float | None, str] = (None, "no backup fits")
    if chosen.backup:
        needed = needed_bytes(chosen.backup, chosen.wal)
        guess = estimated_seconds(measured_rates(machine), chosen.backup, _chain(held, chosen.backup), chosen.wal)
        faults += room_faults(machine, needed, free)
    exists = clusters.exists(machine, request.into)
    return Plan(request.target, request.source, request.into, chosen, found, tuple(faults), exists, free, needed, guess)


def room_faults(machine: Machine, needed: int, free: int) -> list[str]:
    if free >= needed:
        return []
    return [f"{machine.clusters}: {free:,} bytes are free, and {needed:,} are needed with the log and a tenth to spare"]


def _chain(held: Inventory, backup: Backup) -> list[Backup]:
    parts = {*backup.references, backup.label}
    return sorted((one for one in held.backups if one.label in parts), key=lambda one: one.label)


class Consequences(TypedDict):
    """What is stopped, lost and kept."""

    stops: list[str]
    loses: str | None
    keeps: str | None


def consequences(plan: Plan) -> Consequences:
    if not plan.needs_replace:
        return {"stops": [], "loses": None, "keeps": None}
    if plan.into != MAIN:
        lost = f"all that is in the restored cluster {plan.into}"
        return {"stops": [f"restored cluster {plan.into}"], "loses": lost, "keeps": None}
    is_latest = plan.target.kind == "latest"
    when = (
        "while it is restored, so that no acknowledged row is lost" if is_latest else "while the folders change places"
    )
    loses = None if is_latest else "every row that was committed after the target; it is only in what is kept"
    return {
        "stops": [f"PostgreSQL ({MAIN}), {when}"],
        "loses": loses,
        "keeps": f"the data directory as it is now, as {MAIN}.before-… beside the new one",
    }
