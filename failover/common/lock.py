"""One operation at a time on this machine: a lock of the kernel on a file, which goes with its process.

The lock between machines is a record, see failover.cloudflare.api.
"""

import contextlib
import getpass
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import lock
from failover.common.errors import FailoverError


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
        """Whether it runs on this machine, and not on another one that shares the folder."""
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
    """Yields None when the lock is ours, else its holder."""
    own = {"operation": operation, "process": os.getpid(), "who": operator()}
    other = None
    with contextlib.ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock.hold(path, own))
        except lock.HeldError as error:
            other = _holder(error.note)
        except OSError as error:
            raise FailoverError(
                f"{path}: the lock can't be made ({error.strerror}); name a folder with --journal"
            ) from error
        yield other


def holder(path: Path) -> Holder | None:
    """Who holds it now. An operation that begins meanwhile is not blocked."""
    found = _holder(lock.note(path))
    # The kernel is asked only where somebody may hold it: for that the lock has to be taken for a moment.
    if not found.process or (found.is_here and not found.is_alive):
        return None
    try:
        note = lock.holder(path)
    except OSError:
        return None
    return None if note is None else _holder(note)


def _holder(note: Mapping[str, Any]) -> Holder:
    try:
        return Holder(operation=str(note["operation"]), process=int(note["process"]), who=str(note["who"]))
    except (ValueError, KeyError, TypeError):
        return Holder(operation="unknown", process=0, who="somebody")
