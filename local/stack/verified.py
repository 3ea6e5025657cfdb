"""The mark of a stack that was verified and has not changed since: `up --verify` need not do it again.

A mark names the code that verified and the stack as it was then. Commands that change the stack, or let somebody change
it, give it another name, before they begin and when they have ended.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from local.common.state import State
from plan.inputs import Inputs
from plan.project import ROOT

# What realises and verifies; of what is realised, `up` knows whether it changed.
CODE = ("durable/", "local/", "host/", "plan/", "components/", "requirements.lock", "package-lock.json")


def current(state: State) -> list[str]:
    """Names of the code, and of the stack as it is; to be asked before what is to be marked begins."""
    return _named(_renamings(state))


def is_marked(state: State) -> bool:
    return _mark(state) == current(state)


def mark(state: State, verified: list[str]) -> None:
    """Marks what `current` named as verified; where the stack has changed meanwhile, the mark no longer matches."""
    state.write_json(state.verified, verified)


def forget(state: State) -> str:
    """Invalidates the mark before something changes the stack, even for a command that is killed or verifies meanwhile.

    Returns what was added, for a name is made of all renamings: none is lost, whoever else renames it at this moment.
    """
    renaming = f"{secrets.token_hex(8)}\n"
    if state.exists:
        file = os.open(state.name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, renaming.encode())
        except OSError:
            # On a full disk, on which somebody may want to remove rows: nothing is marked either.
            state.verified.unlink(missing_ok=True)
        finally:
            os.close(file)
    return renaming


def taken_over(state: State) -> list[str] | None:
    """Gives it another name; what to mark where it was verified and only the caller changes it; None where it was not.

    To be marked when the caller has changed nothing.
    """
    before = _renamings(state)
    was_marked = _mark(state) == _named(before)
    after = before + forget(state)
    return _named(after) if was_marked else None


@contextmanager
def changing(state: State) -> Iterator[None]:
    """Around what changes the stack, or may: who verifies while it goes on has not seen how it ends."""
    forget(state)
    try:
        yield
    finally:
        forget(state)


def _mark(state: State) -> object:
    try:
        return json.loads(state.verified.read_text())
    except (OSError, ValueError):
        return None


def _named(renamings: str) -> list[str]:
    return [Inputs(ROOT, ((ROOT, CODE),)).hash, hashlib.sha256(renamings.encode()).hexdigest()]


def _renamings(state: State) -> str:
    try:
        return state.name.read_text()
    except FileNotFoundError:
        return ""
