"""A host in its namespaces, as the tests drive it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from local import namespace

PROJECT = Path(__file__).resolve().parents[2]
# PID 1 has to take in the processes that lost their parent, as a supervisor does.
REAPER = ["bash", "-c", "while :; do sleep 3600 & wait; done"]
LIMIT_SECONDS = 20


def until(fact: Callable[[], Any]) -> Any:
    """The fact's first true value."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (value := fact()):
        if time.monotonic() > end:
            raise TimeoutError(f"not so within {LIMIT_SECONDS} s: {fact}")
        time.sleep(0.05)
    return value


class HostUnderTest:
    def __init__(self, root: Path, spec: dict[str, Any]) -> None:
        self.root = root
        self.spec = spec
        self.log = root.with_name("host.log")
        self.first: dict[str, dict[str, Any]] = {}
        self.pid = 0
        self.parts: list[subprocess.Popen[bytes]] = []

    def start(self) -> dict[str, dict[str, Any]]:
        """Fresh namespaces, both stages, PostgreSQL and the pooler; the stages' reports."""
        self.space = subprocess.Popen(namespace.launch(REAPER, self.root), stdin=subprocess.DEVNULL)
        self.pid = until(lambda: namespace.first_process(self.space.pid))
        until(lambda: self.succeeds("test", "-e", "/proc/1"))
        files = self.apply("files")
        self.run("/usr/lib/postgresql/17/bin/postgres", "-D", "/etc/postgresql/17/main")
        self.run("/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini")
        until(lambda: self.succeeds("pg_isready", "--port", str(self.spec["postgres"]["port"])))
        return {"files": files, "database": self.apply("database")}

    def stop(self) -> None:
        """End the namespaces as a crash would, and see that the kernel took everything inside along."""
        inside = pid_namespace(self.pid) if self.pid else ""
        self.space.kill()
        for process in [self.space, *self.parts]:
            process.wait(10)
        self.parts.clear()
        self.pid = 0
        until(lambda: not members(inside))

    def succeeds(self, *argv: str) -> bool:
        """Whether a program in the root exits with 0."""
        return self.inside(["chroot", str(self.root), *argv]).returncode == 0

    def run(self, *argv: str) -> None:
        """Start a program in the root as the database's own user."""
        self.start_inside(["chroot", "--userspec=postgres:postgres", str(self.root), *argv])

    def start_inside(self, argv: list[str]) -> None:
        """Start a program of this machine in the host's namespaces."""
        with self.log.open("a") as log:
            self.parts.append(subprocess.Popen(namespace.enter(self.pid, argv), stdout=log, stderr=log))

    def inside(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        command = namespace.enter(self.pid, argv)
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)

    def apply(self, stage: str, *options: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        path = self.root.with_name("host.json")
        path.touch(mode=0o600)
        path.write_text(json.dumps(spec or self.spec))
        argv = [
            sys.executable,
            "-m",
            "host.apply",
            str(path),
            "--root",
            str(self.root),
            "--stage",
            stage,
            *options,
        ]
        result = self.inside(argv)
        assert result.stdout, result.stderr
        report: dict[str, Any] = json.loads(result.stdout)
        return report | {"exit": result.returncode, "words": result.stderr}

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
            "sslrootcert": str(self.root / "etc/hybrid/ca/ca.crt"),
            "autocommit": True,
        }
        return psycopg.connect(**(parameters | changes))

    def one(self, role: str, query: str, **changes: Any) -> Any:
        """The first value of a query's first row."""
        with self.connect(role, **changes) as connection:
            row = connection.execute(query).fetchone()
            return row[0] if row else None


def pid_namespace(pid: int) -> str:
    return os.readlink(f"/proc/{pid}/ns/pid")


def members(space: str) -> list[int]:
    """The processes of a pid namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            found += [int(path.name)] if pid_namespace(int(path.name)) == space else []
        except OSError:  # Ended in between, or another user's.
            continue
    return found


def mounts() -> set[str]:
    return set(Path("/proc/mounts").read_text().splitlines())
