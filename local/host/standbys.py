"""The standbys of a stack: other stacks, each with its own state folder, that follow its log."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from host.common.layout import SOCKETS, programs
from host.recovery.contract import Position, PositionRequest
from host.recovery.following import unfollowed
from local.common.errors import LocalError
from local.common.ports import FIRST, Ports
from local.common.state import State
from local.host import backups, serving
from local.host.database import runtime
from local.host.spec import MAJOR, running
from local.processes.stack import Progress, Stack, remembered_port

FOLLOW_SECONDS = 60
SERVES = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"


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
        progress(f"checking that {standby.state.folder} is in sync")
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


def _fault(first: Stack, standby: Stack) -> str:
    if not serves(first):
        # Nobody is served, and nothing is written that the standby could lack.
        return ""
    if not follows(standby):
        return "does not answer; start it first"
    return unfollowed(partial(_position, first), partial(_position, standby), "this stack", FOLLOW_SECONDS)


def _position(stack: Stack, request: PositionRequest) -> Position:
    return Position.model_validate(backups.asked(stack, request))


def _asked(stack: Stack, query: str) -> str:
    """Empty where there is no answer."""
    try:
        postgres = running(stack).postgres
        psql = [f"{programs(MAJOR)}/psql", "-XAtq", "-h", SOCKETS, "-p", str(postgres.port)]
        answer = runtime(stack).in_host([*psql, "-d", postgres.database, f"--command={query}"])
    except LocalError:
        return ""
    return answer.stdout.strip() if not answer.returncode else ""


def _announced(state: State) -> list[str]:
    found: list[str] = state.read_json(_path(state), can_be_remade=True) or []
    return found


def _path(state: State) -> Path:
    return state.folder / "standbys.json"
