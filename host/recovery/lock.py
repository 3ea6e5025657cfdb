"""One act that makes or moves a cluster at a time."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from durable import lock
from host.recovery.contract import written
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine, utc_now

NAME = ".hybrid-recovery.lock"
IN_PLACE = "restore in place"
"""The act of what stops main: no backup begins meanwhile."""


class BusyError(RecoveryError):
    """Another act runs."""


def alone(machine: Machine, act: str) -> AbstractContextManager[None]:
    """Raises BusyError where another act runs."""
    note = {"act": act, "pid": os.getpid(), "since": written(utc_now())}
    return lock.hold(
        machine.path(machine.clusters / NAME),
        note,
        error=lambda held: BusyError(f"{act}: {_holder(held)}; wait until it has ended"),
    )


def running(machine: Machine) -> str | None:
    """Description of what another process does now."""
    note = lock.holder(machine.path(machine.clusters / NAME))
    return None if note is None else _holder(note)


def _holder(note: Mapping[str, Any]) -> str:
    try:
        return f"{note['act']} (process {note['pid']}) has been running since {note['since']}"
    except KeyError:
        return "another act is running"
