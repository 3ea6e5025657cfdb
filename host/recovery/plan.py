"""What a restore would take, need, stop and lose; nothing is changed by asking."""

from dataclasses import dataclass
from typing import TypedDict

from host.recovery import clusters, contract, estimate, inventory, situation
from host.recovery.choice import Choice, choose
from host.recovery.contract import MAIN, Backup, RestoreRequest, Source, Target
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.situation import Situation


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
    found, fault = situation.read(machine, repository, held, request.target.timeline)
    choice = choose(request.target, found) if fault is None else Choice(None, (), (fault,))
    faults = [*choice.faults, *clusters.faults(machine, request.into, request.replace)]
    free, needed = estimate.free_bytes(machine), 0
    guess: tuple[float | None, str] = (None, "no backup fits")
    if choice.backup:
        needed = estimate.needed_bytes(choice.backup, choice.wal)
        guess = estimate.seconds(estimate.measured(machine), choice.backup, _chain(held, choice.backup), choice.wal)
        faults += room_faults(machine, needed, free)
    exists = clusters.exists(machine, request.into)
    return Plan(request.target, request.source, request.into, choice, found, tuple(faults), exists, free, needed, guess)


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
