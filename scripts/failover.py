"""`./hybrid failover`: the package failover/, with the local stack where no file of ids is named."""

from pathlib import Path

from failover.application import application
from failover.commands import Surroundings

TOKEN = "failover.token"


def _ids() -> Path:
    """Of the local stack, whether it is there or not."""
    from local.state import State
    from plan.project import ROOT

    return State.of(ROOT).folder / "failover.json"


def _local_ids() -> Path | None:
    return _ids() if _ids().exists() else None


app = application(
    Surroundings(ids=_local_ids, token_file=lambda: _ids().with_name(TOKEN), is_local=True), name="hybrid"
)
