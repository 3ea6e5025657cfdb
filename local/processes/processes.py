"""Processes of a local stack, told apart from others that get the same number later."""

import contextlib
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from psutil import Process

from local.common.errors import LocalError

# In the environment of every process of a stack: its state folder, and the part it belongs to.
STACK = "HYBRID_STACK"
PART = "HYBRID_PART"


@dataclass(frozen=True)
class Identity:
    """A process number and when it started: boot, and clock ticks since (a wall clock can be set back)."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The process's identity; None when it does not exist, or has ended and its parent has not noticed yet."""
        try:
            text = Path(f"/proc/{pid}/stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # After the name, which may hold blanks and brackets: field 3 is the state, field 22 the start (proc(5)).
        fields = text.rpartition(b")")[2].split()
        if fields[0] in (b"Z", b"X"):
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return cls(pid, f"{boot}:{int(fields[19])}")

    @property
    def is_alive(self) -> bool:
        return Identity.of(self.pid) == self


def tree(pid: int) -> list[Process]:
    """The process and all its descendants; empty when it is gone."""
    try:
        top = Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def suspended(processes: Iterable[Process]) -> list[Process]:
    """Those that a signal has stopped."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_STOPPED:
                found.append(process)
    return found


def marked(stack: Path, part: str | None = None) -> list[Process]:
    """Processes of a stack, or of one of its parts, whoever their parent is by now.

    One that runs as another user, or has overwritten its environment (a PostgreSQL backend), is not seen.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if environment.get(STACK) == str(stack) and part in (None, environment.get(PART)):
                found.append(process)
    return found


def end(processes: Iterable[Process], seconds: float = 5) -> list[Process]:
    """Ask the processes to end, then make them; returns those that are still there."""
    left = _alive(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        deadline = time.monotonic() + seconds
        while (left := _alive(left)) and time.monotonic() < deadline:
            time.sleep(0.01)
    return left


def end_all(processes: Iterable[Process]) -> None:
    """As `end`; LocalError names those that are still there."""
    left = end(processes)
    if left:
        raise LocalError(f"processes {', '.join(str(process.pid) for process in left)}: can't be ended")


def _alive(processes: Iterable[Process]) -> list[Process]:
    """Running processes, not those whose parent is slow to notice their end: psutil would wait for the parent."""
    return [process for process in processes if process.is_running() and Identity.of(process.pid)]


def outer_pids(parent: int) -> dict[int, int]:
    """Number inside the innermost PID namespace → number here, of the direct children of a process."""
    try:
        children = Process(parent).children()
    except psutil.Error:
        return {}
    return {inner: child.pid for child in children if (inner := _inner_pid(child.pid)) is not None}


def has_unstarted(parent: int, starter: Path) -> bool:
    """Whether a child is still a copy of its parent, or the starter that becomes the child's own program."""
    try:
        process = Process(parent)
        own = process.cmdline()
        return any(_is_unstarted(child, own, str(starter)) for child in process.children())
    except psutil.Error:
        return False


def _is_unstarted(process: Process, parent: list[str], starter: str) -> bool:
    command = _command(process)
    # Between two programs a process has no command line, and no environment either.
    is_between = not command and process.status() != psutil.STATUS_ZOMBIE
    return is_between or command == parent or starter in command


def memory_bytes(processes: Sequence[Process]) -> int:
    """Memory held, with what is shared split evenly among its users; where that can't be read, resident memory."""
    return sum(map(_memory, processes))


def cpu_seconds(processes: Sequence[Process]) -> float:
    return round(sum(map(_cpu, processes)), 2)


def _inner_pid(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return None
    # One number for each namespace that the process is in, outermost first (proc(5)).
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), None)


def _command(process: Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _memory(process: Process) -> int:
    with contextlib.suppress(psutil.Error, OSError):
        try:
            return int(process.memory_full_info().pss)
        except psutil.AccessDenied:
            return int(process.memory_info().rss)
    return 0


def _cpu(process: Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
