"""Root file systems of hosts, each a folder of its own but for /usr, which is the same of all and read-only."""

import fcntl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.host import namespace, root_filesystem

COPY_SECONDS = 120


@dataclass(frozen=True)
class Tree:
    root: Path
    """Without what is in /usr; a host's namespaces have that mounted."""
    usr: Path

    def copied(self, root: Path) -> "Tree":
        copy = namespace.throwaway(["cp", "--archive", "--reflink=auto", str(self.root), str(root)])
        subprocess.run(copy, check=True, timeout=COPY_SECONDS)
        return Tree(root, self.usr)


def unpacked(tar: Path, folder: Path) -> None:
    root_filesystem.unpack(tar, folder / "root")
    (folder / "root/usr").rename(folder / "usr")
    (folder / "root/usr").mkdir()


@contextmanager
def made_once(folder: Path, make: Callable[[Path], None]) -> Iterator[None]:
    """The folder is there: made by the first process of a run that needs it, removed by the last that leaves."""
    users, makers = (folder.with_name(f"{folder.name}.{name}") for name in ("users", "makers"))
    with users.open("w") as use, makers.open("w") as making:
        # Waits for one who removes it.
        fcntl.flock(use, fcntl.LOCK_SH)
        fcntl.flock(making, fcntl.LOCK_EX)
        try:
            if not folder.exists():
                _make(folder, make)
        finally:
            fcntl.flock(making, fcntl.LOCK_UN)
        try:
            yield
        finally:
            try:
                fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # Others go on with it.
                pass
            else:
                root_filesystem.remove(folder)


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    # Of one who was killed over it.
    root_filesystem.remove(unfinished)
    unfinished.mkdir()
    try:
        make(unfinished)
    except BaseException:
        root_filesystem.remove(unfinished)
        raise
    unfinished.rename(folder)
