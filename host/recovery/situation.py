"""All that the choice of a backup depends on: the repository, the way to a timeline, and the server that writes."""

from dataclasses import dataclass

from host.recovery import inventory
from host.recovery.contract import Window
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, position
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.timelines import Stretch, stretches
from host.recovery.window import windows

LIVE = """
SELECT pg_snapshot_xmax(pg_current_snapshot()), pg_current_wal_insert_lsn(),
    left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
ARCHIVER = """
SELECT extract(epoch FROM last_archived_time), current_setting('archive_mode') <> 'off'
    AND coalesce(last_archived_time > last_failed_time, last_failed_time IS NULL)
FROM pg_stat_archiver
"""


@dataclass(frozen=True)
class Live:
    """The server that writes into this repository, as it is now; its log is archived up to now before a restore."""

    next_xid: int
    position: int
    timeline: int


@dataclass(frozen=True)
class Situation:
    held: Inventory
    way: tuple[Stretch, ...]
    live: Live | None

    @property
    def timeline(self) -> int:
        return self.way[-1].timeline

    @property
    def is_live(self) -> bool:
        """What the server writes lies on this way."""
        return self.live is not None and self.live.timeline == self.timeline

    @property
    def windows(self) -> tuple[Window, ...]:
        """The times along this way that one can restore to."""
        return windows(self.held, self.way, archives=self.is_live)


def read(
    machine: Machine, repository: Repository, held: Inventory, timeline: int | None = None
) -> tuple[Situation, str | None]:
    """Along a timeline, or the newest one; with the fault where the archive does not have it."""
    known = sorted({1, *held.segments, *held.histories})
    # The log moves on only where the repository is read that main writes, as it is.
    is_own = repository.source.repository == "primary" and repository.source.as_of is None
    live = _live(machine) if is_own and is_archiving(machine) else None
    wanted = timeline or (live.timeline if live else held.current_timeline)
    if wanted not in known:
        lines = ", ".join(map(str, known))
        return Situation(held, stretches(1, ""), live), f"timeline {wanted}: is not in the archive, which has {lines}"
    text = inventory.history(repository, held.archive_id, wanted) if wanted > 1 else ""
    return Situation(held, stretches(wanted, text), live), None


def is_archiving(machine: Machine) -> bool:
    """Whether the server that serves runs and hands its log over."""
    try:
        rows = machine.psql(ARCHIVER) if machine.is_serving() else []
    except RecoveryError:
        return False
    return bool(rows) and rows[0][1] == "t"


def _live(machine: Machine) -> Live:
    ((next_xid, lsn, timeline),) = machine.psql(LIVE)
    return Live(int(next_xid), position(lsn), int(timeline, 16))
