"""One act that makes or moves a cluster at a time."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from host.recovery.contract import written
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine, utc_now

NAME = ".hybrid-recovery.lock"
GLANCE_SECONDS = 0.5
"""Who only looks whether an act runs, see `running`, holds the lock for far less."""
PROBE_SECONDS = 0.02


class BusyError(RecoveryError):
    """Another act runs."""


@contextmanager
def alone(machine: Machine, act: str) -> Iterator[None]:
    """Raises BusyError where another act runs. The kernel drops the lock with its process."""
    path = machine.path(machine.clusters / NAME)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        if not _is_had(lock):
            raise BusyError(f"{act}: {_holder(lock.read())}; wait until it has ended")
        lock.truncate()
        lock.write(json.dumps({"act": act, "pid": os.getpid(), "since": written(utc_now())}))
        lock.flush()
        yield


def _is_had(lock: IO[str]) -> bool:
    end = time.monotonic() + GLANCE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(PROBE_SECONDS)


def running(machine: Machine) -> str | None:
    """What another process does now, in words."""
    try:
        with machine.path(machine.clusters / NAME).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _holder(lock.read())
    except FileNotFoundError:
        pass
    return None


def _holder(text: str) -> str:
    try:
        held = json.loads(text)
    except ValueError:
        return "another act is running"
    return f"{held['act']} (process {held['pid']}) has been running since {held['since']}"
