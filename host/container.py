"""The first process of a container that is a database host: python -m host.container SPEC [--root DIR].

Applies the playbook, and runs PostgreSQL and the pooler until SIGTERM or SIGINT comes (exit code 0) or either of the
two ends (exit code 1); then the other is shut down too.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from host.common import layout
from host.specification.model import Spec
from host.specification.reading import SpecError, load

SERVICES = ("postgres", "pooler")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
PROBE_SECONDS = 0.1


class EndError(Exception):
    """Why all has to end, and the exit code that tells it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Programs:
    """What the first process runs. The kernel also gives it every orphan, which only it can reap.

    Signals are blocked and taken in one place, so that none is lost and none comes between two steps.
    """

    def __init__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._running: dict[int, str] = {}
        self._codes: dict[str, int] = {}

    def start(self, name: str, argv: list[str]) -> None:
        # What is blocked or ignored would stay so in the program. Python ignores SIGPIPE, a shell's background SIGINT.
        pid = os.posix_spawnp(argv[0], argv, os.environ, setsigmask=[], setsigdef=[signal.SIGPIPE, *SIGNALS])
        self._running[pid] = name

    def finish(self, name: str, argv: list[str]) -> int:
        """Run a program to its end, and return its exit code. Raises EndError as `wait` does."""
        self.start(name, argv)
        while name not in self._codes:
            self.wait()
        return self._codes.pop(name)

    def wait(self, seconds: float | None = None) -> None:
        """Return when something ended, or the time is up. EndError when a service ended, or all is told to."""
        taken = signal.sigwaitinfo(SIGNALS) if seconds is None else signal.sigtimedwait(SIGNALS, seconds)
        if taken and taken.si_signo != signal.SIGCHLD:
            raise EndError(f"{signal.Signals(taken.si_signo).name}: shutting down", 0)
        self._reap()
        for name in SERVICES:
            if name in self._codes:
                raise EndError(f"{name}: ended by itself, exit code {self._codes[name]}", 1)

    def end(self) -> None:
        """Shuts down all that runs, without a limit of time: whoever started the container has one."""
        for pid, name in self._running.items():
            # SIGINT is PostgreSQL's fast shutdown and PgBouncer's safe one: both wait for no client.
            os.kill(pid, signal.SIGINT if name in SERVICES else signal.SIGTERM)
        while self._running:
            signal.sigwaitinfo(SIGNALS)
            self._reap()

    def _reap(self) -> None:
        """Take note of all that ended: one SIGCHLD can stand for many."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if name := self._running.pop(pid, None):
                self._codes[name] = os.waitstatus_to_exitcode(status)


def run(programs: Programs, path: Path, spec: Spec, root: Path) -> None:
    """Raises EndError; never returns."""
    major = spec.postgres.major
    as_owner = ["chroot", f"--userspec={layout.OWNER}:{layout.OWNER}", str(root)]
    _apply(programs, path, root, "files")
    programs.start("postgres", [*as_owner, f"{layout.programs(major)}/postgres", "-D", str(layout.settings(major))])
    address = ["--host", layout.SOCKETS, "--port", str(spec.postgres.port)]
    while programs.finish("probe", [*as_owner, f"{layout.programs(major)}/pg_isready", "--quiet", *address]):
        programs.wait(PROBE_SECONDS)
    _apply(programs, path, root, "database")
    programs.start("pooler", [*as_owner, "/usr/sbin/pgbouncer", layout.POOLER_SETTINGS])
    while True:
        programs.wait()


def _apply(programs: Programs, path: Path, root: Path, stage: str) -> None:
    """A program of its own, which takes its memory along when it is done."""
    argv = [sys.executable, "-P", "-m", "host.apply", str(path), "--root", str(root), "--stage", stage]
    code = programs.finish(stage, argv)
    if code:
        raise EndError(f"host ({stage}): failed, exit code {code}", 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="host.container", description="Be a database host in a container.")
    parser.add_argument("spec", type=Path, help="JSON file that says what the host is to become")
    parser.add_argument("--root", type=Path, default=Path("/"), help="root file system of the host")
    options = parser.parse_args()
    programs = Programs()
    try:
        run(programs, options.spec, load(options.spec), options.root)
    except SpecError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except EndError as error:
        print(error, file=sys.stderr, flush=True)
        programs.end()
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
