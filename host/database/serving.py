"""Which of two hosts serves: the one that did writes a demotion mark, and its standby waits for it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.facts import FactBase

from host.common import layout
from host.common.layout import PROMOTE_WITHOUT_ARCHIVE, PROMOTE_WITHOUT_MARK, SERVE_WITHOUT_LATER_ROWS
from host.database import tuning
from host.database.state import Change, State
from host.specification.model import Postgres

MARK = f"{layout.SERVING}=ended"
"""A setting of the database. It comes to a standby in the log, after the last row that was written."""
TIMELINE = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int"
ENDED_QUERY = f"""
SELECT {TIMELINE}
FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
WHERE datname = current_database() AND setrole = 0 AND '{MARK}' = ANY (setconfig) AND NOT pg_is_in_recovery()
"""
OPEN_QUERY = f"""
SELECT {TIMELINE} WHERE NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'
"""
RECOVERY_QUERY = """
SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() ELSE 'ended' END, '|',
    coalesce(pg_last_wal_replay_lsn()::text, 'its beginning'), '|',
    coalesce(date_trunc('second', pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC') || ' UTC', 'unknown'), '|',
    (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name LIKE 'max%')
"""
RECOVERY = re.compile(r"([a-z ]+)\|\|\|(.*)\|\|\|(.*)\|\|\|(\{.*\})")
REPLAYED = re.compile(r"Minimum recovery ending location: +(\S+)")
"""Of pg_controldata."""
PROMOTION_SECONDS = 300
STORE_SECONDS = 20
"""How long a store may be away before it is said that a promotion waits for it."""
READABLE = (0, 2)
"""pgBackRest's codes for a stanza that it could read: with backups, and with none (command/info/info.c)."""
NOT_FOUND = "1"
"""How archive-get ends when the archive does not have the file; other faults have other codes."""
OF_TIMELINE = re.compile(r"([0-9A-F]{8})(?:[0-9A-F]{8}|\.history)")
FETCHED = f"{layout.SOCKETS}/later.history"


def demotion_mark(postgres: Postgres, state: State) -> Iterator[Change]:
    """The mark that a server writes when it no longer serves, once no client is connected and none can connect."""
    is_due = state.is_fenced and MARK not in state.settings
    mark = ("SET TRANSACTION READ WRITE;", f"ALTER DATABASE \"{postgres.database}\" SET {layout.SERVING} = 'ended';")
    yield Change("demotion mark", mark if is_due else ())
    # After the mark's own transaction, so that it is in what is archived now.
    yield Change("last of the log", ("SELECT pg_switch_wal();",) if is_due else ())


def taken_back(postgres: Postgres, state: State) -> Change:
    """Removes the mark from a server that serves (again)."""
    is_due = MARK in state.settings
    return Change("serving", (f'ALTER DATABASE "{postgres.database}" RESET {layout.SERVING};',) if is_due else ())


def return_fault(*, has_later: bool | None, later_major: str | None = None) -> str | None:
    """Why a server with a demotion mark may not serve again: another one has served since, or may have.

    `later_major` names the cluster of a later major version that did.
    """
    if later_major:
        return (
            f"another host serves since, of a later major version, whose log is archived as {later_major}, and this one"
            " has no row that was written there: let that host serve. If nothing was written to it yet, or its rows may"
            f" be lost, here: touch {SERVE_WITHOUT_LATER_ROWS}"
        )
    if has_later is False:
        return None
    reason = (
        "the backup repository can't be read, which would show whether another host was promoted since"
        if has_later is None
        else "another host was promoted since, and this one has none of the rows that were written there"
    )
    return (
        f"{reason}: let that host serve; or take this one away and add a new one with origin backup, which follows"
        f" that host and can serve in its place. If its rows may be lost, here: touch {SERVE_WITHOUT_LATER_ROWS}"
    )


UNKNOWN_TIMELINES = (
    "the backup repository can't be read: a host that serves again begins a timeline, and its number has to be above"
    " all that are archived; apply again once the store answers"
)


def unfollowed_fault(timeline: int) -> str:
    """Why a host does not stop serving yet."""
    return (
        f"no standby was seen in sync on timeline {timeline} in the last hour (after a restore in place none is), so"
        " this host keeps serving. `./hybrid db standby --stack STACK` asks for it, and then apply again. Where it"
        f" is known otherwise, here: echo {timeline} >{layout.STANDBY_FOLLOWS}"
    )


def promotion_fault(state: State, *, is_forced: bool) -> str | None:
    """Why a standby may not begin to serve yet."""
    if MARK in state.settings or is_forced:
        return None
    return (
        "the archived log has no demotion mark of the host that served before: have that one stop serving (of a local"
        " stack: `./hybrid local up --stop-serving`; in the cloud: `postgresServing` with this one's name),"
        " then apply this one again (within a minute). If that host is lost, and its last minute with it, here:"
        f" touch {PROMOTE_WITHOUT_MARK}"
    )


class ArchivedTimelines(FactBase[list[int] | None]):
    """Timelines of which the repository's archive holds anything; None when it can't be read."""

    def command(self, stanza: str) -> str:
        listed = f"{layout.AS_OWNER} pgbackrest --stanza={stanza} repo-ls archive/{stanza}"
        # One folder for each cluster that was ever archived there, with a folder for each 4 GB of a timeline's log.
        each = f"for one in $found; do case $one in *-*) {listed}/$one || echo unread ;; esac; done"
        return f"if found=$({listed}); then {each}; else echo unread; fi"

    @staticmethod
    def default() -> list[int]:
        """Of no output, as of a repository that was made anew: pyinfra would take that for an unknown value."""
        return []

    def process(self, output: list[str]) -> list[int] | None:
        names = [name for line in output if (name := OF_TIMELINE.fullmatch(line.strip()))]
        return None if "unread" in output else sorted({int(name[1], 16) for name in names})


@dataclass(frozen=True)
class Recovering:
    state: str
    """`paused`, `ended`, or anything else while it goes on."""
    lsn: str
    """Up to where the log is replayed."""
    committed_at: str
    """When the last transaction of these was committed."""
    lower: tuple[str, ...]
    """Settings that are lower than the log was written with, for which a recovery pauses."""


class Recovery(FactBase[Recovering]):
    """How far a server that recovers has come."""

    def command(self, psql: str, control_data: str, data: str) -> StringCommand:
        control = f"LC_ALL=C {control_data} -D {data} 2>/dev/null"
        return StringCommand(psql, "--command", QuoteString(RECOVERY_QUERY), "2>&1;", control, "||", "true")

    def process(self, output: list[str]) -> Recovering:
        found = next((one for line in output if (one := RECOVERY.fullmatch(line))), None)
        if not found:
            lsn = next((one[1] for line in output if (one := REPLAYED.match(line))), "its beginning")
            return Recovering("silent", lsn, "unknown", ())
        own, needed = json.loads(found[4]), tuning.minimums(output)
        lower = tuple(
            f"{name} = {own[name]} is a lower setting than on the primary server, where its value was {value}"
            for name, value in needed.items()
            if int(own.get(name, value)) < value
        )
        return Recovering(found[1], found[2], found[3], lower)


def away_reason(endpoint: str) -> str:
    return f"the store {endpoint} of the archive does not answer, and what is archived there must not be left out"


def unfollowed_archive_fault(found: Recovering, reason: str) -> str:
    """Why a standby is not even restarted to serve."""
    return f"{reason}: the standby follows on as it is; apply again once that is mended. {_given_up(found)}"


def _given_up(found: Recovering) -> str:
    last = f"{found.lsn} (last commit: {found.committed_at})"
    return (
        f"If that is lost for good, and with it all that was committed after {last}, and no other host serves, here:"
        f" echo {found.lsn} >{PROMOTE_WITHOUT_ARCHIVE} and apply again"
    )


def promotion_wait_fault(found: Recovering, endpoint: str, *, away: float, seconds: float) -> str | None:
    """Why it makes no sense to wait longer for a promotion; `away`: how long the store has not answered by then."""
    if found.state == "paused":
        # PostgreSQL's own words (access/transam/xlogrecovery.c, RecoveryRequiresIntParameter).
        return (
            "PostgreSQL: promotion is not possible because of insufficient parameter settings:"
            f" {'; '.join(found.lower) or 'its log names them'}. Apply again: it is restarted with what it needs"
        )
    if away > STORE_SECONDS:
        return (
            f"waits for the archive, whose store {endpoint} has not answered for {away:.0f} s: nothing that is archived"
            f" after {found.lsn} is left out. It goes on by itself as soon as the store answers; apply again then."
            f" {_given_up(found)}"
        )
    if seconds > PROMOTION_SECONDS:
        return f"has not ended within {PROMOTION_SECONDS} s; the log is replayed up to {found.lsn}. Apply again"
    return None


class EndedTimeline(FactBase[int | None]):
    """The timeline of a server with a demotion mark; None of any other, and of one that does not run."""

    query = ENDED_QUERY

    def command(self, psql: str) -> StringCommand:
        return StringCommand(psql, "--command", QuoteString(self.query), "2>/dev/null", "||", "true")

    def process(self, output: list[str]) -> int | None:
        return int(output[0]) if output and output[0].strip() else None


class OpenTimeline(EndedTimeline):
    """The timeline of a server that clients may write to; None of any other, and of one that does not run."""

    query = OPEN_QUERY


class FollowedTimeline(FactBase[int | None]):
    """The timeline on which a standby was seen to follow within the hour."""

    def command(self) -> str:
        return f"find {layout.STANDBY_FOLLOWS} -mmin -60 -exec cat {{}} + 2>/dev/null || true"

    def process(self, output: list[str]) -> int | None:
        return int(output[0]) if output and output[0].strip().isdigit() else None


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
