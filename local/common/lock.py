"""One command at a time changes a local stack."""

import fcntl
import json
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import FileIO
from pathlib import Path

from local.common.errors import LocalError
from local.common.state import State


@contextmanager
def hold(state: State) -> Iterator[None]:
    """Hold the stack of a prepared state folder; LocalError when another command does.

    The kernel lets go when the holder dies, however it dies.
    """
    with _open(state.lock_file) as file:
        file.truncate(0)
        file.write(_describe_self().encode())
        yield


def _open(path: Path) -> FileIO:
    while True:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with file:
                raise LocalError(f"{path.parent}: in use by {_holder(file.read())}") from error
        if _is_at(path, file):
            return file
        file.close()


def _is_at(path: Path, file: FileIO) -> bool:
    """False when the file was deleted, with its folder, between opening and locking it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _describe_self() -> str:
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    return json.dumps({"pid": os.getpid(), "command": _command(), "since": since})


def _command() -> str:
    """As it was typed: the launcher runs a module of it."""
    program, *words = sys.argv
    return shlex.join(["./hybrid" if program.endswith("scripts/__main__.py") else program, *words])


def _holder(text: bytes) -> str:
    """Who wrote the lock file; it is empty for a moment after the holder got it."""
    try:
        held = json.loads(text)
        return f"`{held['command']}` (process {held['pid']}, since {held['since']}); wait for it, or end it"
    except (ValueError, KeyError, TypeError):
        return "another command; wait for it"
