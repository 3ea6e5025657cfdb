"""One program of a local stack, which runs in the foreground, and what it is doing."""

import hashlib
import json
import re
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from local.processes import processes
from local.processes.processes import PART


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that stays in the foreground. A change of any field starts it again."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Added to PATH, HOME and LANG, which are all that parts get of the caller's. May hold secrets."""
    stop_signal: str = "TERM"
    """Sent to the part's own process, which ends its helpers; KILL, which it can't see, to its whole group."""
    stop_seconds: int = 10
    """Seconds after which the kernel ends the part and its process group."""
    contents: tuple[str, ...] = ()
    """Hashes of what the part reads when it starts (`content_hash`)."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            raise ValueError(f"part {self.name!r}: a name is small letters, digits and dashes")
        if not self.command:
            raise ValueError(f"part {self.name}: has no command")

    @property
    def fingerprint(self) -> str:
        facts = [self.command, sorted(self.environment.items()), self.contents]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def specification(self, order: int) -> dict[str, Any]:
        """What `start_part.py` and `SupervisorFiles` read; `order` is the place among the parts."""
        return {
            "name": self.name,
            "order": order,
            "command": self.command,
            "environment": {**self.environment, PART: self.name},
            "stop_signal": self.stop_signal,
            "stop_seconds": self.stop_seconds,
            "fingerprint": self.fingerprint,
        }


def content_hash(*paths: Path) -> str:
    """Hash of files, and of all files in folders, by name and content."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(child for child in path.rglob("*") if child.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(f"{file.relative_to(path.parent)}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


class PartState(StrEnum):
    """Whether a part's process is there; not whether it serves anyone."""

    STARTING = "starting"
    RUNNING = "running"
    SUSPENDED = "suspended"
    """Stopped by a signal, itself or a process of its own, until another one has it go on (SIGSTOP, SIGCONT)."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    """Not started, or stopped on purpose."""
    EXITED = "exited"
    """Ended by itself, or killed."""


# Of a part that ended by itself (supervisor.process, finish).
ENDED = re.compile(r"exited: (?P<part>\S+) \(terminated by (?P<signal>SIG[A-Z0-9]+)")
STATES = {
    "STARTING": PartState.STARTING,
    "RUNNING": PartState.RUNNING,
    "STOPPING": PartState.STOPPING,
    "STOPPED": PartState.STOPPED,
}


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    name: str
    state: PartState
    log: Path
    pid: int | None = None
    """Process id in our own PID namespace."""
    uptime_seconds: int | None = None
    exit_code: int | None = None
    """Exit code as subprocess has it: negative for the signal that ended it."""
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    """Memory of it and all its descendants; shared memory is counted once."""

    @property
    def end(self) -> str | None:
        """How it ended, in words; None where it did not end by itself."""
        return None if self.exit_code is None else ended(self.exit_code)

    @property
    def is_running(self) -> bool:
        return self.state is PartState.RUNNING


def ended(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else f"killed by signal {-exit_code}"


def exit_code(info: Mapping[str, Any], daemon_log: Iterable[str]) -> int:
    """Reads supervisord's getProcessInfo, which has -1 for any signal; its log's lines, oldest first, name it."""
    code = int(info["exitstatus"])
    if code >= 0:
        return code
    told = [match for line in daemon_log if (match := ENDED.search(line)) and match["part"] == info["name"]]
    return -signal.Signals[told[-1]["signal"]] if told else code


def read_status(
    info: Mapping[str, Any], log: Path, outer_pids: Mapping[int, int], daemon_log: Iterable[str] = ()
) -> PartStatus:
    """Reads supervisord's getProcessInfo, and its log for what that does not say."""
    state = STATES.get(info["statename"], PartState.EXITED)
    pid = outer_pids.get(info["pid"]) if info["pid"] else None
    tree = processes.tree(pid) if pid else []
    if state is PartState.RUNNING and processes.suspended(tree):
        state = PartState.SUSPENDED
    return PartStatus(
        name=info["name"],
        state=state,
        log=log,
        pid=pid,
        uptime_seconds=info["now"] - info["start"] if pid else None,
        exit_code=exit_code(info, daemon_log) if state is PartState.EXITED else None,
        cpu_seconds=processes.cpu_seconds(tree),
        memory_bytes=processes.memory_bytes(tree),
    )
