"""Takes a backup now, and notes with it which transactions it surely has."""

from contextlib import suppress

from host.recovery import inventory, progress, work
from host.recovery.contract import BackupRequest, Taken
from host.recovery.errors import RecoveryError
from host.recovery.inventory import NEXT_XID
from host.recovery.lock import BusyError, alone
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository

SPOKEN = {"full": "a full", "diff": "a differential", "incr": "an incremental"}
# Each request to the store is repeated for a minute already. With every file tried three times, as is pgBackRest's
# default, a store that is away would be told after five minutes.
TRY_ONCE = {"PGBACKREST_JOB_RETRY": "0"}


def act(machine: Machine, request: BackupRequest) -> Taken:
    # A backup may be taken while another act makes a cluster.
    with suppress(BusyError), alone(machine, "backup"):
        work.clean(machine)
    repository = Repository(machine)
    before = inventory.read(repository)
    kind = request.kind or ("diff" if any(backup.kind == "full" for backup in before.usable) else "full")
    progress.say(f"taking {SPOKEN[kind]} backup of {repository.backup.stanza}")
    repository.run("backup", f"--type={kind}", extra=TRY_ONCE)
    known = {backup.label for backup in before.backups}
    made = [backup for backup in inventory.read(repository).backups if backup.label not in known]
    if not made:
        raise RecoveryError("backup: pgBackRest ended well, but the repository lists no new backup")
    noted(machine, repository, made[-1].label)
    (found,) = [one for one in inventory.read(repository).backups if one.label == made[-1].label]
    return Taken(backup=found)


def noted(machine: Machine, repository: Repository, label: str) -> None:
    """Every transaction from this number on began after the backup, so that one of them as a target fits it."""
    repository.run("annotate", f"--set={label}", f"--annotation={NEXT_XID}={machine.next_xid()}")
