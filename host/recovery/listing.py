"""What there is to restore from: backups, archived WAL, and the window one can restore to."""

from typing import Any

from host.recovery import clusters, inventory, lock, progress, situation, timelines, times, work
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, wal_name
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.request import List
from host.recovery.window import Window


def act(machine: Machine, request: List) -> dict[str, Any]:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    at_work = lock.running(machine)
    return {
        "stanza": repository.backup.stanza,
        "now": times.written(held.now),
        "source": request.source.model_dump() | {"as_of": times.written(request.source.as_of)},
        "backups": [backup.written() for backup in held.backups],
        "archive": archive(held),
        "windows": [one.written() for one in _windows(machine, repository, held)],
        "running": at_work,
        # What an act that runs works in is nobody's rest.
        "leftovers": [] if at_work else [path.name for path in work.leftovers(machine)],
        "restored": clusters.listed(machine),
    }


def _windows(machine: Machine, repository: Repository, held: Inventory) -> tuple[Window, ...]:
    """Along the newest timeline."""
    try:
        found, _ = situation.read(machine, repository, held)
    except RecoveryError as error:
        # The list is what one looks with: it has to come, and without the timeline's history nothing can be restored.
        progress.say(str(error))
        return ()
    return found.windows


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
