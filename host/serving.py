"""Which of two hosts serves: the last word of the one that did, for which its standby waits."""

from collections.abc import Iterator

from host.change import Change
from host.facts.database_state import State
from host.layout import PROMOTE_WITHOUT_MARK, SERVE_WITHOUT_LATER_ROWS
from host.specification.model import Postgres

MARK = "hybrid.serving=ended"
"""A setting of the database. It comes to a standby in the log, after the last row that was written."""


def last_words(postgres: Postgres, state: State) -> Iterator[Change]:
    """Of a server that serves no longer, once no client is there and none can come."""
    is_due = state.is_fenced and MARK not in state.settings
    mark = ("SET TRANSACTION READ WRITE;", f"ALTER DATABASE \"{postgres.database}\" SET hybrid.serving = 'ended';")
    yield Change("last word", mark if is_due else ())
    # After the mark's own transaction, so that it is in what is archived now.
    yield Change("last of the log", ("SELECT pg_switch_wal();",) if is_due else ())


def taken_back(postgres: Postgres, state: State) -> Change:
    """Of a server that serves (again)."""
    is_due = MARK in state.settings
    return Change("serving", (f'ALTER DATABASE "{postgres.database}" RESET hybrid.serving;',) if is_due else ())


def return_fault(*, has_later: bool | None) -> str | None:
    """Why a server that said its last word may not serve again: another one has served since, or may have."""
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


def promotion_fault(state: State, *, is_forced: bool) -> str | None:
    """Why a standby may not begin to serve yet."""
    if MARK in state.settings or is_forced:
        return None
    return (
        "the host that served before has not said its last word in the archived log: apply is_serving false to that"
        " host, then apply this one again (within a minute). If that host is lost, and its last minute with it, here:"
        f" touch {PROMOTE_WITHOUT_MARK}"
    )
