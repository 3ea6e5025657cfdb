"""The folders beside the data directory that serves: restored clusters, kept ones, and that in which one is made."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from host.common import layout
from host.database import beginning
from host.recovery.contract import MAIN, SWAP_NOTE, Cluster
from host.recovery.errors import RecoveryError, say
from host.recovery.machine import Machine, utc_now

NOTE = "hybrid-restored.json"
"""File in a restored cluster's data directory: its port, and when it was made."""
KEPT = re.compile(rf"{MAIN}\.(?:before|undone)-(\d{{8}}-\d{{6}})(?:-\d+)?")
STAGED = re.compile(rf"{MAIN}\.staged-(\d{{8}}-\d{{6}})(?:-\d+)?")
MOVING = re.compile(rf"\.({KEPT.pattern})")
"""While it changes places with main: the staged copy before, main's old data after."""
STAMP = "%Y%m%d-%H%M%S"
FIRST_PORT = 10
"""Above the serving cluster's; it is only a part of the socket's name."""
WORK = ".hybrid-recovery"
OLD = ".hybrid-recovery-old"
"""A cluster that is being deleted."""
REPLACED = re.compile(r"\.hybrid-recovery-replaced-(.+)")
"""A restored cluster that another one replaces, until that answers."""
READ = ".hybrid-recovery-read-"
"""Begins the name of a folder that a segment is read in; the number of the process that reads it ends it."""
STANDBY = "standby.signal"
"""In the data directory of a server that follows another one, until it is promoted."""
STATE_NOTE = "hybrid-state"
"""In a staged cluster that has all of main: main's state as it was then."""
LINKS = "pg_tblspc"
"""Of a data directory, with a link a tablespace (PostgreSQL, Database File Layout)."""
LOG_FILE = re.compile(r"[0-9A-F]{24}(?:\..+)?|[0-9A-F]{8}\.history|archive_status|summaries|xlogtemp\.\d+")
"""What PostgreSQL has in the folder of the log."""
TABLESPACES = re.compile(r"\.tablespaces-\d{8}-\d{6}(?:-\d+)?")
"""A folder with those of one restored cluster."""
STAGED_SECONDS = 3600
"""How long a staged cluster may wait for the swap, which another act does."""
REMOVE_SECONDS = 20
READY = "ready"
PORT_LINE = 3
"""Of postmaster.pid (PostgreSQL, utils/pidfile.h)."""


def folder(machine: Machine, name: str) -> Path:
    return machine.path(machine.clusters / name)


def exists(machine: Machine, name: str) -> bool:
    """Whether something of this name is there; an empty folder does not count, it is replaced."""
    path = folder(machine, name)
    return path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir())))


def is_restored(machine: Machine, name: str) -> bool:
    return (folder(machine, name) / NOTE).exists() and name != MAIN


def fresh_name(machine: Machine, kind: str) -> str:
    """main.KIND-STAMP, such as main.before-20261121-093000; nothing of this name is there."""
    name = f"{MAIN}.{kind}-{utc_now().strftime(STAMP)}"
    names = [name, *(f"{name}-{count}" for count in range(2, 100))]
    return next(one for one in names if not folder(machine, one).exists() and not folder(machine, f".{one}").exists())


def faults(machine: Machine, into: str, replace: str | None) -> list[str]:
    """Why nothing can be restored into this name, whatever is replaced."""
    if replace is not None and replace != into:
        return [f"replace {replace}: is not what is restored into; only {into} may be named"]
    if into != MAIN and exists(machine, into) and not is_restored(machine, into):
        return [f"into {into}: a folder of this name is there that no restore made; choose another name"]
    fault = serving_fault(machine) if into == MAIN else None
    return [fault] if fault else []


def serving_fault(machine: Machine) -> str | None:
    """Why main's data directory is not another's here: what takes its place begins a timeline, beside who serves."""
    if (folder(machine, MAIN) / STANDBY).exists():
        return f"{MAIN}: is a standby of the host that serves; promote it first, or restore on that host"
    if not machine.spec.postgres.is_serving:
        return f"{MAIN}: this host was told not to serve; have it serve first, or restore on the host that does"
    return None


def pid(machine: Machine, name: str) -> int | None:
    """The server that runs on a data directory."""
    try:
        number = int((folder(machine, name) / "postmaster.pid").read_text().split()[0])
        command = Path(f"/proc/{number}/comm").read_text().strip()
    except (OSError, ValueError, IndexError):
        return None
    # Another process may have the number since.
    return number if command.startswith("postgres") and is_its(machine, number, name) else None


def is_its(machine: Machine, number: int, name: str) -> bool:
    try:
        return os.path.samefile(f"/proc/{number}/cwd", folder(machine, name))
    except OSError:
        return False


def has_served(machine: Machine, name: str) -> bool:
    """Whether a server that runs on it, or was killed there, could be written."""
    try:
        lines = (folder(machine, name) / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return READY in (line.rstrip() for line in lines)


def listed(machine: Machine) -> list[Cluster]:
    """Restored and kept clusters, by name."""
    found = []
    for name in sorted(os.listdir(machine.path(machine.clusters))):
        # Another act may be deleting it just now, and then hides it.
        if not name.startswith(".") and (is_restored(machine, name) or KEPT.fullmatch(name)):
            with suppress(FileNotFoundError):
                found.append(written(machine, name))
    return found


def written(machine: Machine, name: str) -> Cluster:
    path = folder(machine, name)
    found = KEPT.fullmatch(name)
    if found:
        port = _port(path) if pid(machine, name) else 0
        note = {"port": port, "made_at": datetime.strptime(found[1], STAMP).replace(tzinfo=UTC)}
    else:
        note = json.loads((path / NOTE).read_text())
    return Cluster(
        name=name,
        bytes=size(machine, name),
        state="running" if pid(machine, name) else "stopped",
        port=note["port"],
        made_at=note["made_at"],
        kind="kept" if found else "restored",
    )


def _port(data: Path) -> int:
    """Of the server that runs on it."""
    return int((data / "postmaster.pid").read_text().splitlines()[PORT_LINE])


def opened(machine: Machine, name: str) -> PurePosixPath:
    """The folder with settings, socket and log of a kept cluster that is open."""
    return machine.clusters / f".hybrid-opened-{name}"


def forget_opened(machine: Machine, name: str) -> None:
    """Remove that folder, and links to the cluster's socket."""
    path = machine.path(opened(machine, name))
    for link in machine.path(layout.SOCKETS).glob(".s.PGSQL.*"):
        own = (f"{opened(machine, name)}/", f"{machine.clusters / name}/")
        if link.is_symlink() and os.readlink(link).startswith(own):
            link.unlink()
    if path.exists():
        shutil.rmtree(path)


def size(machine: Machine, name: str) -> int:
    """Bytes of a cluster's files, as they are on the disk."""
    total = 0
    for part in (folder(machine, name), *files_elsewhere(machine, name)):
        found = [part] if part.is_file() else [Path(place, file) for place, _, files in os.walk(part) for file in files]
        for path in found:
            with suppress(FileNotFoundError):
                total += path.lstat().st_blocks * 512
    return total


def tablespaces(machine: Machine, name: str) -> dict[str, PurePosixPath]:
    """The folder that each tablespace of a cluster is in, by its number."""
    links = folder(machine, name) / LINKS
    if not links.is_dir():
        return {}
    return {link.name: PurePosixPath(os.readlink(link)) for link in links.iterdir() if link.is_symlink()}


def log(machine: Machine, name: str) -> PurePosixPath:
    """The folder of a cluster's log, which may be elsewhere."""
    return machine.followed(machine.clusters / name / "pg_wal")


def tablespace_folders(machine: Machine, name: str) -> set[str]:
    """The names of the folders beside it in which a restored cluster has its tablespaces."""
    parents = {path.parent for path in tablespaces(machine, name).values()}
    return {path.name for path in parents if path.parent == machine.clusters and TABLESPACES.fullmatch(path.name)}


def files_elsewhere(machine: Machine, name: str) -> list[Path]:
    """What goes with a cluster from its tablespaces and its log, wherever they are: nothing that another has, too.

    As DROP TABLESPACE: the folder that somebody made for them stays, with what else is in it.
    """
    others = {path for part in _parts(machine) if part != name for path in _elsewhere(machine, part)}
    own = [found for path in _elsewhere(machine, name) - others if path.is_dir() for found in path.iterdir()]
    version = f"PG_{machine.major}_"
    return sorted(found for found in own if found.name.startswith(version) or LOG_FILE.fullmatch(found.name))


def real_tablespaces(machine: Machine, name: str) -> set[Path]:
    """The folders of a cluster's tablespaces, whatever links are on the way."""
    return {machine.path(machine.followed(path)) for path in tablespaces(machine, name).values()}


def _elsewhere(machine: Machine, name: str) -> set[Path]:
    """The folders of a cluster outside its own."""
    is_log = folder(machine, name).joinpath("pg_wal").is_symlink()
    return real_tablespaces(machine, name) | ({machine.path(log(machine, name))} if is_log else set())


def erase(path: Path) -> None:
    """As far as it can be."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _parts(machine: Machine) -> list[str]:
    """Where a cluster may be: beside main, or in a folder of work."""
    return [part for name in os.listdir(machine.path(machine.clusters)) for part in (name, f"{name}/data")]


def timelines(machine: Machine) -> set[int]:
    """All that main and what was kept of it know of: a number of these is never another timeline's."""
    return {line for path in served(machine) for line in beginning.timelines(path, machine.root)}


def served(machine: Machine) -> list[Path]:
    """Main's data directory, and those that were it."""
    found = machine.path(machine.clusters).iterdir()
    return [path for path in found if path.name == MAIN or KEPT.fullmatch(path.name)]


def free_port(machine: Machine) -> int:
    taken = {machine.spec.postgres.port, machine.spec.pooler.port, *(one.port for one in listed(machine))}
    start = machine.spec.postgres.port + FIRST_PORT
    return next(port for port in range(start if start < 65000 else 20000, 65536) if port not in taken)


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
    def name(self) -> str:
        """Of its cluster, as if that were beside the others already."""
        return f"{self.folder.name}/data"

    @property
    def tablespaces(self) -> PurePosixPath:
        return self.folder / "tablespaces"

    @property
    def covers(self) -> PurePosixPath:
        """What the paths of other tablespaces lead to meanwhile."""
        return self.folder / "covers"

    @property
    def log(self) -> PurePosixPath:
        return self.folder / "postgresql.log"

    def inside(self, path: PurePosixPath | str) -> Path:
        return self.machine.path(self.folder / path)


@contextmanager
def working(machine: Machine) -> Iterator[Work]:
    """An empty folder on the data disk; gone afterwards, with all processes that work in it."""
    work = Work(machine, machine.clusters / WORK)
    _remove(machine, machine.path(work.folder))
    try:
        machine.make_folder(work.folder)
        for name in (
            "data",
            "tablespaces",
            "covers",
            "made",
            "settings",
            "sockets",
            "wal",
            "asks",
            "answers",
            "lock",
            "spool",
        ):
            machine.make_folder(work.folder / name)
        yield work
    finally:
        _remove(machine, machine.path(work.folder))


def leftovers(machine: Machine, *, but: str = "") -> list[Path]:
    """Leftovers of killed acts: a work folder, staged clusters never swapped in, and what has a rightful name."""
    found = []
    for path in machine.path(machine.clusters).iterdir():
        staged = STAGED.fullmatch(path.name)
        is_old = staged is not None and utc_now().timestamp() - path.stat().st_mtime > STAGED_SECONDS
        is_between = MOVING.fullmatch(path.name) or REPLACED.fullmatch(path.name)
        reader = path.name.removeprefix(READ) if path.name.startswith(READ) else None
        is_unread = reader is not None and not Path(f"/proc/{reader}").exists()
        if path.name in (WORK, OLD) or is_between or is_unread or (is_old and path.name != but):
            found.append(path)
    return sorted([*found, *_orphans(machine)])


def _orphans(machine: Machine) -> Iterator[Path]:
    """Folders of tablespaces that no cluster has."""
    used = {one for part in _parts(machine) for one in tablespace_folders(machine, part)}
    names = os.listdir(machine.path(machine.clusters))
    yield from (folder(machine, name) for name in names if TABLESPACES.fullmatch(name) and name not in used)


def clean(machine: Machine, *, but: str = "", has_staged: bool = False) -> None:
    """Remove what is left over; `has_staged`: staged clusters of any age, too."""
    found = leftovers(machine, but=but)
    if has_staged:
        staged = [path for path in machine.path(machine.clusters).iterdir() if STAGED.fullmatch(path.name)]
        found = sorted({*found, *staged})
    for path in found:
        if name := rightful(machine, path):
            say(f"{path.name}: is put back as {name}, from where a command that was killed had moved it")
            _remove(machine, folder(machine, name))
            os.rename(path, folder(machine, name))
            continue
        say(f"removing {path.name}, which an earlier command left")
        _remove(machine, path)
    forget_notes(folder(machine, MAIN))


def forget_notes(data: Path) -> None:
    """Remove what an exchange notes; one that was killed leaves it in main, and backups of main have it from then."""
    for note in (SWAP_NOTE, STATE_NOTE):
        (data / note).unlink(missing_ok=True)


def rightful(machine: Machine, path: Path) -> str | None:
    """The name of what a killed act had only moved away; None for what may be deleted."""
    if moving := MOVING.fullmatch(path.name):
        try:
            return None if (path / SWAP_NOTE).read_text() == path.name else moving[1]
        except OSError:
            return moving[1]
    replaced = REPLACED.fullmatch(path.name)
    return replaced[1] if replaced and not pid(machine, replaced[1]) else None


def _remove(machine: Machine, path: Path) -> None:
    end = time.monotonic() + REMOVE_SECONDS
    while True:
        _end_processes(str(machine.clusters / path.name), path)
        if not path.exists():
            return
        if path.name == WORK:
            _remove_made(machine, path / "made")
        # A process that is just ending may have written once more. The links to tablespaces go last.
        for one in (*files_elsewhere(machine, path.name), path):
            erase(one)
        if time.monotonic() > end:
            raise RecoveryError(f"{path.name}: can't be removed within {REMOVE_SECONDS} s")


def _remove_made(machine: Machine, links: Path) -> None:
    """The folders that were made at other places, as far as they are empty, the innermost first."""
    found = [PurePosixPath(os.readlink(link)) for link in links.iterdir()] if links.is_dir() else []
    for one in sorted(found, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            machine.path(one).rmdir()


def _end_processes(folder: str, seen: Path) -> None:
    """Kill all that works in the folder: its server, and pgBackRest with its helpers."""
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) != os.getpid() and _works_in(process, folder, seen):
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def _works_in(process: Path, folder: str, seen: Path) -> bool:
    try:
        # Another host's in a namespace on this machine has the same names, and is not ours.
        if os.readlink(process / "ns/pid") != os.readlink("/proc/self/ns/pid"):
            return False
        if Path(os.readlink(process / "cwd")).is_relative_to(seen):
            return True
        strings = (process / "cmdline").read_bytes() + b"\0" + (process / "environ").read_bytes()
    except OSError:
        return False
    # As an argument or a variable: pgBackRest is told by both.
    return any(
        word.partition(b"=")[2].startswith(folder.encode()) or word == folder.encode() for word in strings.split(b"\0")
    )
