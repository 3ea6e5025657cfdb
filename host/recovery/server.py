"""A restored cluster while the engine works on it: it recovers, answers, and ends with the engine at the latest."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath

from host.recovery.contract import MAIN
from host.recovery.errors import RecoveryError, StoppedError
from host.recovery.estimate import RESERVE_BYTES, free_bytes
from host.recovery.fetcher import Fetcher
from host.recovery.machine import Machine
from host.recovery.work import Work

POLL_SECONDS = 0.02
STOP_SECONDS = 120
STATUS_LINE = 7
"""Of postmaster.pid (PostgreSQL, utils/pidfile.h)."""
LAST = re.compile(r"last completed transaction was at log time (\S+ \S+)\+00")
FATAL = re.compile(r" \[\d+\] (?:FATAL|PANIC):  (.*)")
UNREACHED = "recovery ended before configured recovery target was reached"
INCONSISTENT = "requested recovery stop point is before consistent recovery point"
NO_SPACE = "No space left on device"


class Server:
    def __init__(self, work: Work, process: subprocess.Popen[str]) -> None:
        self.work = work
        self.pid = process.pid
        self._process = process

    def psql(self, query: str, database: str | None = None) -> list[list[str]]:
        return self.work.machine.psql(query, sockets=str(self.work.sockets), database=database)

    def wait(self, fetcher: Fetcher) -> None:
        """Returns once it has recovered and answers; raises StoppedError or RecoveryError with the reason."""
        while not self._is_ready():
            if fetcher.fault:
                raise RecoveryError(fetcher.fault)
            if not fetcher.is_alive():
                raise RecoveryError("restored cluster: nothing brings its log any more")
            if self._process.poll() is not None:
                raise self._reason(fetcher)
            ensure_room(self.work.machine)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """A clean end, after which the files may be moved; RecoveryError where it does not come."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RecoveryError(f"restored cluster: did not stop within {STOP_SECONDS} s") from None
        if code:
            raise RecoveryError(f"restored cluster: ended with {code}: {_fatal(self._log()) or 'without a reason'}")

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def last_commit_at(self) -> datetime | None:
        """Of the last transaction that was recovered; None when there was none after the backup's start."""
        found = LAST.findall(self._log())
        return datetime.fromisoformat(found[-1].replace(" ", "T")).replace(tzinfo=UTC) if found else None

    def _is_ready(self) -> bool:
        try:
            lines = self.work.inside("data/postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"

    def _reason(self, fetcher: Fetcher) -> RecoveryError:
        log = self._log()
        words = _fatal(log)
        if fetcher.fault:
            return RecoveryError(fetcher.fault)
        if UNREACHED in log:
            last = self.last_commit_at()
            end = f"the last archived transaction is of {last:%Y-%m-%dT%H:%M:%S.%fZ}" if last else "none comes after it"
            return StoppedError(
                f"target: the archived log ends before it; {end}. To take what there is: the target latest"
            )
        if INCONSISTENT in log:
            return StoppedError("target: is before the end of the backup; take an earlier backup, or a later target")
        if NO_SPACE in log:
            return RecoveryError(
                f"{self.work.machine.clusters}: no space is left; nothing of the restored cluster stays"
            )
        return RecoveryError(f"restored cluster: PostgreSQL ended: {words or 'without a reason'}")

    def _log(self) -> str:
        return self.work.machine.path(self.work.log).read_text(errors="replace")


def _fatal(log: str) -> str:
    found: list[str] = FATAL.findall(log)
    return found[0] if found else " ".join(log.split()[-40:])


def ensure_room(machine: Machine) -> None:
    """Raises RecoveryError before the disk is so full that the server that serves would end."""
    if free_bytes(machine) < RESERVE_BYTES:
        raise no_room(machine)


def no_room(machine: Machine) -> RecoveryError:
    return RecoveryError(
        f"{machine.clusters}: no space is left but the {RESERVE_BYTES:,} bytes kept for {MAIN}; nothing of the restored"
        " cluster stays"
    )


@contextmanager
def running(work: Work, configuration: PurePosixPath) -> Iterator[Server]:
    """The cluster of this folder, cut off from every network; killed at the end where it still runs.

    `configuration` is the host's path of the folder with its postgresql.conf.
    """
    argv = [work.machine.program("postgres"), "-D", str(configuration)]
    with work.machine.path(work.log).open("a") as log:
        process = work.machine.start(argv, log=log, is_cut_off=True)
    server = Server(work, process)
    try:
        yield server
    finally:
        server.kill()
