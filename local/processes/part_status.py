"""What a part is doing."""

import re
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from local.processes import processes


class PartState(StrEnum):
    """Whether a part's process is there; not whether it serves anyone."""

    STARTING = "starting"
    RUNNING = "running"
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
    """In our own PID namespace."""
    uptime_seconds: int | None = None
    exit_code: int | None = None
    """As subprocess has it: the negative number of the signal that ended it."""
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    """With all its descendants; shared memory is counted once."""

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
    """From supervisord's getProcessInfo, which has -1 for any signal; its log's lines, oldest first, name it."""
    code = int(info["exitstatus"])
    if code >= 0:
        return code
    told = [match for line in daemon_log if (match := ENDED.search(line)) and match["part"] == info["name"]]
    return -signal.Signals[told[-1]["signal"]] if told else code


def read(
    info: Mapping[str, Any], log: Path, outer_pids: Mapping[int, int], daemon_log: Iterable[str] = ()
) -> PartStatus:
    """From supervisord's getProcessInfo, and its log for what that does not say."""
    state = STATES.get(info["statename"], PartState.EXITED)
    pid = outer_pids.get(info["pid"]) if info["pid"] else None
    tree = processes.tree(pid) if pid else []
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
