"""The folder in which a local stack keeps all that it makes."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import files
from local.common.errors import LocalError

FORMAT = 1
MARKER = ".hybrid-state.json"
CLEAN = "run `make clean`, then `make up`: the local stack is then made again"


@dataclass(frozen=True)
class State:
    """Paths, whole-file writes and deletion, never outside `folder`."""

    folder: Path

    @classmethod
    def of(cls, project: Path, environment: Mapping[str, str] = os.environ) -> "State":
        """The folder named by HYBRID_STATE, else the project's own. Nothing is made or checked yet."""
        named = environment.get("HYBRID_STATE")
        return cls(Path(named).expanduser().resolve() if named else project.resolve() / ".state" / "local")

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def root(self) -> Path:
        """The database host's root file system."""
        return self.folder / "root"

    @property
    def tls(self) -> Path:
        return self.folder / "tls"

    @property
    def edge(self) -> Path:
        return self.folder / "edge"

    @property
    def objects(self) -> Path:
        """The object server's, with its temporary files."""
        return self.folder / "objects"

    @property
    def store(self) -> Path:
        """Buckets and objects; see local/object_store/files.py."""
        return self.objects / "store"

    @property
    def supervisor(self) -> Path:
        return self.folder / "supervisor"

    @property
    def secrets_file(self) -> Path:
        return self.folder / "secrets.json"

    @property
    def host_file(self) -> Path:
        return self.folder / "host.json"

    @property
    def failover_ids(self) -> Path:
        """What `./hybrid failover` reads where no --ids is given."""
        return self.folder / "failover.json"

    @property
    def failover_token(self) -> Path:
        """The rollback's own, 0600."""
        return self.folder / "failover.token"

    @property
    def verified(self) -> Path:
        """See local/stack/verified.py."""
        return self.folder / "verified"

    @property
    def name(self) -> Path:
        """Every renaming of the stack, a line each; see local/stack/verified.py."""
        return self.folder / "name"

    @property
    def lock_file(self) -> Path:
        return self.folder / "lock"

    @property
    def container_mark(self) -> Path:
        """There where the database is in a container."""
        return self.folder / "container"

    @property
    def has_database(self) -> bool:
        """Whether one was begun, in namespaces or in a container."""
        return self.root.exists() or self.container_mark.exists()

    @property
    def exists(self) -> bool:
        return (self.folder / MARKER).exists()

    def prepare(self) -> None:
        """Make the folder, or check that it is one of ours; LocalError when it is not."""
        self._make()
        self._refuse_another_owner()
        if not self.exists:
            self._refuse_foreign()
        # Only now is it known to be ours.
        self.folder.chmod(0o700)
        if not self.exists:
            self.write_json(self.folder / MARKER, {"format": FORMAT})
        self._check_format()
        for path in (self.logs, self.tls, self.edge, self.objects, self.supervisor):
            path.mkdir(mode=0o700, exist_ok=True)

    def read_json(self, path: Path, *, can_be_remade: bool = False) -> Any:
        """The file's data; None when it is missing, or when it is corrupt and its maker can make it again."""
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            if can_be_remade:
                return None
            raise LocalError(f"{path}: is corrupt ({error}); {CLEAN}") from error

    def write_json(self, path: Path, data: Any) -> None:
        self.write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")

    def write(self, path: Path, text: str, mode: int = 0o600) -> None:
        """Replace the file as a whole: a reader, or a machine that loses power, sees the old or the new text."""
        self._refuse_outside(path)
        files.replace(path, text, mode)

    def remove(self, path: Path) -> None:
        """Delete a file or folder in the state folder; what a symbolic link points at stays."""
        inside = self._refuse_outside(path)
        _refuse_mounts(inside)
        if inside.is_dir() and not inside.is_symlink():
            shutil.rmtree(inside)
        else:
            inside.unlink(missing_ok=True)

    def delete(self) -> None:
        """Delete the whole folder, the marker last, so that what a killed run leaves is still recognised.

        Another user's files (an ordinary user's `root`) must have been removed before.
        """
        if not self.folder.exists():
            return
        if not self.exists:
            self._refuse_foreign()
        try:
            for path in sorted(self.folder.iterdir(), key=lambda path: path.name == MARKER):
                self.remove(path)
            self.folder.rmdir()
        except OSError as error:
            raise LocalError(f"{self.folder}: can't be removed: {error}") from error

    def _make(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LocalError(f"{self.folder}: can't be made: {error.strerror}; name another in HYBRID_STATE") from error

    def _refuse_another_owner(self) -> None:
        owner = self.folder.stat().st_uid
        if owner != os.geteuid():
            raise LocalError(
                f"{self.folder}: belongs to user {owner}, not to you ({os.geteuid()}); "
                "run as that user, or name another folder in HYBRID_STATE"
            )

    def _refuse_foreign(self) -> None:
        """A first marker that was being written when its writer was killed does not make the folder foreign."""
        found = sorted(path.name for path in self.folder.iterdir() if not path.name.startswith(MARKER))
        if found:
            raise LocalError(
                f"{self.folder}: is not empty and not a state folder ({MARKER} is missing; found {_some(found)}); "
                "name another folder in HYBRID_STATE, or empty this one"
            )

    def _check_format(self) -> None:
        marker = self.folder / MARKER
        data = self.read_json(marker)
        found = data.get("format") if isinstance(data, dict) else None
        if found != FORMAT:
            raise LocalError(f"{marker}: has format {found!r}, this version reads {FORMAT}; {CLEAN}")

    def _refuse_outside(self, path: Path) -> Path:
        inside = path.parent.resolve() / path.name
        if path.name in ("", "..") or self.folder.resolve() not in inside.parents:
            raise ValueError(f"{path} is not inside {self.folder}")
        return inside


def _some(names: Iterable[str]) -> str:
    first, *rest = names
    return f"{first} and {len(rest)} more" if rest else first


def _refuse_mounts(path: Path) -> None:
    """Deleting through a mount would delete what is mounted: for a bound /dev, the machine's devices."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    # Field 5 is the mount point, with blanks in octal (proc(5)).
    mounted = [Path(line.split()[4].replace("\\040", " ")) for line in lines]
    inside = [point for point in mounted if point == path or path in point.parents]
    if inside:
        raise LocalError(f"{path}: has a mount on {_some(map(str, inside))}; unmount it first")
