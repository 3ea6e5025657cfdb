"""How long a restore takes and how much room it needs, from what earlier ones here measured."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from host.recovery.contract import Backup
from host.recovery.inventory import SEGMENT_BYTES, Segment
from host.recovery.machine import Machine

NAME = ".hybrid-recovery.json"
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


def measured(machine: Machine) -> Rates | None:
    try:
        found = json.loads(machine.path(machine.clusters / NAME).read_text())
        return Rates(float(found["restore"]), float(found["recovery"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note(machine: Machine, *, data: int, restore: float, segments: int, recovery: float) -> None:
    """Keep what a restore measured: bytes and seconds."""
    path = machine.path(machine.clusters / NAME)
    fresh = path.with_name(f"{NAME}.new")
    earlier = measured(machine)
    log = segments * SEGMENT_BYTES / max(recovery, 0.1) if segments > 1 or not earlier else earlier.recovery
    fresh.write_text(json.dumps({"restore": data / max(restore, 0.1), "recovery": log}))
    fresh.rename(path)


def seconds(rates: Rates | None, backup: Backup, chain: Sequence[Backup], wal: Sequence[Segment]) -> tuple[float, str]:
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
