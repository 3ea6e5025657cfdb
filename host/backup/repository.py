"""A repository to archive into, and a first backup in it: without either the log stays on the disk and fills it.

pgBackRest's settings come first (stage `files`): backups and write-ahead log go encrypted to an S3 bucket.
"""

import json
from collections.abc import Generator

from pyinfra.api.command import FunctionCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import files

from host.backup import credentials, schedule
from host.backup.repository_state import MAKE, MAKE_AGAIN, RepositoryState
from host.common import layout, rendering
from host.common.facts import root
from host.common.rendering import RefusedError, render, written
from host.recovery import choice, inventory, repository_acts
from host.recovery.contract import Backup, BackupRequest, Loss, Target
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.specification.model import Spec


class BackupRepository(FactBase[RepositoryState]):
    """Read as PostgreSQL's own user; fails where the repository does not answer."""

    def command(self, stanza: str) -> str:
        info = f"{layout.AS_OWNER} pgbackrest --stanza={stanza} --output=json info"
        # It quotes what it could not decipher, which pyinfra could not read as text.
        return f"found=$({info}) || exit; printf %s \"$found\" | tr -cd '\\12\\40-\\176'"

    def process(self, output: list[str]) -> RepositoryState:
        return RepositoryState.of(json.loads("\n".join(output), strict=False))


def apply_settings(spec: Spec) -> None:
    for name, path in (("spool of backups", layout.SPOOL), ("folder of backups' logs", layout.BACKUP_LOGS)):
        files.directory(name=name, path=path, user=layout.OWNER, group=layout.OWNER, mode="750")
    written(
        name="backup settings",
        text=settings_text(spec),
        path=layout.BACKUP_SETTINGS,
        owner=layout.OWNER,
        mode="600",
        grammar=rendering.BACKUPS_GRAMMAR,
    )


def settings_text(spec: Spec) -> str:
    endpoint, _, port = spec.backup.endpoint.partition(":")
    return render(
        "pgbackrest.conf.j2",
        spec=spec,
        endpoint=endpoint,
        port=port,
        layout=layout,
        credentials=layout.BACKUP_CREDENTIALS,
    )


def apply(spec: Spec) -> None:
    """Sets up the schedule, and the repository on the host that serves: a repository belongs to one cluster."""
    # First, for a store that does not answer now may do so tonight.
    schedule.apply(spec)
    if spec.platform == "lightsail" and spec.postgres.is_serving:
        credentials.needed(spec)
        first(spec)


def first(spec: Spec) -> None:
    """The repository and a first backup; both again where the bucket lost its content."""
    repository(name="backup repository", stanza=spec.backup.stanza)
    first_backup(name="first backup", spec=spec)


def newest(spec: Spec) -> str:
    """Label of the backup from which the newest state of the timeline that served last is restored.

    Raises RefusedError, also where a host that is to serve would be without what lies behind a hole in the log and
    nobody named the backup.
    """
    machine = Machine(root(), spec)
    repository = Repository(machine)
    try:
        found, fault = choice.read_situation(machine, repository, inventory.read(repository))
    except RecoveryError as error:
        raise RefusedError("database cluster", "; ".join(error.faults)) from error
    named = spec.postgres.restored_from
    chosen = choice.choose(Target(kind="latest", label=named), found)
    faults = [fault] if fault else [*chosen.faults]
    if chosen.backup and chosen.loss and spec.postgres.is_serving and not named and spec.platform == "local":
        faults.append(loss_fault(chosen.backup, chosen.note, chosen.loss))
    if faults or chosen.backup is None:
        raise RefusedError("database cluster", "; ".join(faults))
    return chosen.backup.label


def loss_fault(backup: Backup, hole: str, loss: Loss) -> str:
    return (
        f"{hole}: {loss.bytes:,} bytes of log and {loss.seconds:,.0f} s of what was committed would not come back;"
        f" allowed only with the backup named: {backup.label} (--set)"
    )


@operation()
def repository(stanza: str) -> Generator[str, None, None]:
    found = host.get_fact(BackupRepository, stanza=stanza)
    if found.is_readable:
        host.noop("the repository knows this cluster")
        return
    if not found.is_lost:
        raise RefusedError(
            "backup repository",
            "it can't be read, and nothing is made over it: it is there, written with another passphrase or damaged;"
            " `pgbackrest info` on the host says which",
        )
    again = " && ".join(_pgbackrest(stanza, command) for command in MAKE_AGAIN)
    # Refused where something is left: a log file that landed there before the repository was, or what was overwritten.
    yield f"{_pgbackrest(stanza, MAKE)} || {{ {again}; }}"


@operation()
def first_backup(spec: Spec) -> Generator[FunctionCommand, None, None]:
    """Makes the first backup with the recovery engine, which notes its transactions: each may be a restore's target."""
    if host.get_fact(BackupRepository, stanza=spec.backup.stanza).backups:
        host.noop("there is a backup")
        return
    faults: list[str] = []
    yield FunctionCommand(_taken, [Machine(root(), spec), faults], {})
    if faults:
        raise RefusedError("first backup", "; ".join(faults))


def _taken(machine: Machine, faults: list[str]) -> None:
    try:
        repository_acts.take_backup(machine, BackupRequest(kind="full"))
    except RecoveryError as error:
        faults += error.faults


def _pgbackrest(stanza: str, command: tuple[str, ...]) -> str:
    return f"{layout.AS_OWNER} pgbackrest --stanza={stanza} {' '.join(command)}"
