"""What there is to restore from: backups, archived WAL, and the window one can restore to."""

from host.recovery import clusters, inventory, lock, progress, situation, timelines, work
from host.recovery.contract import Archive, Listing, ListRequest, Source, Window
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory, wal_name
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository


def act(machine: Machine, request: ListRequest) -> Listing:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    at_work = lock.running(machine)
    return Listing(
        stanza=repository.backup.stanza,
        now=held.now,
        source=Source(repository=request.source.repository, as_of=request.source.as_of),
        backups=list(held.backups),
        archive=archive(held),
        windows=list(_windows(machine, repository, held)),
        running=at_work,
        # What an act that runs works in is nobody's rest.
        leftovers=[] if at_work else [path.name for path in work.leftovers(machine)],
        restored=clusters.listed(machine),
    )


def _windows(machine: Machine, repository: Repository, held: Inventory) -> tuple[Window, ...]:
    """Along the newest timeline."""
    try:
        found, _ = situation.read(machine, repository, held)
    except RecoveryError as error:
        # The list is what one looks with: it has to come, and without the timeline's history nothing can be restored.
        progress.say(str(error))
        return ()
    return found.windows


def archive(held: Inventory) -> list[Archive]:
    """Each timeline's part of the archive, with its gaps."""
    return [
        Archive(
            first=segments[0].name,
            last=segments[-1].name,
            last_at=max(one.archived_at for one in segments),
            timeline=timeline,
            gaps=tuple(
                (wal_name(timeline, first), wal_name(timeline, last)) for first, last in timelines.gaps(segments)
            ),
        )
        for timeline, segments in sorted(held.segments.items())
        if segments
    ]
