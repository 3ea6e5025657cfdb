"""Backups on one machine: a repository in the declared bucket, and a first full backup in it."""

import json
from collections.abc import Mapping
from typing import Any

from local import database
from local.errors import LocalError
from local.stack import Progress, Stack

BACKUP_SECONDS = 600


def ensure_backup(stack: Stack, host: Mapping[str, Any], progress: Progress) -> bool:
    """Has the repository and a full backup in its bucket; whether a backup had to be taken.

    The local S3 forgets all when it ends: then there is a repository to make, and a backup to take, again.
    """
    stanza = host["backup"]["stanza"]
    if backups(stack, stanza):
        return False
    progress("taking the first full backup")
    _make_repository(stack, stanza)
    pgbackrest(stack, stanza, "backup", "--type=full")
    return True


def _make_repository(stack: Stack, stanza: str) -> None:
    """What a store holds that lost its backups is of no use: a log file that was on its way when it came back."""
    try:
        pgbackrest(stack, stanza, "stanza-create")
    except LocalError:
        if any(found["backup"] for found in _info(stack, stanza)):
            raise
        # Ends what is on its way; from then on nothing is archived until there is a repository.
        pgbackrest(stack, stanza, "stop", "--force")
        # Forced, for PostgreSQL runs; it takes back the stop, too.
        pgbackrest(stack, stanza, "stanza-delete", "--force")
        pgbackrest(stack, stanza, "stanza-create")


def backups(stack: Stack, stanza: str) -> list[dict[str, Any]]:
    """What pgBackRest knows of the repository's backups, oldest first."""
    return [backup for found in _info(stack, stanza) for backup in found["backup"] if not backup.get("error")]


def _info(stack: Stack, stanza: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = json.loads(pgbackrest(stack, stanza, "info", "--output=json"))
    return answer


def pgbackrest(stack: Stack, stanza: str, *arguments: str) -> str:
    """Runs pgBackRest on the host and returns what it prints. Raises LocalError with its words."""
    answer = database.way(stack).in_host(["pgbackrest", f"--stanza={stanza}", *arguments], seconds=BACKUP_SECONDS)
    if answer.returncode:
        words = " ".join((answer.stdout + answer.stderr).split())
        raise LocalError(f"pgbackrest {arguments[0]}: {words or f'exit {answer.returncode}'}")
    return answer.stdout
