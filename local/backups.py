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
    pgbackrest(stack, stanza, "stanza-create")
    pgbackrest(stack, stanza, "backup", "--type=full")
    return True


def backups(stack: Stack, stanza: str) -> list[dict[str, Any]]:
    """What pgBackRest knows of the repository's backups, oldest first."""
    answer: list[dict[str, Any]] = json.loads(pgbackrest(stack, stanza, "info", "--output=json"))
    return [backup for found in answer for backup in found["backup"] if not backup.get("error")]


def pgbackrest(stack: Stack, stanza: str, *arguments: str) -> str:
    """Runs pgBackRest on the host and returns what it prints. Raises LocalError with its words."""
    answer = database.way(stack).in_host(["pgbackrest", f"--stanza={stanza}", *arguments], seconds=BACKUP_SECONDS)
    if answer.returncode:
        words = " ".join((answer.stdout + answer.stderr).split())
        raise LocalError(f"pgbackrest {arguments[0]}: {words or f'exit {answer.returncode}'}")
    return answer.stdout
