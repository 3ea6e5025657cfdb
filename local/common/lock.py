"""One command at a time changes a local stack."""

import os
import shlex
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from durable import lock
from local.common.errors import LocalError
from local.common.state import State


class InUseError(LocalError):
    """Another command holds the stack."""


def hold(state: State) -> AbstractContextManager[None]:
    """Hold the stack of a prepared state folder; InUseError when another command does."""
    return lock.hold(
        state.lock_file, _own_note(), error=lambda held: InUseError(f"{state.folder}: in use by {_holder(held)}")
    )


def holder(state: State) -> str | None:
    """Who holds it now, and what to do; None where nobody does."""
    note = lock.holder(state.lock_file)
    return None if note is None else _holder(note)


def _own_note() -> dict[str, Any]:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"pid": os.getpid(), "command": _command(), "since": since}


def _command() -> str:
    """The command as it was typed: the launcher turns it into a module."""
    program, *arguments = sys.argv
    return shlex.join(["./hybrid" if program.endswith("scripts/__main__.py") else program, *arguments])


def _holder(note: Mapping[str, Any]) -> str:
    try:
        return f"`{note['command']}` (process {note['pid']}, since {note['since']}); wait for it, or end it"
    except KeyError:
        return "another command; wait for it"
