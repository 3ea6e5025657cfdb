"""One operation at a time, on this machine and between machines.

On this machine it is a lock of the kernel on a file: it goes with its process. Between machines it is a TXT record
for each host, `_failover-lock.HOST`, always with the same content: Cloudflare refuses a second record of the same name,
type and content (error 81058), so of two who make it at once one is refused. That the refusal is atomic is what the
error promises and no document does. Its comment says who holds it, since when and how long, by the API's clock. A token
without the scope for DNS leaves no such record, and is not held up by one either: then it is each operator's word.
"""

import contextlib
import fcntl
import getpass
import json
import math
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from failover.common.errors import FailoverError

# Twice the usual budget: who has not come to an end by then never will. Locks that say no time of their own, too.
LEAST_SECONDS = 600
# After its budget an operation may still give its lock back and make its last try.
AFTER_BUDGET_SECONDS = 60
RECORD_PREFIX = "_failover-lock."
RECORD_CONTENT = '"held while a failover runs"'
# Comments have 100 letters on the Free plan (Cloudflare, DNS record attributes).
LONGEST_COMMENT = 100
COMMENT = re.compile(
    r"operation (?P<operation>[0-9a-f]{8}) since (?P<at>[0-9T:-]+Z)( for (?P<seconds>\d{1,6}) s)? by (?P<who>.*)"
)
# Seconds between tries.
MOMENTS = (0.01, 0.02, 0.05, 0.1)
COMMENT_TIME = "%Y-%m-%dT%H:%M:%SZ"


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
class Held:
    """A lock between machines, as its record says."""

    record_id: str
    name: str
    operation: str
    at: datetime | None
    who: str
    until: datetime | None = None
    """Its operation is over by then, in whichever way."""

    def is_stale(self, now: datetime) -> bool:
        """Also when it does not say since when: no operation leaves it so."""
        return self.until is None or now > self.until

    def __str__(self) -> str:
        since = f" since {self.at:%H:%M:%S} UTC, until {self.until:%H:%M:%S} at most" if self.at and self.until else ""
        return f"operation {self.operation or 'unknown'} of {self.who or 'somebody'}{since}"


def held(record_id: str, name: str, comment: str) -> Held:
    found = COMMENT.fullmatch(comment)
    at = None
    if found:
        with contextlib.suppress(ValueError):
            at = datetime.strptime(found["at"], COMMENT_TIME).replace(tzinfo=UTC)
    return Held(
        record_id=record_id,
        name=name,
        operation=found["operation"] if found else "",
        at=at,
        who=found["who"] if found else "",
        until=at + timedelta(seconds=int(found["seconds"] or LEAST_SECONDS)) if found and at else None,
    )


def held_seconds(budget_seconds: float) -> int:
    """How long the lock of an operation with this budget holds."""
    return max(LEAST_SECONDS, math.ceil(budget_seconds) + AFTER_BUDGET_SECONDS)


def lock_comment(operation: str, now: datetime, who: str, seconds: int = LEAST_SECONDS) -> str:
    """`seconds`: another machine takes the lock over after them."""
    text = f"operation {operation} since {now.astimezone(UTC).strftime(COMMENT_TIME)} for {seconds} s by "
    return text + re.sub(r"[^A-Za-z0-9@._-]", "", who)[: LONGEST_COMMENT - len(text)]


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
    """Who only looks whether it is held (`holder`) holds it for a moment: that passes."""
    for pause in (*MOMENTS, 0.0):
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
    # The kernel is asked only where somebody may be at it: for that the lock has to be taken for a moment.
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
