"""`./hybrid failover`: the package failover/, with the local stack where no file of ids is named."""

from pathlib import Path
from typing import TYPE_CHECKING

from failover.application import application
from failover.commands import Surroundings

if TYPE_CHECKING:
    from local.state import State


def _state() -> "State":
    """Of the local stack, whether it is there or not."""
    from local.state import State
    from plan.project import ROOT

    return State.of(ROOT)


def _ids() -> Path | None:
    path = _state().failover_ids
    return path if path.exists() else None


def _forget_verified() -> None:
    from local import verified

    verified.forget(_state())


LOCAL = Surroundings(
    ids=_ids, token_file=lambda: _state().failover_token, is_local=True, before_change=_forget_verified
)
app = application(LOCAL, name="hybrid")
