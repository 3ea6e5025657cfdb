"""One operation at a time: on this machine for certain, between machines as far as Cloudflare's API allows.

The API has no lock and no conditional write. What two operators on two machines both see is the record's comment:
a mark there says who is at it and since when, by the API's clock. Two who read before either has written both go on;
each looks again before it takes its mark away, and says when it finds another's. All changes are whole values, so two
rollbacks at once end as one does.
"""

import fcntl
import getpass
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from failover.errors import FailoverError

# Twice an operation's budget: who has not come to an end by then never will.
STALE_AFTER = timedelta(seconds=600)
# Comments have 100 letters on the Free plan (Cloudflare, DNS record attributes).
LONGEST_COMMENT = 100
MARK = re.compile(r" ?\[failover (?P<operation>[0-9a-f]{8}) (?P<at>\d{8}T\d{6}Z) (?P<who>[^\]]*)\]")
MARK_TIME = "%Y%m%dT%H%M%SZ"


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
class Mark:
    """What a record's comment says about a running operation."""

    operation: str
    at: datetime
    who: str

    def is_stale(self, now: datetime) -> bool:
        return now - self.at > STALE_AFTER

    def __str__(self) -> str:
        return f"operation {self.operation} of {self.who or 'somebody'} since {self.at:%H:%M:%S} UTC"


def mark_of(comment: str) -> Mark | None:
    found = MARK.search(comment)
    if not found:
        return None
    try:
        at = datetime.strptime(found["at"], MARK_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Mark(operation=found["operation"], at=at, who=found["who"])


def without_mark(comment: str) -> str:
    """The comment as it is declared."""
    return MARK.sub("", comment)


def marked(comment: str, operation: str, now: datetime, who: str) -> str | None:
    """The comment with a mark, the name cut to what fits; None where not even the mark does."""
    plain = without_mark(comment)
    head = f"{' ' if plain else ''}[failover {operation} {now.astimezone(UTC).strftime(MARK_TIME)} "
    room = LONGEST_COMMENT - len(plain) - len(head) - 1
    if room < 0:
        return None
    name = re.sub(r"[^A-Za-z0-9@._-]", "", who)[:room]
    return f"{plain}{head}{name}]"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds the lock of this machine."""

    operation: str
    process: int
    who: str

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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield _holder(path)
            return
        os.truncate(handle, 0)
        os.write(handle, json.dumps({"operation": operation, "process": os.getpid(), "who": operator()}).encode())
        yield None
        os.truncate(handle, 0)
    finally:
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """Who holds it now; takes nothing."""
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
