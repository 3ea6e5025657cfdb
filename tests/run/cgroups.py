"""Control groups of machines that tests boot, each below the one of the process that boots it."""

import os
from collections.abc import Iterator
from pathlib import Path

MOUNTED = Path("/sys/fs/cgroup")
PREFIX = "hybrid-bare-"


def own() -> list[Path]:
    """Where this process's are, made or not."""
    return [folder / f"{PREFIX}{os.getpid()}" for folder in _folders()]


def made() -> list[Path]:
    for folder in own():
        folder.mkdir(exist_ok=True)
    return own()


def remove(group: Path) -> None:
    """Removes a group with all below it, in which no process may be."""
    for below in sorted(group.rglob("**/"), reverse=True):
        below.rmdir()


def abandoned() -> list[Path]:
    """Groups of processes that were killed."""
    found = [group for folder in _folders() for group in folder.glob(f"{PREFIX}*")]
    return [group for group in found if not Path("/proc", group.name.removeprefix(PREFIX)).exists()]


def _folders() -> Iterator[Path]:
    """This process's in each hierarchy that systemd uses: its own, the unified one, or both."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers in ("", "name=systemd"):
            mounted = [MOUNTED / "systemd"] if controllers else [MOUNTED / "unified", MOUNTED]
            for folder in mounted:
                if (folder / "cgroup.procs").exists():
                    yield folder / place.lstrip("/")
                    break
