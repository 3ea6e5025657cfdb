"""The host as the engine works on it: its clock, its folders, and its programs run as PostgreSQL's own user."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO

from host.common import layout, links
from host.recovery.errors import RecoveryError
from host.specification.model import Spec

# Nothing of the caller's environment, whose PG… would redirect libpq or pgBackRest.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
}
QUERY_SECONDS = 60
HIDDEN = (layout.SOCKETS,)
"""From who is confined: a socket in the file system is reached from every network namespace."""
SHARED_MEMORY = "/dev/shm"
RESERVE_BYTES = 64 * 2**20
"""Left to the server that runs on the same disk: where its log finds no room, it ends."""
CONFINED = Path(__file__).with_name("confined.py")


def utc_now() -> datetime:
    return datetime.now(UTC)


def of_epoch(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class Confinement:
    """What a program may write."""

    writable: PurePosixPath
    covered: Mapping[PurePosixPath, PurePosixPath]
    """Paths that lead elsewhere, or to themselves, and may be written there."""
    hidden: Sequence[str] = field(default_factory=lambda: HIDDEN)


@dataclass(frozen=True)
class Machine:
    root: Path
    """Its root file system; / for this machine itself."""
    spec: Spec

    @property
    def major(self) -> int:
        return self.spec.postgres.major

    @property
    def clusters(self) -> PurePosixPath:
        """The folder that holds a data directory a cluster, on the data disk."""
        return layout.data(self.major).parent

    def path(self, inside: PurePosixPath | str) -> Path:
        """A path of the host as it is seen from here."""
        return self.root / str(inside).lstrip("/")

    def followed(self, inside: PurePosixPath | str) -> PurePosixPath:
        """The path of the host that links lead to; from here one that is absolute would lead out of its root."""
        return links.followed(self.root, inside)

    def command(self, argv: Sequence[str], *, confinement: Confinement | None = None) -> list[str]:
        """The command line that runs argv on the host as postgres and ends it with the thread that started it.

        Confined: in a network namespace of its own, in which not even loopback is up, without the folder of the
        sockets that the serving cluster and the pooler listen on, and with all read-only but what is named.
        """
        # A change of user clears the parent-death signal (prctl(2)): it is set after that.
        tied = ["setpriv", "--pdeathsig", "KILL", "--", *argv]
        return self.confined(tied, confinement) if confinement else self._as_owner(tied)

    def confined(self, argv: Sequence[str], confinement: Confinement) -> list[str]:
        """The same, of a program that outlives who started it."""
        return [*self._apart(confinement), *self._as_owner(argv)]

    def _as_owner(self, argv: Sequence[str]) -> list[str]:
        root = [] if self.root == Path("/") else ["chroot", str(self.root)]
        return [*root, *layout.AS_OWNER.split(), *argv]

    def _apart(self, given: Confinement) -> list[str]:
        wanted = {
            "writable": [str(self.path(given.writable))],
            "covered": {self._seen(path): self._seen(source) for path, source in given.covered.items()},
            "hidden": [str(self.path(path)) for path in given.hidden],
            "memory": [str(self.path(SHARED_MEMORY))],
        }
        return ["unshare", "--net", "--mount", "--", sys.executable, "-I", str(CONFINED), json.dumps(wanted)]

    def _seen(self, inside: PurePosixPath) -> str:
        return str(self.path(self.followed(inside)))

    def run(
        self, argv: Sequence[str], *, variables: Mapping[str, str] | None = None, text: str = "", seconds: float | None
    ) -> subprocess.CompletedProcess[str]:
        """What a program of the host answered; `text` is its input."""
        return subprocess.run(
            self.command(argv),
            cwd="/",
            env={**ENVIRONMENT, **(variables or {})},
            # A Ctrl-C is the engine's; it ends what it started.
            start_new_session=True,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )

    def here(self, argv: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
        """What a program answered that runs as the engine itself."""
        return subprocess.run(
            argv, cwd="/", env=ENVIRONMENT, capture_output=True, text=True, timeout=seconds, check=False
        )

    def start(
        self,
        argv: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        log: IO[str] | None = None,
        confinement: Confinement | None = None,
    ) -> subprocess.Popen[str]:
        """A program of the host that runs on; its output goes to `log`, or is read by the caller."""
        return subprocess.Popen(
            self.command(argv, confinement=confinement),
            cwd="/",
            env={**ENVIRONMENT, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.PIPE,
            stderr=log or subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def program(self, name: str) -> str:
        return str(layout.programs(self.major) / name)

    def psql(
        self, query: str, *, port: int | None = None, sockets: str = layout.SOCKETS, database: str | None = None
    ) -> list[list[str]]:
        """The rows of a query as the superuser, each value as text; the server that serves unless told otherwise.

        Raises RecoveryError.
        """
        address = ["--host", sockets, "--port", str(port or self.spec.postgres.port)]
        address += ["--dbname", database or self.spec.postgres.database, "--username", layout.OWNER]
        # Not through Debian's wrapper, whose Perl takes longer than most queries.
        argv = [self.program("psql"), "-XAtq", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", *address]
        answer = self.run(argv, text=query, seconds=QUERY_SECONDS)
        if answer.returncode:
            raise RecoveryError(f"PostgreSQL: {' '.join(answer.stderr.split()) or 'psql ended without output'}")
        return [line.split("\x1f") for line in answer.stdout.splitlines()]

    def is_serving(self) -> bool:
        """Whether the cluster that serves answers and may be written."""
        try:
            return self.psql("SELECT pg_is_in_recovery()") == [["f"]]
        except RecoveryError:
            return False

    def next_xid(self) -> int:
        """The number of the next transaction of the server that serves. Raises RecoveryError."""
        ((number,),) = self.psql("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        return int(number)

    def owner(self) -> tuple[int, int]:
        """The user and the group of PostgreSQL's files, by number."""
        found = self.path(self.clusters).stat()
        return found.st_uid, found.st_gid

    def make_folder(self, inside: PurePosixPath | str) -> Path:
        """A fresh folder that PostgreSQL's user alone may read."""
        made = self.path(inside)
        made.mkdir(mode=0o700)
        os.chown(made, *self.owner())
        return made

    def write(self, inside: PurePosixPath | str, text: str) -> None:
        """A file that PostgreSQL's user alone may read."""
        path = self.path(inside)
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            os.fchown(file.fileno(), *self.owner())
            file.write(text)


def free_bytes(machine: Machine) -> int:
    found = os.statvfs(machine.path(machine.clusters))
    return found.f_bavail * found.f_frsize
