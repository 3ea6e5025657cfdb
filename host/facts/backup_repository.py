"""What pgBackRest finds of a cluster's backups in its repository."""

import json
from dataclasses import dataclass

from pyinfra.api.facts import FactBase

from host import layout

# pgBackRest's codes for a stanza of which it finds no folder, or no data (command/info/info.c).
MISSING = (1, 3)


@dataclass(frozen=True)
class RepositoryState:
    has_stanza: bool
    backups: int
    """Those that can be restored."""


class BackupRepository(FactBase[RepositoryState]):
    """Read as PostgreSQL's own user; fails where the repository does not answer."""

    def command(self, stanza: str) -> str:
        return f"{layout.AS_OWNER} pgbackrest --stanza={stanza} --output=json info"

    def process(self, output: list[str]) -> RepositoryState:
        (found,) = json.loads("\n".join(output)) or [{"status": {"code": MISSING[0]}, "backup": []}]
        return RepositoryState(
            has_stanza=found["status"]["code"] not in MISSING,
            backups=sum(not backup.get("error") for backup in found["backup"]),
        )
