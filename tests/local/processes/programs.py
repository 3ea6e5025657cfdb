"""Parts that do little, for tests."""

from collections.abc import Callable
from typing import Any

from local.processes.program import Program
from local.processes.supervisor import Supervisor

SLEEP = ("sleep", "1000")


def sleeper(name: str = "sleeper", **changes: Any) -> Program:
    fields: dict[str, Any] = {"name": name, "command": SLEEP, "stop_seconds": 1}
    return Program(**fields | changes)


def shell(script: str, *arguments: str, name: str = "shell", **changes: Any) -> Program:
    return sleeper(name, command=("sh", "-c", script, name, *arguments), **changes)


def is_ready(supervisor: Supervisor, name: str) -> Callable[[], bool]:
    return lambda: "ready" in supervisor.tail(name)
