"""A real host whose PostgreSQL is killed under load, over and over: no acknowledged row is lost."""

import threading
import time
from dataclasses import dataclass, field

import psycopg
import pytest

from tests.host.running import HostUnderTest
from tests.run.soak import IS_SOAK
from tests.waiting import until

pytestmark = pytest.mark.slow

KILLS = 20 if IS_SOAK else 5
WRITERS = 6
IS_GONE = "for pid; do kill -0 $pid 2>&- && exit 1; done; exit 0"


@dataclass
class Writer:
    """Inserts one row after the other, each in a transaction of its own, and notes what was acknowledged."""

    host: HostUnderTest
    number: int
    through_pooler: bool
    acknowledged: dict[int, float] = field(default_factory=dict)
    """When, by row."""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        row = 0
        while not self.stop.is_set():
            try:
                with self.host.connect("app", through_pooler=self.through_pooler, connect_timeout=5) as connection:
                    while not self.stop.is_set():
                        row += 1
                        connection.execute("INSERT INTO public.written VALUES (%s, %s)", (self.number, row))
                        self.acknowledged[row] = time.time()
            except psycopg.Error:
                # Not acknowledged: it may be there or not. A number is never used twice.
                time.sleep(0.02)


@pytest.fixture(scope="module")
def table(host: HostUnderTest) -> HostUnderTest:
    with host.connect("migrator") as connection:
        connection.execute("CREATE TABLE public.written (writer int, row int, PRIMARY KEY (writer, row))")
    return host


def kill(host: HostUnderTest) -> None:
    """kill -9 of every PostgreSQL process at once, as the kernel does when memory runs out or a machine dies."""
    killed: list[str] = []

    def none_is_left() -> bool:
        """One that was forked since they were listed holds the shared memory, to a server that starts."""
        listed = host.inside(["pgrep", "--full", "^/usr/lib/postgresql/17/bin/postgres|^postgres: "]).stdout.split()
        if listed:
            host.inside(["kill", "-KILL", *listed])
        killed.extend(listed)
        return not listed

    until(none_is_left)
    # One that its parent has not taken in yet still holds the socket's lock file.
    until(lambda: host.inside(["sh", "-c", IS_GONE, "sh", *killed]).returncode == 0)
    lock = host.root / "var/lib/postgresql/17/main/postmaster.pid"
    host.inside(["rm", "-f", str(lock)])
    host.start_postgres()


def wait_for_more(writers: list[Writer]) -> None:
    """Returns when every writer got on, those through the pooler, too."""
    before = [len(writer.acknowledged) for writer in writers]
    until(lambda: all(len(one.acknowledged) > count for one, count in zip(writers, before, strict=True)))


def test_no_acknowledged_row_is_lost_over_many_kills(table: HostUnderTest, capsys: pytest.CaptureFixture[str]) -> None:
    writers = [Writer(table, number, through_pooler=number % 2 == 0) for number in range(WRITERS)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            wait_for_more(writers)
            kill(table)
    finally:
        for writer in writers:
            writer.stop.set()
        for thread in threads:
            thread.join(30)
    with table.connect("migrator") as connection:
        found = set(connection.execute("SELECT writer, row FROM public.written").fetchall())
    acknowledged = {(writer.number, row) for writer in writers for row in writer.acknowledged}
    with capsys.disabled():
        print(f"\n{KILLS} kills: {len(acknowledged)} rows acknowledged, {len(acknowledged & found)} found")
    assert acknowledged <= found
    # A row that was written but not acknowledged: one at most for each writer and kill.
    assert len(found - acknowledged) <= KILLS * WRITERS


def test_data_checksums_hold_after_the_kills(table: HostUnderTest) -> None:
    assert table.superuser("SHOW data_checksums") == "on"
    with table.connect("migrator") as connection:
        assert connection.execute("SELECT count(*) FROM public.written").fetchone()
    assert table.superuser("SELECT sum(checksum_failures) FROM pg_stat_database") == "0"


def test_the_playbook_finds_nothing_to_heal_after_the_kills(table: HostUnderTest) -> None:
    assert table.apply("database")["changed"] == []
