"""The folder in which a cluster is restored, and what a killed act left of one."""

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from host.recovery import clusters, progress, times
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine

NAME = ".hybrid-recovery"
OLD = ".hybrid-recovery-old"
"""A cluster that is being deleted."""
REPLACED = re.compile(r"\.hybrid-recovery-replaced-(.+)")
"""A restored cluster that another one replaces, until that answers."""
NOTE = "hybrid-swap"
"""In a staged cluster that changes places with main: the name that it has meanwhile."""
STAGED_SECONDS = 3600
"""How long a staged cluster may wait for the swap, which another act does."""
REMOVE_SECONDS = 20


@dataclass(frozen=True)
class Work:
    machine: Machine
    folder: PurePosixPath

    @property
    def data(self) -> PurePosixPath:
        return self.folder / "data"

    @property
    def settings(self) -> PurePosixPath:
        return self.folder / "settings"

    @property
    def sockets(self) -> PurePosixPath:
        return self.folder / "sockets"

    @property
    def log(self) -> PurePosixPath:
        return self.folder / "postgresql.log"

    def inside(self, place: PurePosixPath | str) -> Path:
        return self.machine.path(self.folder / place)


@contextmanager
def working(machine: Machine) -> Iterator[Work]:
    """An empty folder on the data disk; gone afterwards, with all processes that work in it."""
    work = Work(machine, machine.clusters / NAME)
    _remove(machine, machine.path(work.folder))
    try:
        machine.make_folder(work.folder)
        for place in ("data", "settings", "sockets", "wal", "asks", "answers", "lock", "spool"):
            machine.make_folder(work.folder / place)
        yield work
    finally:
        _remove(machine, machine.path(work.folder))


def leftovers(machine: Machine, *, but: str = "") -> list[Path]:
    """What acts that were killed left: a folder of work, and staged clusters that nobody swapped in."""
    found = []
    for path in machine.path(machine.clusters).iterdir():
        staged = clusters.STAGED.fullmatch(path.name)
        is_old = staged is not None and times.now().timestamp() - path.stat().st_mtime > STAGED_SECONDS
        is_between = clusters.MOVING.fullmatch(path.name) or REPLACED.fullmatch(path.name)
        if path.name in (NAME, OLD) or is_between or (is_old and path.name != but):
            found.append(path)
    return sorted(found)


def clean(machine: Machine, *, but: str = "", has_staged: bool = False) -> None:
    """Remove what is left over; `has_staged`: staged clusters of any age, too."""
    found = leftovers(machine, but=but)
    if has_staged:
        staged = [path for path in machine.path(machine.clusters).iterdir() if clusters.STAGED.fullmatch(path.name)]
        found = sorted({*found, *staged})
    for path in found:
        if name := _rightful(machine, path):
            progress.say(f"{name}: is put back where an earlier command ended before it had replaced it")
            _remove(machine, clusters.folder(machine, name))
            os.rename(path, clusters.folder(machine, name))
            continue
        progress.say(f"removing {path.name}, which an earlier command left")
        _remove(machine, path)


def _rightful(machine: Machine, path: Path) -> str | None:
    """The name of what a killed act had only moved away; None for what may be deleted."""
    if moving := clusters.MOVING.fullmatch(path.name):
        try:
            return None if (path / NOTE).read_text() == path.name else moving[1]
        except OSError:
            return moving[1]
    replaced = REPLACED.fullmatch(path.name)
    return replaced[1] if replaced and not clusters.pid(machine, replaced[1]) else None


def _remove(machine: Machine, path: Path) -> None:
    end = time.monotonic() + REMOVE_SECONDS
    while True:
        _end_processes(str(machine.clusters / path.name), path)
        if not path.exists():
            return
        # A process that is just ending may have written once more.
        shutil.rmtree(path, ignore_errors=True)
        if time.monotonic() > end:
            raise RecoveryError(f"{path.name}: can't be removed within {REMOVE_SECONDS} s")


def _end_processes(place: str, seen: Path) -> None:
    """Kill all that works in the folder: its server, and pgBackRest with its helpers."""
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) != os.getpid() and _works_in(process, place, seen):
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def _works_in(process: Path, place: str, seen: Path) -> bool:
    try:
        # Another host's in a namespace on this machine has the same names, and is not ours.
        if os.readlink(process / "ns/pid") != os.readlink("/proc/self/ns/pid"):
            return False
        if Path(os.readlink(process / "cwd")).is_relative_to(seen):
            return True
        words = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
    except OSError:
        return False
    # As an argument or a variable: pgBackRest is told by both.
    return any(
        word.partition(b"=")[2].startswith(place.encode()) or word == place.encode() for word in words.split(b"\0")
    )
