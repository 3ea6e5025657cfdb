"""The mark of a stack that was verified and has not changed since: `up --verify` need not do it again."""

from local.state import State
from plan.inputs import Inputs
from plan.project import ROOT

# What realises and verifies; of what is realised, `up` knows whether it changed.
CODE = ("local/", "host/", "plan/", "components/", "requirements.lock")


def take(state: State) -> bool:
    """Whether the mark is there, of this code. It is gone then: whoever is killed while changing something has none."""
    try:
        is_known = state.verified.read_text() == _code()
    except (OSError, ValueError):
        return False
    state.remove(state.verified)
    return is_known


def mark(state: State) -> None:
    state.write(state.verified, _code())


def _code() -> str:
    return Inputs(ROOT, ((ROOT, CODE),)).hash
