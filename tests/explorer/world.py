"""One real world: a local stack whose database is written to, a second one that may follow it, and what is known.

Everything that changes it goes by the product's own commands, or is what the world does to a machine: a signal, a lost
folder. The rows that were acknowledged are written down outside of it (`Ledger`).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from backups.local_connection import LocalConnection
from host.common.layout import SERVE_WITHOUT_LATER_ROWS
from host.recovery.contract import MAIN
from local.host import database, namespace, root_filesystem
from local.host.runtime import is_answering
from local.host.spec import MAJOR, running
from local.identity.part import access_token
from local.stack.traffic import account
from plan import codec
from plan.model import Plan
from plan.project import ROOT
from tests.commands import in_this_process, ran
from tests.explorer import command
from tests.explorer.clock import Clock
from tests.explorer.ledger import SEGMENT_BYTES, Ledger, segment
from tests.explorer.model import CLIENTS_PARTS, EDGE_RUNTIME, ENDING, RESTARTING
from tests.explorer.writer import ENTRY
from tests.local.stack_under_test import StackUnderTest

ARCHIVE_SECONDS = 30
"""archive_timeout: the least that may be declared."""
LIMIT_SECONDS = ARCHIVE_SECONDS + 45
"""How old the oldest acknowledged row may be that the repository lacks, on a machine that does something else, too."""
SESSION_ROWS = 10_000_000
CONNECTIONS, PACE_SECONDS = 4, 0.02
TABLE = """
CREATE TABLE public.explored (id bigint PRIMARY KEY, filler text NOT NULL);
GRANT SELECT, INSERT ON public.explored TO app;
"""
COMMAND_SECONDS = 600
KILLED_SECONDS = 30
BALLAST_MB, FULL_KB = 16, 512
BACKENDS = "app"
"""The role of the load's sessions, and so what their processes are called."""


class World:
    """`a` has the backups; `b` is made beside it. The load goes to the one that serves.

    With a site they have all their parts, and the load may come through the edge.
    """

    def __init__(
        self, a: StackUnderTest, b: StackUnderTest, plan: Plan, folder: Path, *, has_site: bool = False
    ) -> None:
        self.a, self.b, self.plan, self.folder, self.has_site = a, b, plan, folder, has_site
        self.serving = a
        self.ledger = Ledger(file=folder / "ledger")
        self.clock = Clock(folder=folder / command.CLOCK)
        self.plan_file = folder / "plan.json"
        self.plan_file.write_text(codec.dumps(plan, reveal_secrets=True, indent=None))
        self._sessions = 0
        self._account = ""
        self._ways: dict[Path, dict[str, Any]] = {}
        self._wanted: tuple[int, float, str] = (CONNECTIONS, PACE_SECONDS, "postgres")
        self._load: subprocess.Popen[str] | None = None

    # Commands.

    def hybrid(self, *words: str, on: StackUnderTest | None = None) -> subprocess.CompletedProcess[str]:
        """As the operator of a stack, the one that serves unless another is named."""
        environment = {**(on or self.serving).environment, **self.clock.variables}
        if self.clock.offset:
            # This process has its own clock.
            argv = command.argv(self.plan_file, *words, has_site=self.has_site)
            return ran(argv, env={**environment, "PYTHONPATH": str(ROOT)}, timeout=COMMAND_SECONDS)
        with command.realised(self.plan, self.clock, has_site=self.has_site):
            return in_this_process(environment, *words)

    def started(self, *words: str, on: StackUnderTest | None = None) -> subprocess.Popen[str]:
        """The same in a process group of its own, to be killed."""
        stack = on or self.serving
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command.argv(self.plan_file, *words, has_site=self.has_site),
            env={**stack.environment, **self.clock.variables, "PYTHONPATH": str(ROOT)},
            stdout=pipe,
            stderr=pipe,
            text=True,
            start_new_session=True,
        )

    def json(self, *words: str, on: StackUnderTest | None = None) -> Any:
        """What a command prints, whatever it ends with; None where it prints nothing."""
        said = self.hybrid(*words, "--json", on=on).stdout
        return json.loads(said) if said.strip() else None

    # The load.

    def start_load(
        self, connections: int = CONNECTIONS, pace_seconds: float = PACE_SECONDS, way: str = "postgres"
    ) -> None:
        """By way of `postgres`, of the `pooler`, or of the `edge`: of these connections all but one call the API."""
        self.stop_load()
        self._sessions += 1
        self._wanted = connections, pace_seconds, way
        stack = self.serving
        # It may be tried while the stack does not run, as an application tries it.
        if stack.here.supervisor.is_running():
            self._ways[stack.state] = self._ways_of(stack)
        wanted = {
            "file": str(self.ledger.file),
            "way": self._ways[stack.state][way],
            "first": self._sessions * SESSION_ROWS,
            "connections": connections,
            "pace_seconds": pace_seconds,
        }
        argv = [sys.executable, "-P", "-m", "tests.explorer.writer"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._load = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True, env=environment)
        assert self._load.stdin is not None
        self._load.stdin.write(json.dumps(wanted))
        self._load.stdin.close()

    def start_load_again(self) -> None:
        """As it was last, at what serves now."""
        self.start_load(*self._wanted)

    def open_account(self) -> None:
        """For the API's entries; before all else, so that no restore comes to before it."""
        self._account = account(self.a.here, access_token(self.a.here))

    def _ways_of(self, stack: StackUnderTest) -> dict[str, Any]:
        here = stack.here
        host, ports = running(here), here.ports
        found: dict[str, Any] = {
            way: {"conninfo": database.conninfo(here, host, BACKENDS, port)}
            for way, port in (("postgres", ports.postgres), ("pooler", ports.pooler))
        }
        if self.has_site:
            place = {"state": str(stack.state), "first_port": stack.first_port}
            found["edge"] = {**found["pooler"], **place, "account": self._account}
        return found

    def stop_load(self) -> None:
        """Every row that is acknowledged is written down by then."""
        if self._load is not None:
            self._load.terminate()
            try:
                self._load.wait(KILLED_SECONDS)
            except subprocess.TimeoutExpired:
                self._load.kill()
                self._load.wait()
            self._load = None
        self.ledger.read()

    @property
    def is_loaded(self) -> bool:
        return self._load is not None

    # Looks.

    def ids(self, port: int | None = None) -> list[int]:
        """Of the rows that a cluster has, whatever its indexes say."""
        entries = f"SELECT substr(description, {len(ENTRY) + 1}) FROM regulated.ledger_entries"
        queries = ("SELECT id FROM public.explored", f"{entries} WHERE description LIKE '{ENTRY}%'")
        return [int(line) for line in self.psql("SET enable_indexscan = off", *queries, port=port).split()]

    def psql(self, *queries: str, port: int | None = None) -> str:
        return self.serving.psql(*queries, port=port)

    def timeline(self) -> int:
        return int(self.psql("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"), 16)

    def archived(self, timeline: int, moment: float | None = None, *, is_copy: bool = False) -> int:
        """Up to which position the repository, or its copy, has a timeline's log, or had it at a moment; bytes."""
        keys = self._keys("archive", moment, is_copy=is_copy)
        names = {key.rsplit("/", 1)[-1][:24] for key in keys if "-" in key.rsplit("/", 1)[-1]}
        numbers = [segment(name) for name in names if len(name) == 24]
        return max((number + 1 for line, number in numbers if line == timeline), default=0) * SEGMENT_BYTES

    def _keys(self, kind: str, moment: float | None = None, *, is_copy: bool = False) -> list[str]:
        backup = self.a.host()["backup"]
        place = backup["copy"] if is_copy else backup
        pages = self.a.store().client(place["region"]).get_paginator("list_objects_v2")
        return [
            found["Key"]
            for page in pages.paginate(Bucket=place["bucket"], Prefix=f"postgresql/{kind}/{backup['stanza']}/")
            for found in page.get("Contents", ())
            if moment is None or found["LastModified"].timestamp() < moment
        ]

    def is_answering(self, stack: StackUnderTest | None = None) -> bool:
        here = (stack or self.serving).here
        return here.supervisor.is_running() and is_answering(database.runtime(here))

    # What befalls a machine.

    def postgres(self, stack: StackUnderTest | None = None) -> list[psutil.Process]:
        """The postmaster and all below it; empty where none runs."""
        try:
            return _tree((stack or self.serving).pid("postgres"))
        except (AssertionError, KeyError):
            return []

    def processes(self, who: str) -> list[psutil.Process]:
        """`postmaster`, `postgres` (all of it), `store`, `supervisor` (with all that it holds), `pooler`, `edge` (all
        of it), `workerd`, `backend` (one of the load's), or as `ps` calls one of PostgreSQL's: `checkpointer`,
        `walwriter`, `archiver`.
        """
        if who == "supervisor":
            pid = self.serving.here.supervisor.pid
            return [psutil.Process(pid)] if pid else []
        if who == "store":
            return _tree(self.a.pid("objects"))
        if who in (*CLIENTS_PARTS, EDGE_RUNTIME):
            # One that was killed before has none.
            tree = _tree(self.serving.parts()["edge" if who == EDGE_RUNTIME else who].pid or 0)
            return tree if who in CLIENTS_PARTS else [one for one in tree if who in one.name()]
        found = self.postgres()
        if who in ("postmaster", "postgres"):
            return found[:1] if who == "postmaster" else found
        sign = f"postgres: {BACKENDS if who == 'backend' else who} "
        return [one for one in found[1:] if _title(one).startswith(sign)][:1]

    def kill(self, who: str) -> int:
        """kill -9; how many. What ends with them has ended, too, when this returns."""
        found = self.processes(who)
        also = self.postgres() if found and who in (*ENDING, *RESTARTING, "supervisor") else []
        if who in RESTARTING:
            # The postmaster ends the others, and begins them anew; until then it seems to answer.
            also = also[1:]
        for one in found:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs({*found, *also}, KILLED_SECONDS)
        return len(found)

    def reset(self, stack: StackUnderTest) -> int:
        """kill -9 of the supervisor, and of all else of a stack; how many."""
        pid = stack.here.supervisor.pid
        found = _tree(pid) if pid else []
        for one in found:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(found, KILLED_SECONDS)
        return len(found)

    def send(self, who: str, number: signal.Signals) -> int:
        found = self.processes(who)
        for one in found:
            with suppress(psutil.Error):
                one.send_signal(number)
        return len(found)

    def engines(self) -> list[psutil.Process]:
        """Of a recovery that is on its way."""
        return [one for one in self.serving.processes() if "host.recovery" in _title(one)]

    def kill_act(self, process: "subprocess.Popen[str]", who: str) -> None:
        """kill -9 of a command's whole group, of its engine on the host, or of both."""
        if who in ("engine", "both"):
            for one in self.engines():
                with suppress(psutil.Error):
                    one.kill()
        if who in ("command", "both"):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    @contextmanager
    def unstartable(self) -> Iterator[None]:
        """What a restore puts in main's place loses its control file as soon as it is there."""
        start = LocalConnection._start_swapped

        def started(connection: LocalConnection, kept: str) -> None:
            self._inside("rm", f"{self._data}/{MAJOR}/{MAIN}/global/pg_control")
            start(connection, kept)

        with mock.patch.object(LocalConnection, "_start_swapped", started):
            yield

    @contextmanager
    def small_disk(self, megabytes: int) -> Iterator[None]:
        """In the stack's namespaces, so it must not end meanwhile. 16 MB are kept back, as the runbook frees some.

        PostgreSQL is stopped when this begins, and when it ends.
        """
        self.serving.here.supervisor.halt("postgres")
        used = int(self._inside("du", "-sm", self._data).split()[0])
        disk = f"{self.serving.here.state.root}/mnt"
        self._inside("mount", "-t", "tmpfs", "-o", f"size={used + megabytes + BALLAST_MB}m,mode=755", "tmpfs", disk)
        self._inside("cp", "--archive", f"{self._data}/.", disk)
        self._inside("mount", "--bind", disk, self._data)
        self._inside("dd", "if=/dev/zero", f"of={self._data}/ballast", "bs=1M", f"count={BALLAST_MB}")
        try:
            yield
        finally:
            self.serving.here.supervisor.halt("postgres")
            self._inside("umount", "--lazy", self._data)
            self._inside(
                "sh", "-c", f"rm -rf {self._data}/* && cp --archive {disk}/. {self._data} && umount --lazy {disk}"
            )

    def checksum(self, folder: str) -> str:
        """Of all files in a folder of the host."""
        within = f"{self.serving.here.state.root}{folder}"
        return self._inside("sh", "-c", f"cd {within} && find . -type f | sort | xargs -r md5sum | md5sum")[:8]

    def is_disk_full(self) -> bool:
        """Or PostgreSQL has ended for want of room."""
        return int(self._inside("df", "--output=avail", self._data).split()[-1]) < FULL_KB or not self.is_answering()

    def free_disk(self) -> None:
        self._inside("rm", f"{self._data}/ballast")

    @property
    def _data(self) -> str:
        return f"{self.serving.here.state.root}/var/lib/postgresql"

    def _inside(self, *argv: str) -> str:
        """As root of the stack's namespaces, with the machine's own paths."""
        pid = self.serving.here.supervisor.pid
        assert pid, "the supervisor is gone"
        command = namespace.enter(pid, argv)
        answer = subprocess.run(command, capture_output=True, text=True, timeout=KILLED_SECONDS, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def lose_root(self, stack: StackUnderTest) -> None:
        root_filesystem.remove(stack.state / "root")

    def lose_bucket(self) -> None:
        """The folder of the primary repository's bucket."""
        shutil.rmtree(self.a.store().state.store / self.a.host()["backup"]["bucket"])

    @contextmanager
    def damaged_bundle(self) -> Iterator[str]:
        """A file of the newest backup has other bytes meanwhile; its label."""
        backup = self.a.host()["backup"]
        client = self.a.store().client(backup["region"])
        key = max(key for key in self._keys("backup") if "/bundle/" in key)
        content = client.get_object(Bucket=backup["bucket"], Key=key)["Body"].read()
        middle = len(content) // 2
        damaged = content[:middle] + bytes(64) + content[middle + 64 :]
        client.put_object(Bucket=backup["bucket"], Key=key, Body=damaged)
        try:
            yield key.split("/bundle/")[0].rsplit("/", 1)[-1]
        finally:
            client.put_object(Bucket=backup["bucket"], Key=key, Body=content)

    def leave_to_serve(self, stack: StackUnderTest) -> None:
        """What the refusal of a way back advises; the file is root's."""
        database.runtime(stack.here).permit(SERVE_WITHOUT_LATER_ROWS)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:
        return []


def _title(process: psutil.Process) -> str:
    try:
        return f"{' '.join(process.cmdline()).strip()} "
    except psutil.Error:
        return ""
