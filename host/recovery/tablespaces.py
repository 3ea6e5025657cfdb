"""Tablespaces of a restored cluster: folders of its own, whatever paths the log and the serving cluster name.

A tablespace is a link in the data directory to a folder elsewhere (PostgreSQL, pg_tblspc/OID). pgBackRest puts those
of a backup below the folder of work. One that the log creates has the path that it had on the serving cluster: as it
is replayed that path leads to a folder of work, too. At the end all go into one folder beside the cluster.
"""

import os
import re
from pathlib import PurePosixPath

from host.recovery import clusters
from host.recovery.clusters import Work
from host.recovery.contract import MAIN
from host.recovery.machine import Machine, utc_now

# What PostgreSQL says where the log creates a tablespace whose folder is not there, or may not be written.
WANTED = re.compile(
    r'(?:FATAL|PANIC):  (?:directory "(?P<absent>/.+)" does not exist'
    r'|could not set permissions on directory "(?P<closed>/.+)"'
    r'|could not create directory "(?P<inside>/.+)/PG_[^"/]+")'
)


def wanted(log: str) -> PurePosixPath | None:
    """The missing folder that the recovery ended at."""
    found = [PurePosixPath(one["absent"] or one["closed"] or one["inside"]) for one in WANTED.finditer(log)]
    return found[-1] if found else None


class Covers:
    """Paths of tablespaces that lead to folders of work while a cluster recovers."""

    def __init__(self, work: Work) -> None:
        self.by_path: dict[PurePosixPath, PurePosixPath] = {}
        self._work = work
        for path in sorted(set(clusters.tablespaces(work.machine, MAIN).values())):
            if work.machine.path(work.machine.followed(path)).is_dir():
                self.add(path)

    def add(self, path: PurePosixPath) -> None:
        """A path that is not there is made, for something has to be covered; it goes with the folder of work."""
        machine, work = self._work.machine, self._work
        # A folder may have more than one name.
        real = {machine.followed(one): source for one, source in self.by_path.items()}
        added = machine.followed(path)
        if added not in real:
            real[added] = work.covers / str(len(self.by_path))
            machine.make_folder(real[added])
        self.by_path[path] = real[added]
        for one in _missing(machine, added):
            # Before it is made: whoever removes what a killed restore left finds it there.
            work.inside("made").joinpath(str(len(os.listdir(work.inside("made"))))).symlink_to(one)
            machine.make_folder(one)
        # One that lies in another is seen there, and so is the folder of work.
        for outer, source in real.items():
            for inner in (*real, work.folder):
                if outer in inner.parents:
                    for one in _missing(machine, source / inner.relative_to(outer)):
                        machine.make_folder(one)

    def take_over(self) -> None:
        """Have the links lead to the folders of work themselves."""
        for number, path in clusters.tablespaces(self._work.machine, self._work.name).items():
            if path in self.by_path:
                _link(self._work.machine, self._work.data, number, self.by_path[path])


def _missing(machine: Machine, path: PurePosixPath) -> list[PurePosixPath]:
    """The folders that are to be made for it to be there, the outermost first."""
    return [one for one in reversed((path, *path.parents)) if not machine.path(one).exists()]


def settle(work: Work) -> None:
    """Put them into one folder beside the cluster, which is about to leave the folder of work."""
    machine = work.machine
    found = clusters.tablespaces(machine, work.name)
    if not found:
        return
    stamp = f".tablespaces-{utc_now().strftime(clusters.STAMP)}"
    names = [stamp, *(f"{stamp}-{count}" for count in range(2, 100))]
    folder = next(machine.clusters / name for name in names if not clusters.folder(machine, name).exists())
    machine.make_folder(folder)
    for number, path in found.items():
        os.rename(machine.path(path), machine.path(folder / number))
        _link(machine, work.data, number, folder / number)


def _link(machine: Machine, data: PurePosixPath, number: str, target: PurePosixPath) -> None:
    link = machine.path(data / clusters.LINKS / number)
    link.unlink()
    link.symlink_to(target)
    os.chown(link, *machine.owner(), follow_symlinks=False)
