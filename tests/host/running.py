"""A host in its namespaces, as the tests drive it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from local.host import namespace
from tests.host.preloaded import Preloaded
from tests.host.tree import Tree
from tests.run.ports import listens
from tests.waiting import LIMIT_SECONDS, until

PROJECT = Path(__file__).resolve().parents[2]
# PID 1 has to take in the processes that lost their parent, as a supervisor does.
REAPER = """set -e
mount --bind "$1" "$2/mnt"
mount -o remount,bind,ro "$2/mnt"
mount --move "$2/mnt" "$2/usr"
while :; do sleep 3600 & wait; done
"""
# Whatever ends the tests, kill -9 too, ends with them what is started behind these words.
TIED = ("setpriv", "--pdeathsig", "KILL", "--")
DATA = "var/lib/postgresql"
# Not through Debian's wrapper, whose Perl takes longer than most queries.
PROGRAMS = "/usr/lib/postgresql/17/bin"
# Of what takes a moment on a machine that is its own: others may keep it busy.


class HostUnderTest:
    def __init__(self, tree: Tree, spec: dict[str, Any]) -> None:
        self.root = tree.root
        self.usr = tree.usr
        self.spec = spec
        self.log = tree.root.with_name("host.log")
        self.first: dict[str, dict[str, Any]] = {}
        self.pid = 0
        self.namespace = ""
        self.space: subprocess.Popen[bytes] | None = None
        self.parts: list[subprocess.Popen[bytes]] = []
        self._preloaded: list[Preloaded] = []

    def start(self) -> dict[str, dict[str, Any]]:
        """Fresh namespaces, both stages, PostgreSQL and the pooler; the stages' reports."""
        self.enter()
        return self.apply_and_run()

    def enter(self) -> None:
        """Fresh namespaces, with nothing in them yet."""
        first = ["bash", "-c", REAPER, "reaper", str(self.usr), str(self.root)]
        self.space = subprocess.Popen([*TIED, *namespace.launch(first, self.root)], stdin=subprocess.DEVNULL)
        space = self.space
        self.pid = until(lambda: namespace.first_process(space.pid))
        self.namespace = pid_namespace(self.pid)
        # Once /usr is there, all is.
        until(lambda: self.succeeds("true") or space.poll() is not None)
        assert space.poll() is None

    def apply_and_run(self) -> dict[str, dict[str, Any]]:
        """Both stages with a repository for the log, PostgreSQL and the pooler."""
        files = self.run_with_files()
        return {"files": files, "database": self.apply("database")}

    def run_with_files(self) -> dict[str, Any]:
        """The same without the second stage, which a copy of an applied host has behind it."""
        files = self.apply("files")
        assert not files["failed"], files["failed"]
        if self.spec["postgres"]["origin"] == "new":
            # While no archiver holds the repository's lock.
            self.pgbackrest("--no-online", "stanza-create")
        self.start_postgres()
        self.start_pooler()
        return files

    def stop(self) -> None:
        """End the namespaces as a crash would, and see that the kernel took everything inside along."""
        if self.space is None:
            return
        self.space.kill()
        for process in [self.space, *self.parts]:
            process.wait(LIMIT_SECONDS)
        self.parts.clear()
        for preloaded in self._preloaded:
            preloaded.end()
        self._preloaded.clear()
        self.pid = 0
        until(lambda: not members(self.namespace))

    def move_data_to_disk_of(self, megabytes: int) -> None:
        """The databases go to a disk of their own, which lasts as long as the namespaces."""
        disk, data = self.root / "mnt", self.root / DATA
        for argv in (
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(disk)],
            ["cp", "--archive", f"{data}/.", str(disk)],
            ["mount", "--move", str(disk), str(data)],
        ):
            answer = self.inside(argv)
            assert answer.returncode == 0, answer.stderr

    def succeeds(self, *argv: str) -> bool:
        """Whether a program in the root exits with 0."""
        return self.inside(["chroot", str(self.root), *argv]).returncode == 0

    def run(self, *argv: str, until_it: Callable[[], bool]) -> None:
        """Start a program in the root as the database's own user, and wait until it does what is asked of it."""
        command = namespace.enter(self.pid, ["chroot", "--userspec=postgres:postgres", str(self.root), *argv])
        with self.log.open("a") as log:
            program = subprocess.Popen(command, stdout=log, stderr=log)
        self.parts.append(program)
        until(lambda: until_it() or program.poll() is not None)
        assert program.poll() is None, self.log.read_text()[-2000:]

    def inside(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        command = namespace.enter(self.pid, argv)
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)

    def apply(self, stage: str, *options: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        result = self.preloaded.run("host.apply", self._apply_arguments(stage, *options, spec=spec))
        assert result.stdout, result.stderr
        report: dict[str, Any] = json.loads(result.stdout)
        return report | {"exit": result.returncode, "stderr": result.stderr}

    def applying(self, stage: str, *, first_on_path: Path) -> subprocess.Popen[bytes]:
        """The same under way, in a process group of its own, with another folder of programs before the usual ones."""
        path = f"PATH={first_on_path}:{namespace.PATH}"
        command = namespace.enter(self.pid, ["env", path, *self.apply_argv(stage)])
        null = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=PROJECT, stdout=null, stderr=null, start_new_session=True)

    def apply_argv(self, stage: str, *options: str, spec: dict[str, Any] | None = None) -> list[str]:
        return [sys.executable, "-m", "host.apply", *self._apply_arguments(stage, *options, spec=spec)]

    def _apply_arguments(self, stage: str, *options: str, spec: dict[str, Any] | None = None) -> list[str]:
        path = self.root.with_name("host.json")
        path.touch(mode=0o600)
        path.write_text(json.dumps(spec or self.spec))
        return [str(path), "--root", str(self.root), "--stage", stage, *options]

    @property
    def preloaded(self) -> Preloaded:
        if not self._preloaded or self._preloaded[-1].is_lost:
            self._preloaded.append(Preloaded(self.pid, Path(tempfile.mkdtemp(dir=self.root.parent), "preloaded")))
        return self._preloaded[-1]

    def connect(self, role: str, *, through_pooler: bool = False, **changes: Any) -> psycopg.Connection[Any]:
        """A client's connection from outside the root, with TLS verified to the full."""
        part = self.spec["pooler" if through_pooler else "postgres"]
        parameters = {
            "host": "localhost",
            "port": part["port"],
            "dbname": self.spec["postgres"]["database"],
            "user": role,
            "password": next(one["password"] for one in self.spec["postgres"]["roles"] if one["name"] == role),
            "sslmode": "verify-full",
            "sslrootcert": str(self.authorities),
            "autocommit": True,
        }
        return psycopg.connect(**(parameters | changes))

    @property
    def authorities(self) -> Path:
        return self.root / "etc/hybrid/tls/authorities.crt"

    def superuser(self, query: str) -> str:
        """What psql prints, as the superuser over the socket."""
        return self.psql("postgres", query)

    def psql(self, role: str, query: str) -> str:
        """What psql prints for a role that comes over the socket; AssertionError with its error."""
        place = ["--port", str(self.spec["postgres"]["port"]), "--dbname", self.spec["postgres"]["database"]]
        argv = [
            f"{PROGRAMS}/psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "--username",
            role,
            *place,
            "--command",
            query,
        ]
        answer = self.as_postgres(*argv)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def as_postgres(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.inside(["chroot", "--userspec=postgres:postgres", str(self.root), *argv])

    def pgbackrest(self, *arguments: str) -> str:
        answer = self.as_postgres("pgbackrest", f"--stanza={self.spec['backup']['stanza']}", *arguments)
        assert answer.returncode == 0, answer.stderr + answer.stdout
        return answer.stdout

    def signal_postgres(self, signal: str) -> None:
        """HUP reloads, INT shuts down fast, KILL is what it says; the server's first process only."""
        lock = self.root / "var/lib/postgresql/17/main/postmaster.pid"
        # Another user's file where the tests are an ordinary user's.
        pid = self.inside(["head", "-n", "1", str(lock)]).stdout.strip()
        assert self.inside(["kill", f"-{signal}", pid]).returncode == 0

    def signal_pooler(self, signal: str) -> None:
        pid = self.inside(["cat", str(self.root / "run/postgresql/pgbouncer.pid")]).stdout.strip()
        assert self.inside(["kill", f"-{signal}", pid]).returncode == 0

    def start_postgres(self) -> None:
        self.run(f"{PROGRAMS}/postgres", "-D", "/etc/postgresql/17/main", until_it=self.answers)

    def start_pooler(self) -> None:
        port = self.spec["pooler"]["port"]
        self.run("/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini", until_it=lambda: listens(port))

    def stop_postgres(self) -> None:
        """All that it has to write is written, and archived, when this returns."""
        self.signal_postgres("INT")
        until(lambda: not self.is_postgres_alive())

    def is_postgres_alive(self) -> bool:
        return self.inside(["pgrep", "--full", f"^{PROGRAMS}/postgres"]).returncode == 0

    def has_postgres_processes(self) -> bool:
        """Any of them, the server's backends too."""
        pattern = f"^{PROGRAMS}/postgres|^postgres: "
        return self.inside(["pgrep", "--full", pattern]).returncode == 0

    def answers(self) -> bool:
        return self.succeeds(f"{PROGRAMS}/pg_isready", "--quiet", "--port", str(self.spec["postgres"]["port"]))

    def restart_postgres(self) -> None:
        self.signal_postgres("INT")
        lock = str(self.root / "var/lib/postgresql/17/main/postmaster.pid")
        until(lambda: self.inside(["test", "-e", lock]).returncode)
        self.start_postgres()

    def one(self, role: str, query: str, **changes: Any) -> Any:
        """The first value of a query's first row."""
        with self.connect(role, **changes) as connection:
            row = connection.execute(query).fetchone()
            return row[0] if row else None


def pid_namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/pid")


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # Ended in between.
        return []


def members(space: str) -> list[int]:
    """The processes of a pid namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            found += [int(path.name)] if pid_namespace(int(path.name)) == space else []
        except OSError:  # Ended in between, or another user's.
            continue
    return found


def mounts(path: Path) -> list[str]:
    """What is mounted at a path or below it, as this machine sees it: what others mount elsewhere is theirs."""
    points = [Path(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines()]
    return [str(point) for point in points if point.is_relative_to(path)]
