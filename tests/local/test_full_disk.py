"""The disk of a whole local stack is full: parts live, commands say the way out, no acknowledged row is lost."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from host.recovery.repository_acts import MEND_GROWN
from local.host import database
from local.host.spec import running
from tests.local.stack_under_test import StackUnderTest, add_entry, descriptions, removed
from tests.small_disk import needs_disk, small_disk
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600), needs_disk]
MB = 2**20
LARGE_KB = 2 * MB
ROOM_MB = 150
ROW_BYTES = 30_000
CONNECTIONS = 3
FULL_BYTES = 64 * 1024
PAGE_BYTES = 8192
DATA = "var/lib/postgresql/17/main"
TABLE = "CREATE TABLE public.filled (id bigint PRIMARY KEY, filler bytea); GRANT ALL ON public.filled TO app"
# Each of them refuses, or fails, or only looks.
COMMANDS = (
    ("local", "status"),
    ("db", "status"),
    ("backup", "list"),
    ("backup", "now"),
    ("backup", "verify"),
    ("restore", "--to", "latest", "--into", "side"),
    ("drill",),
    ("local", "up"),
    ("local", "verify"),
    ("db", "migrate"),
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk for a stack, with something else on it."""
    made = tmp_path / "disk"
    made.mkdir()
    with small_disk(made, LARGE_KB):
        yield made


@contextmanager
def load(stack: StackUnderTest) -> Iterator[set[int]]:
    """Rows of what can't be compressed; the numbers of those that were acknowledged."""
    here, acknowledged, is_over = stack.here, set[int](), threading.Event()
    conninfo = database.conninfo(here, running(here), "app", here.ports.postgres)

    def write(number: int) -> None:
        while not is_over.is_set():
            try:
                with psycopg.connect(conninfo, autocommit=True, connect_timeout=3) as connection:
                    while not is_over.is_set():
                        number += CONNECTIONS
                        connection.execute("INSERT INTO public.filled VALUES (%s, %s)", (number, os.urandom(ROW_BYTES)))
                        acknowledged.add(number)
            except psycopg.Error:
                is_over.wait(0.1)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield acknowledged
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def fill(file: Path) -> None:
    """Takes what is left of the disk."""
    with suppress(OSError), file.open("wb", buffering=0) as opened:
        while opened.write(bytes(FULL_BYTES)):
            pass


def copies_lacking(stack: StackUnderTest) -> set[str]:
    """Objects of the backups' bucket that its copy does not have."""
    backup = stack.host()["backup"]

    def keys(bucket: str, region: str) -> set[str]:
        pages = stack.store().client(region).get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return {found["Key"] for page in pages for found in page.get("Contents", ())}

    return keys(backup["bucket"], backup["region"]) - keys(backup["copy"]["bucket"], backup["copy"]["region"])


def test_a_full_disk_loses_nothing_and_each_command_says_the_way_out(disk: Path) -> None:
    with removed(StackUnderTest(disk / "state")) as stack:
        stack.bring_up()
        stack.psql(TABLE)
        add_entry(stack, "before")
        other = disk / "other"
        other.write_bytes(bytes(4 * ROOM_MB * MB))
        size = shutil.disk_usage(disk).used + ROOM_MB * MB
        subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
        before = {name: part.pid for name, part in stack.parts().items()}
        with load(stack) as acknowledged:
            # PostgreSQL may have ended by then, for want of a whole file of log, or end by one of the commands.
            until(lambda: shutil.disk_usage(disk).free < FULL_BYTES or not stack.parts()["postgres"].is_running)
            fill(disk / "rest")
            for command in COMMANDS:
                answer = stack.hybrid(*command)
                assert f"{stack.state}: its disk is full: " in answer.stderr, (command, answer)
                assert (
                    "make room there, then `./hybrid local up`: docs/runbooks/database.md, Full disk" in answer.stderr
                )
        # By it somebody may remove rows.
        assert stack.run("exec", "--", "true").returncode == 0
        assert stack.here.supervisor.is_running()
        there = {name: part.pid for name, part in stack.parts().items() if part.is_running}
        assert {**before, "postgres": None} == {**there, "postgres": None}
        # As the runbook says.
        other.unlink()
        (disk / "rest").unlink()
        stack.up()
        assert acknowledged <= {int(line) for line in stack.psql("SELECT id FROM public.filled").split()}
        assert descriptions(stack) == ["before"]
        until(lambda: not copies_lacking(stack))
        # Half a page at the end, which a full disk leaves by chance only.
        file = stack.here.state.root / DATA / stack.psql("SELECT pg_relation_filepath('public.filled')")
        os.truncate(file, file.stat().st_size // PAGE_BYTES * PAGE_BYTES + PAGE_BYTES // 2)
        answer = stack.hybrid("backup", "now")
        assert "table public.filled (" in answer.stderr, answer
        assert MEND_GROWN in answer.stderr, answer
        # Of all tables: any of them may have grown last.
        stack.psql("VACUUM FULL")
        for act in ("backup now --type full", "backup verify", "local verify"):
            answer = stack.hybrid(*act.split())
            assert answer.returncode == 0, answer
        assert stack.up().splitlines()[-1] == "nothing to change"
