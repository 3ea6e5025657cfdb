"""The mark of a stack that was verified and has not changed since: `up --verify` need not do it again.

A mark names the code that verified and the stack as it was then; commands that change the stack give it another name.
"""

import json
import secrets

from local.state import State
from plan.inputs import Inputs
from plan.project import ROOT

# What realises and verifies; of what is realised, `up` knows whether it changed.
CODE = ("local/", "host/", "plan/", "components/", "requirements.lock", "package-lock.json")


def current(state: State) -> list[str]:
    """Names of the code, and of the stack as it is; to be asked before what is to be marked begins."""
    return [Inputs(ROOT, ((ROOT, CODE),)).hash, _name(state)]


def is_marked(state: State) -> bool:
    try:
        return bool(json.loads(state.verified.read_text()) == current(state))
    except (OSError, ValueError):
        return False


def mark(state: State, verified: list[str]) -> None:
    """Of what `current` named; where the stack has changed meanwhile, the mark is of another one."""
    state.write_json(state.verified, verified)


def forget(state: State) -> None:
    """Before something changes the stack: whoever is killed over it, or verifies meanwhile, has marked another."""
    if state.exists:
        state.write(state.name, secrets.token_hex())


def _name(state: State) -> str:
    try:
        return state.name.read_text()
    except FileNotFoundError:
        return ""
