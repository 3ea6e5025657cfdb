"""What a part is doing."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from local import processes


class PartState(StrEnum):
    """Whether a part's process is there; not whether it serves anyone."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    """Not started, or stopped on purpose."""
    EXITED = "exited"
    """Ended by itself, or killed."""


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
    """-1 when a signal ended it."""
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    """With all its descendants; shared memory is counted once."""

    @property
    def is_running(self) -> bool:
        return self.state is PartState.RUNNING


def read(info: Mapping[str, Any], log: Path, outer_pids: Mapping[int, int]) -> PartStatus:
    """From supervisord's getProcessInfo."""
    state = STATES.get(info["statename"], PartState.EXITED)
    pid = outer_pids.get(info["pid"]) if info["pid"] else None
    tree = processes.tree(pid) if pid else []
    return PartStatus(
        name=info["name"],
        state=state,
        log=log,
        pid=pid,
        uptime_seconds=info["now"] - info["start"] if pid else None,
        exit_code=info["exitstatus"] if state is PartState.EXITED else None,
        cpu_seconds=processes.cpu_seconds(tree),
        memory_bytes=processes.memory_bytes(tree),
    )
