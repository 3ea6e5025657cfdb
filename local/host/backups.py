"""Backups on one machine: a repository in the declared bucket, a first full backup, and a host restored from it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from host.backup.repository_state import MAKE, MAKE_AGAIN, RepositoryState, usable
from host.recovery.contract import BackupRequest, Message, document
from host.specification.model import Spec
from local.common.errors import LocalError
from local.common.state import State
from local.host import database
from local.host.realisation import UNCHANGED, Realisation
from local.object_store.files import DamagedError, StoreFiles
from local.processes.stack import Progress, Stack, run

BACKUP_SECONDS = 600
# host/'s settings of pgBackRest name it.
REPOSITORY = "postgresql"


def start(realisation: Realisation) -> str:
    """The step of `up`."""
    was_taken = ensure_backup(realisation.stack, realisation.host, realisation.progress)
    return "full backup taken" if was_taken else UNCHANGED


def ensure_backup(stack: Stack, host: Spec, progress: Progress) -> bool:
    """Has the repository and a full backup in its bucket; whether a backup had to be taken.

    Where the local S3 lost its folder, there is a repository to make, and a backup to take, again.
    """
    stanza = host.backup.stanza
    if backups(stack, stanza):
        return False
    progress("taking the first full backup")
    _make_repository(stack, stanza)
    _first_backup(stack)
    return True


def _make_repository(stack: Stack, stanza: str) -> None:
    """A store that lost its backups holds at most a log file that arrived since, which is of no use."""
    try:
        pgbackrest(stack, stanza, *MAKE)
    except LocalError:
        if not RepositoryState.of(info(stack, stanza)).is_lost:
            raise
        for command in MAKE_AGAIN:
            pgbackrest(stack, stanza, *command)


def _first_backup(stack: Stack) -> None:
    """Makes the first backup with the recovery engine, which notes its transactions: each may be a restore's target."""
    try:
        asked(stack, BackupRequest(kind="full"))
    except LocalError as error:
        raise LocalError(f"first backup: {error}") from error


def asked(stack: Stack, request: Message) -> Any:
    """What the recovery engine of a stack's host answers. Raises LocalError."""
    text = json.dumps(document(request))
    answer = run(database.runtime(stack).recovery(), seconds=BACKUP_SECONDS, folder=stack.project, stdin=text)
    if answer.returncode:
        try:
            message = "; ".join(json.loads(answer.stdout)["faults"])
        except (ValueError, KeyError):
            message = answer.stderr.strip() or f"exit {answer.returncode}"
        raise LocalError(message)
    return json.loads(answer.stdout)


def backups(stack: Stack, stanza: str) -> list[dict[str, Any]]:
    """The backups of the repository that can be restored, as pgBackRest lists them, oldest first."""
    return restorable(info(stack, stanza))


def restorable(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(backup) for found in given for backup in usable(found["backup"])]


def info(stack: Stack, stanza: str) -> list[dict[str, Any]]:
    # It quotes what it could not decipher.
    answer: list[dict[str, Any]] = json.loads(pgbackrest(stack, stanza, "info", "--output=json"), strict=False)
    return answer


def pgbackrest(stack: Stack, stanza: str, *arguments: str) -> str:
    """Runs pgBackRest on the host and returns what it prints. Raises LocalError with its output."""
    answer = database.runtime(stack).in_host(["pgbackrest", f"--stanza={stanza}", *arguments], seconds=BACKUP_SECONDS)
    if answer.returncode:
        message = " ".join((answer.stdout + answer.stderr).split())
        raise LocalError(f"pgbackrest {arguments[0]}: {message or f'exit {answer.returncode}'}")
    return answer.stdout


def holds_backup(state: State, host: Spec) -> bool:
    """Whether the store's folder has a whole backup of the stanza; the store need not run."""
    backup = host.backup
    prefix = f"{REPOSITORY}/backup/{backup.stanza}/"
    files = StoreFiles(state.store)
    if backup.bucket not in files.buckets():
        return False
    for path in files.keys(backup.bucket):
        try:
            found = files.read(path)
        except DamagedError:
            continue
        is_manifest = found["key"].startswith(prefix) and found["key"].endswith("/backup.manifest")
        if is_manifest and not found["versions"][-1].get("is_delete_marker"):
            return True
    return False
