"""One command at a time changes a local stack."""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from durable import lock
from local.common.errors import LocalError
from local.common.state import State


@contextmanager
def hold(state: State) -> Iterator[None]:
    """Hold the stack of a prepared state folder; LocalError when another command does."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.hold(state.lock_file, _own_note()))
        except lock.HeldError as error:
            raise LocalError(f"{state.folder}: in use by {_holder(error.note)}") from error
        yield


def _own_note() -> dict[str, Any]:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return {"pid": os.getpid(), "command": _command(), "since": since}


def _command() -> str:
    """As it was typed: the launcher runs a module of it."""
    program, *words = sys.argv
    return shlex.join(["./hybrid" if program.endswith("scripts/__main__.py") else program, *words])


def _holder(note: Mapping[str, Any]) -> str:
    try:
        return f"`{note['command']}` (process {note['pid']}, since {note['since']}); wait for it, or end it"
    except KeyError:
        return "another command; wait for it"
