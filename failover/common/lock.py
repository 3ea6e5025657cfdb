"""One operation at a time on this machine: a lock of the kernel on a file, which goes with its process.

The lock between machines is a record, see failover.cloudflare.api.
"""

import fcntl
import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from failover.common.errors import FailoverError

# Seconds between tries to take it.
PAUSES = (0.01, 0.02, 0.05, 0.1)


def new_operation() -> str:
    return secrets.token_hex(4)


def operator() -> str:
    """Who runs this, for the evidence: user and machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lock of this machine."""

    operation: str
    process: int
    who: str

    @property
    def is_here(self) -> bool:
        """Not on another machine that shares the folder."""
        return self.who.endswith(f"@{socket.gethostname()}")

    @property
    def is_alive(self) -> bool:
        """Whether a process of this machine has its number."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except OSError:
            # Another user's.
            return True
        return True

    def __str__(self) -> str:
        return f"operation {self.operation} (process {self.process}) of {self.who} on this machine"


@contextmanager
def machine_lock(path: Path, operation: str) -> Iterator[Holder | None]:
    """Yields None when the lock is ours, else its holder. It goes with its process, also when that is killed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise FailoverError(
            f"{path}: the lock can't be made ({error.strerror}); name a folder with --journal"
        ) from error
    try:
        if not _is_taken(handle):
            yield _holder(path)
            return
        os.truncate(handle, 0)
        os.write(handle, json.dumps({"operation": operation, "process": os.getpid(), "who": operator()}).encode())
        try:
            yield None
        finally:
            os.truncate(handle, 0)
    finally:
        os.close(handle)


def _is_taken(handle: int) -> bool:
    """Whether it is ours now. Who only asks whether it is held (`holder`) holds it for a moment: that passes."""
    for pause in (*PAUSES, 0.0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def holder(path: Path) -> Holder | None:
    """Who holds it now. An operation that begins meanwhile is not in its way."""
    found = _holder(path)
    # The kernel is asked only where somebody may hold it: for that the lock has to be taken for a moment.
    if not found.process or (found.is_here and not found.is_alive):
        return None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(path)
    finally:
        os.close(handle)
    return None


def _holder(path: Path) -> Holder:
    try:
        found = json.loads(path.read_bytes())
        return Holder(operation=str(found["operation"]), process=int(found["process"]), who=str(found["who"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder(operation="unknown", process=0, who="somebody")
