"""The clusters beside the one that serves: restored ones, and what was kept when another took its place."""

import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from host.recovery import times
from host.recovery.contract import MAIN, Cluster
from host.recovery.machine import Machine

NOTE = "hybrid-restored.json"
"""In a restored cluster's data directory, with its port and when it was made."""
KEPT = re.compile(rf"{MAIN}\.(?:before|undone)-(\d{{8}}-\d{{6}})(?:-\d+)?")
STAGED = re.compile(rf"{MAIN}\.staged-(\d{{8}}-\d{{6}})(?:-\d+)?")
MOVING = re.compile(rf"\.({KEPT.pattern})")
"""While it changes places with main: the staged copy before, main's old data after."""
STAMP = "%Y%m%d-%H%M%S"
FIRST_PORT = 10
"""Above the serving cluster's; it is only a part of the socket's name."""


def folder(machine: Machine, name: str) -> Path:
    return machine.path(machine.clusters / name)


def exists(machine: Machine, name: str) -> bool:
    """Whether there is anything of this name; an empty folder gives way."""
    path = folder(machine, name)
    return path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir())))


def is_restored(machine: Machine, name: str) -> bool:
    return (folder(machine, name) / NOTE).exists() and name != MAIN


def fresh_name(machine: Machine, kind: str) -> str:
    """main.KIND-STAMP, such as main.before-20261121-093000; nothing of this name is there."""
    name = f"{MAIN}.{kind}-{times.now().strftime(STAMP)}"
    names = [name, *(f"{name}-{count}" for count in range(2, 100))]
    return next(one for one in names if not folder(machine, one).exists() and not folder(machine, f".{one}").exists())


def faults(machine: Machine, into: str, replace: str | None) -> list[str]:
    """Why nothing can be restored into this name, whatever is replaced."""
    if replace is not None and replace != into:
        return [f"replace {replace}: is not what is restored into; only {into} may be named"]
    if into != MAIN and exists(machine, into) and not is_restored(machine, into):
        return [f"into {into}: a folder of this name is there that no restore made; choose another name"]
    return []


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
        note = {"port": 0, "made_at": datetime.strptime(found[1], STAMP).replace(tzinfo=UTC)}
    else:
        note = json.loads((path / NOTE).read_text())
    return Cluster(
        name=name,
        bytes=size(path),
        state="running" if pid(machine, name) else "stopped",
        port=note["port"],
        made_at=note["made_at"],
        kind="kept" if found else "restored",
    )


def size(path: Path) -> int:
    """Of all files in a folder, as they are on the disk."""
    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total


def free_port(machine: Machine) -> int:
    taken = {machine.spec.postgres.port, machine.spec.pooler.port, *(one.port for one in listed(machine))}
    start = machine.spec.postgres.port + FIRST_PORT
    return next(port for port in range(start if start < 65000 else 20000, 65536) if port not in taken)
