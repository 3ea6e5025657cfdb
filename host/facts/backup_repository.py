"""What pgBackRest finds of a cluster's backups in its repository."""

import json

from pyinfra.api.facts import FactBase

from host import layout
from host.repository_state import RepositoryState


class BackupRepository(FactBase[RepositoryState]):
    """Read as PostgreSQL's own user; fails where the repository does not answer."""

    def command(self, stanza: str) -> str:
        info = f"{layout.AS_OWNER} pgbackrest --stanza={stanza} --output=json info"
        # It quotes what it could not decipher, which pyinfra could not read as text.
        return f"found=$({info}) || exit; printf %s \"$found\" | tr -cd '\\12\\40-\\176'"

    def process(self, output: list[str]) -> RepositoryState:
        return RepositoryState.of(json.loads("\n".join(output), strict=False))
