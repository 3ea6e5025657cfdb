"""What a host that boots asks before PostgreSQL starts: whether another one was promoted while it was away."""

import os
import subprocess
from pathlib import Path

import pytest

from host.database.cluster import settings_text
from host.database.services import may_serve_text
from host.specification.reading import parse
from tests.host.specs import spec

DATA, SETTINGS = "var/lib/postgresql/17/main", "etc/postgresql/17/main"
# The archive is a folder here; whoever asks it as another user is nobody else.
PROGRAMS = {
    "setpriv": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
    "pgbackrest": 'for path in "$@"; do :; done; echo "$path" >>"$ARCHIVE.asked"; [ -d "$ARCHIVE" ] || exit 49\n'
    'ls "$ARCHIVE/$path" 2>/dev/null || true',
}


class Machine:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (f"{DATA}/pg_wal", SETTINGS, "etc/hybrid", "programs"):
            (root / name).mkdir(parents=True)
        self.write(f"{DATA}/PG_VERSION", "17")
        self.write(f"{DATA}/pg_wal/000000020000000000000007")
        self.write(f"{SETTINGS}/postgresql.conf", "port = 5432\n")
        for name, text in PROGRAMS.items():
            self.write(f"programs/{name}", f"#!/bin/sh\n{text}\n")
            (root / "programs" / name).chmod(0o755)
        text = may_serve_text(parse(spec()), wait_seconds=0)
        for folder in ("run", "etc", "var"):
            text = text.replace(f"/{folder}/", f"{root}/{folder}/")
        self.write("may-serve", text)

    def write(self, name: str, text: str = "") -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def archive(self, *names: str) -> None:
        self.write("archive/archive/main-17/archive.info")
        for name in names:
            self.write(f"archive/archive/main-17/17-1/{name}")

    def boot(self) -> subprocess.CompletedProcess[str]:
        # /run is in memory.
        (self.root / "run/hybrid/repository-asked").unlink(missing_ok=True)
        return self.start()

    def start(self) -> subprocess.CompletedProcess[str]:
        path = f"{self.root / 'programs'}:{os.environ['PATH']}"
        variables = os.environ | {"PATH": path, "ARCHIVE": str(self.root / "archive")}
        answer = subprocess.run(
            ["sh", str(self.root / "may-serve")], env=variables, capture_output=True, text=True, timeout=20, check=False
        )
        assert answer.stderr == ""
        return answer

    @property
    def has_asked(self) -> bool:
        return (self.root / "archive.asked").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    "names", [(), ("0000000200000000/x",), ("00000002.history", "0000000100000000/x")], ids=["new", "log", "history"]
)
def test_the_one_that_served_last_starts_and_asks_once(machine: Machine, names: tuple[str, ...]) -> None:
    machine.archive(*names)
    assert (machine.boot().returncode, machine.boot().stdout) == (0, "")
    # What is archived later is looked at by others, and does not keep a killed server from coming back.
    machine.archive("00000003.history")
    assert machine.start().returncode == 0


@pytest.mark.parametrize("name", ["00000003.history", "0000000B00000000/x"])
def test_one_beside_which_another_was_promoted_does_not_start(machine: Machine, name: str) -> None:
    machine.archive("00000002.history", name)
    for answer in (machine.boot(), machine.start()):
        assert answer.returncode == 1
        assert answer.stdout.startswith(f"<2>another host was promoted meanwhile, for timeline {name[:8]} is archived")


def test_a_store_that_is_away_keeps_nobody_from_serving(machine: Machine) -> None:
    answer = machine.boot()
    assert answer.returncode == 0
    assert answer.stdout.startswith(
        "<2>the repository can't be read, so whether another host was promoted meanwhile is"
    )
    assert machine.has_asked


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{SETTINGS}/postgresql.conf", "default_transaction_read_only = on\n"),
        (f"{DATA}/standby.signal", ""),
        ("etc/hybrid/serve-without-later-rows", ""),
    ],
    ids=["shut", "standby", "leave"],
)
def test_one_that_clients_do_not_write_to_starts_unasked(machine: Machine, path: str, text: str) -> None:
    machine.archive("00000003.history")
    machine.write(path, text)
    assert (machine.boot().returncode, machine.has_asked) == (0, False)


def test_what_is_declared_to_shut_clients_out_is_what_the_program_looks_for() -> None:
    assert "\ndefault_transaction_read_only = on\n" in settings_text(parse(spec(is_serving=False)))
    assert "default_transaction_read_only" not in settings_text(parse(spec()))
