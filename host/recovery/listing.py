"""What there is to restore from: backups, archived WAL, and the window one can restore to."""

from typing import Any

from host.recovery import clusters, inventory, timelines, times, work
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, wal_name
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.request import List
from host.recovery.window import Window, window

ARCHIVER = """
SELECT extract(epoch FROM last_archived_time), current_setting('archive_mode') <> 'off'
    AND coalesce(last_archived_time > last_failed_time, last_failed_time IS NULL)
FROM pg_stat_archiver
"""


def act(machine: Machine, request: List) -> dict[str, Any]:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    found = held_window(machine, repository, held)
    return {
        "stanza": repository.backup.stanza,
        "now": times.written(held.now),
        "source": request.source.model_dump() | {"as_of": times.written(request.source.as_of)},
        "backups": [backup.written() for backup in held.backups],
        "archive": archive(held),
        "window": found.written() if found else None,
        "leftovers": [path.name for path in work.leftovers(machine)],
        "restored": clusters.listed(machine),
    }


def held_window(machine: Machine, repository: Repository, held: Inventory) -> Window | None:
    """The window of the newest timeline; it moves on only where the repository is read that main writes, as it is."""
    is_own = repository.source.repository == "primary" and repository.source.as_of is None
    return window(held, archives=is_own and is_archiving(machine))


def is_archiving(machine: Machine) -> bool:
    """Whether the server that serves runs and hands its log over."""
    try:
        rows = machine.psql(ARCHIVER) if machine.is_serving() else []
    except RecoveryError:
        return False
    return bool(rows) and rows[0][1] == "t"


def archive(held: Inventory) -> list[dict[str, Any]]:
    """Each timeline's part of the archive, with its holes."""
    return [
        {
            "first": segments[0].name,
            "last": segments[-1].name,
            "last_at": times.written(max(one.archived_at for one in segments)),
            "timeline": timeline,
            "gaps": [[wal_name(timeline, edge) for edge in gap] for gap in timelines.gaps(segments)],
        }
        for timeline, segments in sorted(held.segments.items())
        if segments
    ]
