"""`./hybrid failover`: the package failover/, with the local stack where no file of ids is named."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from failover.cli.commands import Surroundings, application

if TYPE_CHECKING:
    from local.common.state import State


def _state() -> "State":
    """State of the local stack, which may not exist."""
    from local.common.state import State
    from plan.project import ROOT

    return State.of(ROOT)


def _ids() -> Path | None:
    """Raises LocalError where the stack is there and stopped: each of its servers would be told not to answer."""
    from local.common.errors import LocalError
    from local.processes.supervisor import Supervisor

    path = _state().failover_ids
    if not path.exists():
        return None
    if not Supervisor(_state()).is_running():
        raise LocalError("the local stack does not run; start it with `./hybrid local up`, or name a file with --ids")
    return path


def _changing() -> AbstractContextManager[None]:
    from local.stack import verified

    return verified.changing(_state())


LOCAL = Surroundings(ids=_ids, token_file=lambda: _state().failover_token, is_local=True, changing=_changing)
app = application(LOCAL, name="hybrid")
