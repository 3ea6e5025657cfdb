"""One act that makes or moves a cluster at a time."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from durable import lock
from host.recovery.contract import written
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine, utc_now

NAME = ".hybrid-recovery.lock"


class BusyError(RecoveryError):
    """Another act runs."""


@contextmanager
def alone(machine: Machine, act: str) -> Iterator[None]:
    """Raises BusyError where another act runs."""
    note = {"act": act, "pid": os.getpid(), "since": written(utc_now())}
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock.hold(machine.path(machine.clusters / NAME), note))
        except lock.HeldError as error:
            raise BusyError(f"{act}: {_holder(error.note)}; wait until it has ended") from None
        yield


def running(machine: Machine) -> str | None:
    """What another process does now, in words."""
    note = lock.holder(machine.path(machine.clusters / NAME))
    return None if note is None else _holder(note)


def _holder(note: Mapping[str, Any]) -> str:
    try:
        return f"{note['act']} (process {note['pid']}) has been running since {note['since']}"
    except KeyError:
        return "another act is running"
