"""Where the database's host runs on this machine: what each such place can do, and the first of them, namespaces."""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from host.common.layout import HYBRID, SOCKETS, programs
from host.common.report import Report, parse
from host.specification import reading
from local.common.errors import LocalError
from local.host import namespace, root_filesystem
from local.host.spec import MAJOR, OBJECTS_CA
from local.processes.program import Program
from local.processes.stack import Progress, Stack, run

APPLY_SECONDS = 180
WITH_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")


class HostRuntime(Protocol):
    """What PostgreSQL and its pooler run in. A stack keeps the one that it was made with, for its data is there."""

    @property
    def is_made(self) -> bool: ...

    @property
    def postgres(self) -> Program: ...

    @property
    def pooler(self) -> Program:
        """The same part as PostgreSQL's where neither runs without the other."""

    @property
    def ready_port(self) -> int:
        """Port whose socket shows, once it listens, that settings can be applied to PostgreSQL."""

    def faults(self) -> list[str]:
        """What this machine lacks for it; [] is fine."""

    def ensure_root(self, progress: Progress) -> bool:
        """Have what the host is started from; whether it had to be made."""

    def launch(self, argv: Sequence[str]) -> list[str]:
        """The command line that starts the stack's supervisor."""

    def prepare(self) -> Report:
        """Have all in place that PostgreSQL's start needs; host/'s report on what changed."""

    def apply(self, stage: str) -> Report:
        """Applies one stage of host/ and returns its report. Raises LocalError that names what failed."""

    def in_host(self, argv: Sequence[str], *, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command on the host as PostgreSQL's own user."""

    def permit(self, path: str) -> None:
        """Make an empty file on the host, by which its owner allows host/ something. Raises LocalError."""

    def terminal(self, argv: Sequence[str], variables: Sequence[str]) -> list[str]:
        """The command line that runs argv so, with the caller's terminal and what these variables are there."""

    def recovery(self) -> list[str]:
        """The command line that runs host.recovery there: its request on stdin, its answer on stdout."""

    def interrupt_recovery(self, pid: int) -> None:
        """Has the engine end that was started as process `pid`, and clean up."""

    def pids(self) -> set[int]:
        """The host's processes that are not the supervisor's."""

    def end(self, *, is_final: bool) -> None:
        """Leave nothing that runs; with `is_final`, nothing at all. The supervisor has been stopped before."""


class Namespaces:
    """A Debian root file system in Linux namespaces, entered by chroot."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._root = stack.state.root
        self.ready_port = stack.ports.postgres
        self._ahead: dict[str, Report] = {}
        """Reports on stages that were applied with the one before them."""

    @property
    def is_made(self) -> bool:
        return self._root.exists()

    @property
    def postgres(self) -> Program:
        """PostgreSQL in the foreground; SIGINT is its fast shutdown."""
        settings = f"/etc/postgresql/{MAJOR}/main"
        return Program(
            name="postgres",
            command=_in_root(self._root, [f"{programs(MAJOR)}/postgres", "-D", settings]),
            stop_signal="INT",
            stop_seconds=60,
        )

    @property
    def pooler(self) -> Program:
        return Program(
            name="pooler",
            command=_in_root(self._root, ["/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]),
            stop_signal="INT",
        )

    def faults(self) -> list[str]:
        return namespace.faults()

    def ensure_root(self, progress: Progress) -> bool:
        if self.is_made:
            return False
        tar = root_filesystem.cached(progress)
        progress("unpacking the root file system")
        root_filesystem.unpack(tar, self._root)
        return True

    def launch(self, argv: Sequence[str]) -> list[str]:
        return namespace.launch(argv, self._root)

    def prepare(self) -> Report:
        # The host checks the certificate of the local S3.
        target = f"{self._root}{OBJECTS_CA}"
        answer = self._inside(["install", "-D", "-m", "644", str(self._stack.store_ca), target], seconds=10)
        if answer.returncode:
            raise LocalError(f"{target}: can't be written: {answer.stderr.strip()}")
        return self._apply("files", *(["database"] if self._has_database else []))

    def apply(self, stage: str) -> Report:
        return self._ahead.pop(stage, None) or self._apply(stage)

    def _apply(self, stage: str, *ahead: str) -> Report:
        """Applies a stage, and those after it in the same process where there is nothing to do in this one.

        Starting one takes as long as looking through all of a stage.
        """
        spec, root = str(self._stack.state.host_file), str(self._root)
        stages = [word for name in (stage, *ahead) for word in ("--stage", name)]
        command = [sys.executable, "-P", "-m", "host.apply", spec, "--root", root, *stages]
        path = f"PYTHONPATH={self._stack.project}"
        answer = self._inside(["env", path, *command], seconds=APPLY_SECONDS)
        first, *others = answer.stdout.splitlines() or [""]
        if others and not answer.returncode:
            self._ahead = dict(zip(ahead, map(parse, others), strict=True))
        # One that failed ahead is done again in its turn, and says then why it can't be done.
        code = answer.returncode if not others else 0
        return report(stage, subprocess.CompletedProcess(command, code, first, answer.stderr), self._root)

    @property
    def _has_database(self) -> bool:
        """Whether a server is there that can be applied to, and that no promotion may wait for."""
        spec = reading.parse(self._stack.state.read_json(self._stack.state.host_file))
        return spec.postgres.origin == "new" and is_answering(self)

    def in_host(self, argv: Sequence[str], *, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return self._inside(_in_root(self._root, argv), seconds=seconds)

    def permit(self, path: str) -> None:
        answer = self._inside(["install", "-D", "-m", "644", "/dev/null", f"{self._root}{path}"], seconds=10)
        if answer.returncode:
            raise LocalError(f"{path}: can't be made on the host: {answer.stderr.strip()}")

    def terminal(self, argv: Sequence[str], variables: Sequence[str]) -> list[str]:
        return self._enter(_in_root(self._root, argv))

    def recovery(self) -> list[str]:
        """Ended with whoever starts it: nsenter as its parent, the engine as nsenter's child."""
        spec, root = str(self._stack.state.host_file), str(self._root)
        path = f"PYTHONPATH={self._stack.project}"
        engine = ["env", "--block-signal=INT", path, sys.executable, "-P", "-m", "host.recovery", spec, "--root", root]
        return [*WITH_PARENT, *self._enter([*WITH_PARENT, *engine])]

    def interrupt_recovery(self, pid: int) -> None:
        """nsenter would end at once, and not wait for the engine, which it may not have started yet."""
        with suppress(psutil.Error):
            parent = psutil.Process(pid)
            while not (children := parent.children()) and parent.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
            for child in children:
                child.send_signal(signal.SIGINT)

    def pids(self) -> set[int]:
        return set()

    def end(self, *, is_final: bool) -> None:
        if is_final:
            # Its files may belong to other users; only a namespace can remove them.
            root_filesystem.remove(self._root)

    def _inside(self, argv: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
        """Runs a command in the stack's namespaces, in the project's folder."""
        return run(self._enter(argv), seconds=seconds, folder=self._stack.project)

    def _enter(self, argv: Sequence[str]) -> list[str]:
        pid = self._stack.supervisor.pid
        if pid is None:
            raise LocalError("the local stack does not run; start it with `./hybrid local up`")
        return namespace.enter(pid, argv)


def is_answering(runtime: HostRuntime) -> bool:
    """Whether the host answers on its own socket, which it does before any role exists."""
    probe = [f"{programs(MAJOR)}/pg_isready", "-q", "-h", SOCKETS, "-p", str(runtime.ready_port)]
    return runtime.in_host(probe, seconds=10).returncode == 0


def report(stage: str, answer: subprocess.CompletedProcess[str], root: Path | None = None) -> Report:
    """What host/ printed of a stage. Raises LocalError that names what failed.

    `root`: where the files by which a refusal may be overridden are, as they are seen from here.
    """
    try:
        found = parse(answer.stdout)
    except ValueError:
        raise LocalError(f"host ({stage}): {answer.stderr.strip() or 'ended without output'}") from None
    if answer.returncode:
        faults = "; ".join(map(str, found.failed)).replace(f"{HYBRID}/", f"{root or ''}{HYBRID}/")
        raise LocalError(f"host ({stage}): {faults}")
    return found


def _in_root(root: Path, argv: Sequence[str]) -> tuple[str, ...]:
    return ("chroot", "--userspec=postgres:postgres", str(root), *argv)
