"""What a restore would take, need, stop and lose; nothing is changed by asking."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from durable import files
from host.recovery import clusters, contract, inventory
from host.recovery.choice import Choice, Situation, ahead, choose, read_situation
from host.recovery.contract import MAIN, Backup, Loss, RestoreRequest, Source, Target
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, Segment
from host.recovery.machine import RESERVE_BYTES, Machine, free_bytes
from host.recovery.pgbackrest import Repository
from host.recovery.wal import SEGMENT_BYTES

RATES_FILE = ".hybrid-recovery.json"
MAX_WAL_MB = 256
"""max_wal_size of a cluster that recovers; at about twice that it has recycled what it replayed."""
PREFETCHED = 8
MARGIN = 1.1
START_SECONDS = 3
UNREACHED = f"{MAIN}: its newest WAL is missing"
BACKUP_RUNS = f"{MAIN}: a backup is being taken, and would fail as PostgreSQL stops; wait until it has ended"
UNARCHIVED = "SELECT bytes, seconds FROM monitoring.unarchived()"


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
    """Bytes that a restore needs: data, the log that is held at a time, and a margin."""
    log = min(len(wal) * SEGMENT_BYTES, 2 * MAX_WAL_MB * 2**20) + (PREFETCHED + 4) * SEGMENT_BYTES
    return int((backup.database_bytes + log) * MARGIN) + RESERVE_BYTES


@dataclass(frozen=True)
class Plan:
    target: Target
    source: Source
    into: str
    choice: Choice
    situation: Situation
    faults: tuple[str, ...]
    needs_replace: bool
    loss: Loss | None
    left_out: str
    """What main has, and a copy beside it would not; empty where there is nothing."""
    accepted_loss: int
    """Bytes."""
    unlogged: int
    """Tables and indexes of main whose rows are in no log."""
    free_bytes: int
    needed_bytes: int
    estimate: tuple[float | None, str]

    @property
    def is_whole(self) -> bool:
        """Whether all that main committed is wanted: the newest of the line on which it serves."""
        own = self.situation.live or self.situation.stopped
        is_own_line = own is None or own.timeline == self.situation.timeline
        return self.target.kind == "latest" and self.source == Source() and is_own_line

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
            timeline=self.situation.timeline if backup else None,
            note="; ".join(filter(None, (self.choice.note, self.situation.note, self.left_out))) or None,
            **consequences(self),
            loss=self.loss,
            needs_replace=self.needs_replace,
            faults=list(self.faults),
        )


def act(machine: Machine, request: RestoreRequest) -> contract.Plan:
    return made(machine, request).answer()


def made(machine: Machine, request: RestoreRequest) -> Plan:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    found, fault = read_situation(machine, repository, held, request.target.timeline, has_unarchived=True)
    chosen = choose(request.target, found) if fault is None else Choice(None, (), (fault,))
    faults = [*chosen.faults, *clusters.faults(machine, request.into, request.replace)]
    if request.into == MAIN and held.is_backing_up:
        faults.append(BACKUP_RUNS)
    exists = clusters.exists(machine, request.into)
    loss = chosen.loss
    if exists and not chosen.faults and request.into == MAIN and request.target.kind == "latest":
        loss = _of_main(machine, found, chosen, request.source) or loss
    accepted = request.accepted_loss or 0
    if loss and loss.bytes > accepted:
        faults.append(loss_fault(loss, chosen.note or UNREACHED))
    free, needed = free_bytes(machine), 0
    guess: tuple[float | None, str] = (None, "no backup fits")
    if chosen.backup:
        needed = needed_bytes(chosen.backup, chosen.wal)
        guess = estimated_seconds(measured_rates(machine), chosen.backup, _chain(held, chosen.backup), chosen.wal)
        faults += room_faults(machine, needed, free)
    unlogged = unlogged_relations(machine) if exists and request.into == MAIN else 0
    return Plan(
        request.target,
        request.source,
        request.into,
        chosen,
        found,
        tuple(faults),
        exists,
        loss,
        _left_out(machine, found, request),
        accepted,
        unlogged,
        free,
        needed,
        guess,
    )


def loss_fault(loss: Loss, reason: str) -> str:
    most = "up to " if loss.is_bound else ""
    return (
        f"{reason}: {most}{loss.bytes:,} bytes and {loss.seconds:,.0f} s of what {MAIN} committed would not come back;"
        f" allowed only with --accept-loss {loss.bytes}"
    )


def _of_main(machine: Machine, found: Situation, chosen: Choice, source: Source) -> Loss | None:
    """What main has that its newest state in the repository lacks, beside holes in that."""
    if source != Source():
        loss = ahead(machine, found, chosen) or _unreadable(machine, found)
        return loss if loss.bytes else None
    is_known = found.live or found.stopped or clusters.pid(machine, MAIN)
    return None if is_known else _unreadable(machine, found)


def _unreadable(machine: Machine, found: Situation) -> Loss:
    """Of a main whose own log is gone, or that does not say where that ends: what may be waiting to be archived."""
    archived = [one.archived_at for held in found.held.segments.values() for one in held]
    since = max(archived, default=found.held.now)
    most = machine.spec.backup.archive_queue_max_mb * 2**20 + SEGMENT_BYTES
    return Loss(bytes=most, seconds=(found.held.now - since).total_seconds(), is_bound=True)


def _left_out(machine: Machine, found: Situation, request: RestoreRequest) -> str:
    """Of a main that runs and does not archive: what a copy of the newest state is without."""
    is_newest = request.target.kind == "latest" and request.target.timeline is None and request.source == Source()
    if request.into == MAIN or not is_newest or found.live or not clusters.pid(machine, MAIN):
        return ""
    try:
        rows = machine.psql(UNARCHIVED)
    except RecoveryError as error:
        return f"{MAIN} runs and does not archive: what it committed last would not be in {request.into}: {error}"
    # A standby has none.
    for size, seconds in rows:
        if seconds != "0":
            age = f"{float(seconds):,.0f} s" if seconds else "an unknown time"
            missing = f"{int(size):,} bytes and {age} of what it committed would not be in {request.into}"
            return f"{MAIN} runs and does not archive: {missing}"
    return ""


def unlogged_relations(machine: Machine) -> int:
    """Of all databases of main; each has a file with which a recovery begins it anew."""
    folders = [machine.path(machine.clusters / MAIN) / "base"]
    for path in clusters.real_tablespaces(machine, MAIN):
        folders += path.glob(f"PG_{machine.major}_*")
    return sum(1 for folder in folders for _ in folder.glob("*/*_init"))


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
    lost, stops, keeps = [], [], None
    if plan.needs_replace and plan.into != MAIN:
        lost, stops = [f"all that is in the restored cluster {plan.into}"], [f"restored cluster {plan.into}"]
    elif plan.needs_replace:
        lost, stops = _lost_of_main(plan), _stops_of_main(plan)
        keeps = f"the data directory as it is now, as {MAIN}.before-… beside the new one"
    if plan.target.kind == "name" or not plan.choice.is_placed:
        lost.append("whether the log has this target is not known: where it lacks it, nothing is restored or changed")
    return {"stops": stops, "loses": "; ".join(lost) or None, "keeps": keeps}


def _lost_of_main(plan: Plan) -> list[str]:
    lost = [] if plan.is_whole else ["every row that was committed after the target; what is kept has them"]
    if plan.loss:
        most = "up to " if plan.loss.is_bound else ""
        lost.append(f"{most}{plan.loss.bytes:,} bytes and {plan.loss.seconds:,.0f} s of the newest that was committed")
    if plan.unlogged:
        lost.append(f"the rows of unlogged tables ({plan.unlogged} tables and indexes)")
    return lost


def _stops_of_main(plan: Plan) -> list[str]:
    when = "while it is restored" if plan.target.kind == "latest" else "while the folders change places"
    # What it has replayed beyond the target can't be taken back.
    standby = [] if plan.is_whole and not plan.loss else [f"a standby, if one follows {MAIN}, until it is made again"]
    return [f"PostgreSQL ({MAIN}), {when}", *standby]
