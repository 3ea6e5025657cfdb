"""A real host whose store is away for two minutes while somebody writes: every acknowledged row is restored."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.conftest import free_ports, running_host
from tests.host.gate import Gate
from tests.host.running import HostUnderTest, until
from tests.host.store import ObjectStore
from tests.recovery.site import Site, restore

pytestmark = pytest.mark.slow

AWAY_SECONDS = 120
# Each of these ends a segment, which then waits.
SEGMENT_SECONDS = 10
READY = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"


@pytest.fixture
def gate(store: ObjectStore) -> Iterator[Gate]:
    (port,) = free_ports(1)
    made = Gate(port, int(store.endpoint.partition(":")[2]))
    yield made
    made.shut()


@pytest.fixture
def host(
    root_tar: Path, store: ObjectStore, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostUnderTest]:
    """With a backup, reached through the gate; all that is written in the test may wait."""
    folder = tmp_path_factory.mktemp("away")
    with running_host(root_tar, folder, store) as made:
        made.spec["backup"] |= {"bucket": folder.name, "endpoint": f"localhost:{gate.port}"}
        store.make_bucket(folder.name)
        made.start()
        made.pgbackrest("stanza-create")
        made.pgbackrest("--type=full", "backup")
        with made.connect("migrator") as connection:
            connection.execute("CREATE TABLE public.written (row int)")
        yield made


def written(host: HostUnderTest, seconds: float) -> list[int]:
    """The rows that were acknowledged, one transaction each."""
    rows: list[int] = []
    start = time.monotonic()
    switched = start
    with host.connect("migrator") as connection:
        while (now := time.monotonic()) < start + seconds:
            connection.execute("INSERT INTO public.written VALUES (%s)", [len(rows)])
            rows.append(len(rows))
            if now > switched + SEGMENT_SECONDS:
                host.superuser("SELECT pg_switch_wal()")
                switched = now
    return rows


def test_nothing_that_was_acknowledged_is_lost_while_the_store_is_away(
    host: HostUnderTest, gate: Gate, store: ObjectStore
) -> None:
    gate.shut()
    rows = written(host, AWAY_SECONDS)
    assert len(rows) > AWAY_SECONDS
    assert int(host.superuser(READY)) >= AWAY_SECONDS // SEGMENT_SECONDS - 2
    gate.open()
    # After three tries the archiver waits for a minute, or for the next segment.
    host.superuser("SELECT pg_switch_wal()")
    until(lambda: host.superuser(READY) == "0")
    site = Site(host, store)
    found = site.done(restore("latest"))
    query = "SELECT count(*), count(DISTINCT row), min(row), max(row) FROM public.written"
    assert site.copy(query, found["cluster"]) == f"{len(rows)}|{len(rows)}|0|{rows[-1]}"
    site.done({"act": "discard", "name": "copy"})
