"""On which timeline a server ended, and whether another one began a later one."""

import json

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.facts import FactBase

from host import layout
from host.serving import MARK

QUERY = f"""
SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
WHERE datname = current_database() AND setrole = 0 AND '{MARK}' = ANY (setconfig) AND NOT pg_is_in_recovery()
"""
READABLE = (0, 2)
"""pgBackRest's codes for a stanza that it could read: with backups, and with none (command/info/info.c)."""
NOT_FOUND = "1"
"""How archive-get ends when the archive does not have the file; other faults have other codes."""
FETCHED = f"{layout.SOCKETS}/later.history"


class EndedTimeline(FactBase[int | None]):
    """The timeline of a server that said its last word; None of any other, and of one that does not run."""

    def command(self, psql: str) -> StringCommand:
        return StringCommand(psql, "--command", QuoteString(QUERY), "2>/dev/null", "||", "true")

    def process(self, output: list[str]) -> int | None:
        return int(output[0]) if output and output[0].strip() else None


class HasLaterTimeline(FactBase[bool | None]):
    """Whether the repository's archive holds anything of a later timeline; None when it can't be read."""

    def command(self, stanza: str, timeline: int) -> str:
        self.timeline = timeline
        pgbackrest = f"{layout.AS_OWNER} pgbackrest --stanza={stanza}"
        # The history comes at once at a promotion, the log only when a segment of it is full.
        history = f"{pgbackrest} archive-get {timeline + 1:08X}.history {FETCHED} >/dev/null 2>&1"
        return f"{history}; echo $?; rm -f {FETCHED}; {pgbackrest} --output=json info 2>/dev/null || true"

    def process(self, output: list[str]) -> bool | None:
        try:
            (stanza,) = json.loads("\n".join(output[1:]))
            is_read = stanza["status"]["code"] in READABLE and output[0] in ("0", NOT_FOUND)
            newest = max((int(part["max"][:8], 16) for part in stanza["archive"] if part["max"]), default=0)
        except (ValueError, KeyError):
            return None
        return (output[0] == "0" or newest > self.timeline) if is_read else None
