"""The standbys of a stack: other stacks, each with its own state folder, that follow its log."""

import time
from collections.abc import Iterator
from pathlib import Path

from host.common.layout import SOCKETS
from local.common.errors import LocalError
from local.common.ports import FIRST, Ports
from local.common.state import State
from local.host import serving
from local.host.database import runtime
from local.host.spec import MAJOR, running
from local.processes.stack import Progress, Stack, remembered_port

FOLLOW_SECONDS = 60
# One after the other: a switch within the same transaction would come before its commit.
MARK = (
    "SELECT monitoring.mark()",
    "SELECT pg_switch_wal()",
    "SELECT extract(epoch FROM max(written_at)) FROM monitoring.marker",
)
SERVES = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
AHEAD = "SELECT pg_last_wal_replay_lsn() > '{lsn}'"
MARKED = "SELECT count(*) FROM monitoring.marker WHERE extract(epoch FROM written_at) = {at}"


def announce(first: State, standby: State) -> None:
    """Have a stack know of one that follows it."""
    known = _announced(first)
    if str(standby.folder) not in known:
        first.write_json(_path(first), [*known, str(standby.folder)])


def ensure_following(stack: Stack, progress: Progress) -> list[Path]:
    """The standbys' folders. Raises LocalError where one does not have what this stack has just written.

    Asked before this stack lets nobody in any more. After a restore in place it has begun another timeline, which a
    standby that has replayed more of the old one can never follow.
    """
    found = list(_standbys(stack))
    for standby in found:
        progress(f"seeing whether {standby.state.folder} follows")
        if fault := _fault(stack, standby):
            raise LocalError(
                f"standby {standby.state.folder}: {fault}. This stack serves on. To make the standby again:"
                f" `HYBRID_STATE={standby.state.folder} ./hybrid local up --standby-of {stack.state.folder} --rebuild`;"
                f" without one: `HYBRID_STATE={standby.state.folder} ./hybrid local down --remove`"
            )
    return [standby.state.folder for standby in found]


def _standbys(stack: Stack) -> Iterator[Stack]:
    for folder in _announced(stack.state):
        state = State(Path(folder))
        known = serving.read(state) if state.exists else None
        if known and known.standby_of == str(stack.state.folder) and state.has_database:
            found = Stack(project=stack.project, state=state, ports=Ports(remembered_port(state) or FIRST))
            # That it is to serve does not say that it was promoted: it may have been refused.
            if not known.is_serving or follows(found):
                yield found


def follows(stack: Stack) -> bool:
    """Whether its server runs, and is a standby."""
    return _asked(stack, "SELECT pg_is_in_recovery()") == "t"


def serves(stack: Stack) -> bool:
    """Whether its server runs, and lets clients write."""
    return _asked(stack, SERVES) == "t"


def _fault(first: Stack, standby: Stack) -> str | None:
    lsn = _asked(first, "SELECT pg_current_wal_lsn()")
    if not lsn:
        # Nobody is served, and nothing is written that the standby could lack.
        return None
    is_ahead = _asked(standby, AHEAD.format(lsn=lsn))
    if not is_ahead:
        return "does not answer; start it first"
    if is_ahead == "t":
        return f"has replayed more than this stack has written ({lsn}): it follows another timeline"
    at = _asked(first, *MARK)
    end = time.monotonic() + FOLLOW_SECONDS
    while _asked(standby, MARKED.format(at=at)) != "1":
        if time.monotonic() > end:
            return f"lacks what this stack wrote {FOLLOW_SECONDS} s ago: it does not follow, or the archive is away"
        time.sleep(0.2)
    return None


def _asked(stack: Stack, *queries: str) -> str:
    """The last line of the answer, empty where there is none."""
    try:
        postgres = running(stack).postgres
        psql = [f"/usr/lib/postgresql/{MAJOR}/bin/psql", "-XAtq", "-h", SOCKETS, "-p", str(postgres.port)]
        answer = runtime(stack).in_host([*psql, "-d", postgres.database, *(f"--command={query}" for query in queries)])
    except LocalError:
        return ""
    lines = answer.stdout.split()
    return lines[-1] if lines and not answer.returncode else ""


def _announced(state: State) -> list[str]:
    found: list[str] = state.read_json(_path(state), can_be_remade=True) or []
    return found


def _path(state: State) -> Path:
    return state.folder / "standbys.json"
