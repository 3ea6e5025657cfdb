"""A machine under systemd that is reset, and whose programs are killed, under load: no acknowledged row is lost.

The explorer's kind of sequence (`tests/explorer/`) where nothing but systemd starts what has ended.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from plan.project import ROOT
from tests.explorer.ledger import SEGMENT_BYTES, Expected, Ledger, segment
from tests.explorer.world import KILLED_SECONDS, TABLE
from tests.host.bare_machine import MARKS, BareMachine
from tests.host.declared_machine import declared
from tests.host.specs import spec
from tests.host.test_bare_machine import app
from tests.host.test_bare_recovery import asked, done
from tests.waiting import until

pytestmark = [*MARKS, pytest.mark.soak]

RESETS, STEPS_BETWEEN = 4, 4
ARCHIVE_SECONDS = 30
LIMIT_SECONDS = ARCHIVE_SECONDS + 45
"""Until the newest row is in the repository, on a machine that does something else, too."""
SESSION_ROWS = 10_000_000
POSTGRES = r"^/usr/lib/postgresql/17/bin/postgres "
KILLED = {
    "postmaster": POSTGRES,
    "postgres": rf"{POSTGRES}|^postgres: ",
    "checkpointer": r"^postgres: .*checkpointer",
    "archiver": r"^postgres: .*archiver",
    "backend": r"^postgres: .*app clinic",
    "pooler": r"pgbouncer",
}
BACKUP = r"pgbackrest .*backup|host\.recovery"
PLAYBOOK = r"host\.converge|host\.apply"
LATEST = {"act": "restore", "target": {"kind": "latest", "value": None}, "into": "main", "replace": "main"}


class LoadedMachine:
    """Rows are written through its pooler; what was acknowledged is written down outside of it."""

    def __init__(self, machine: BareMachine, ledger: Path, seed: int) -> None:
        self.machine, self.ledger, self.draw = machine, Ledger(file=ledger), random.Random(seed)
        self.steps = self.kills = self._sessions = 0
        self._load: subprocess.Popen[str] | None = None

    @property
    def acts(self) -> dict[str, Callable[[], str]]:
        kills = {f"kill {who}": lambda pattern=pattern: self.kill(pattern) for who, pattern in KILLED.items()}
        return {
            **kills,
            "killed backup": lambda: self.killed(self.machine.command("systemctl", "start", BACKUP_UNIT), BACKUP),
            "killed convergence": lambda: self.killed(self.machine.playing("host.converge", wanted()), PLAYBOOK),
            "backup": lambda: self.machine.told("systemctl", "start", BACKUP_UNIT),
            "drill": lambda: str(done(self.machine, act="drill")["is_passed"]),
            "restore in place": self.restore,
        }

    def start_load(self) -> None:
        self._sessions += 1
        login = f"user=app password='{app(spec())['password'].replace(chr(39), chr(92) + chr(39))}' sslmode=require"
        document = {
            "file": str(self.ledger.file),
            "way": {"conninfo": f"host=127.0.0.1 port={spec()['pooler']['port']} dbname=clinic {login}"},
            "first": self._sessions * SESSION_ROWS,
            "connections": 4,
            "pace_seconds": 0.02,
        }
        argv = [*self.machine.network, sys.executable, "-P", "-m", "tests.explorer.writer"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._load = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True, env=environment)
        assert self._load.stdin
        self._load.stdin.write(json.dumps(document))
        self._load.stdin.close()

    def stop_load(self) -> None:
        if self._load:
            self._load.terminate()
            self._load.wait(KILLED_SECONDS)
            self._load = None

    def written(self) -> None:
        """Until another row is acknowledged: what serves clients is there again, by itself."""
        before = self._acked()
        until(lambda: self._acked() > before)

    def _acked(self) -> int:
        self.ledger.read()
        return sum(1 for _ in self.ledger.acked())

    def is_answering(self) -> bool:
        return self.machine.run("pg_isready", "--quiet", "--port", str(spec()["postgres"]["port"])).returncode == 0

    def step(self) -> None:
        name = self.draw.choice([*self.acts, *(f"kill {who}" for who in KILLED)])
        started = time.monotonic()
        said = self.acts[name]()
        self.written()
        self.tell(f"{name}: {said}; {self.rows()}", started)

    def tell(self, words: str, started: float) -> None:
        self.steps += 1
        print(f"{words} ({time.monotonic() - started:.1f} s)", file=sys.stderr, flush=True)

    def kill(self, pattern: str) -> str:
        """kill -9."""
        victims = [pid for pid, line in self.machine.command_lines().items() if re.search(pattern, line)]
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills += bool(victims)
        return f"{len(victims)} killed"

    def killed(self, argv: list[str], pattern: str) -> str:
        """In the middle, unless it has ended by then."""
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.draw.uniform(0.5, 5))
            said = self.kill(pattern)
        return f"{said}, ended with {process.returncode}"

    def restore(self) -> str:
        """All that was acknowledged comes back; what is kept goes, or the disk fills."""
        keeps: str = done(self.machine, **LATEST)["plan"]["keeps"]
        done(self.machine, act="discard", name=keeps)
        return f"kept {keeps}"

    def rows(self) -> str:
        """Each acknowledged row once, and nothing that nobody sent."""
        self.ledger.read()
        must = {row.id for row in self.ledger.acked()}
        found = [int(line) for line in str(until(self._ids)).split()]
        self.ledger.read()
        assert Expected(must=must, may=set(self.ledger.rows)).faults(found) == []
        return f"{len(found)} rows, {len(must)} acknowledged"

    def _ids(self) -> str:
        """Nothing while the server begins anew."""
        with suppress(AssertionError):
            return asked(self.machine, "SELECT id FROM public.explored")
        return ""

    def repository(self) -> str:
        """The newest row is there in time."""
        self.ledger.read()
        newest = max(self.ledger.acked(), key=lambda row: row.acked_at or 0.0)
        assert newest.acked_at
        assert newest.lsn
        while True:
            found = json.loads(self.machine.told(*AS_POSTGRES, "pgbackrest", "--output=json", "info"))
            behind = time.time() - newest.acked_at
            if (segment(found[0]["archive"][-1]["max"])[1] + 1) * SEGMENT_BYTES > newest.lsn:
                return f"in the repository {behind:.0f} s after its acknowledgement at most"
            assert behind < LIMIT_SECONDS
            time.sleep(1)


BACKUP_UNIT = "hybrid-backup-diff"
AS_POSTGRES = ("runuser", "-u", "postgres", "--")


def wanted() -> dict[str, Any]:
    found = declared()
    found["backup"]["archive_timeout_seconds"] = ARCHIVE_SECONDS
    return found


def converge(machine: BareMachine) -> None:
    report = machine.converge(wanted())
    assert (report["exit"], report["failed"]) == (0, []), report["stderr"]


@pytest.fixture
def loaded(converged: BareMachine, tmp_path: Path) -> Iterator[LoadedMachine]:
    seed = int(os.environ.get("HYBRID_EXPLORER_SEED") or random.SystemRandom().randrange(2**31))
    print(f"resets: seed {seed}", file=sys.stderr)
    made = LoadedMachine(converged, tmp_path / "ledger", seed)
    try:
        yield made
    finally:
        made.stop_load()


def test_no_acknowledged_row_is_lost_by_resets_and_kills(loaded: LoadedMachine) -> None:
    machine = loaded.machine
    for number in range(RESETS + 1):
        started = time.monotonic()
        with machine.booted():
            if number:
                loaded.kills += 1
                until(loaded.is_answering)
                said = loaded.rows()
            else:
                asked(machine, TABLE)
                converge(machine)
                said = "converged"
            loaded.start_load()
            loaded.written()
            loaded.tell(f"boot {number}: {said}; {loaded.repository()}", started)
            # Comes within half an hour; backups wait for it.
            converge(machine)
            for _ in range(STEPS_BETWEEN):
                loaded.step()
            # A reset, under load.
            machine.power_off()
        loaded.stop_load()
    acked = sum(1 for _ in loaded.ledger.acked())
    print(f"resets: {loaded.steps} steps, {loaded.kills} kills, {acked} acknowledged rows", file=sys.stderr)
