"""A real host whose store is away for a while as somebody writes: every acknowledged row is restored."""

import time
from collections.abc import Iterator

import pytest

from tests.host.conftest import copied_host
from tests.host.gate import Gate
from tests.host.recovery.site import Site, restore
from tests.host.running import HostUnderTest
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.run.ports import claim_some
from tests.run.soak import IS_SOAK
from tests.waiting import until

pytestmark = pytest.mark.slow

# The archiver gives up for a minute after 12 s.
AWAY_SECONDS = 120 if IS_SOAK else 20
# Each of these ends a segment, which then waits.
SEGMENT_SECONDS = 10 if IS_SOAK else 2
READY = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"


@pytest.fixture
def gate(store: ObjectStore) -> Iterator[Gate]:
    (port,) = claim_some(1)
    made = Gate(port, int(store.endpoint.partition(":")[2]))
    yield made
    made.shut()


@pytest.fixture
def host(
    applied_tree: Tree, store: ObjectStore, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostUnderTest]:
    """A host with a backup, whose store is behind the gate; all that is written in the test may wait."""
    with copied_host(applied_tree, tmp_path_factory.mktemp("away"), store) as made:
        made.spec["backup"]["endpoint"] = f"localhost:{gate.port}"
        made.enter()
        made.run_with_files()
        made.pgbackrest("--type=full", "backup")
        with made.connect("migrator") as connection:
            connection.execute("CREATE TABLE public.written (row int)")
        yield made


def written(host: HostUnderTest, seconds: float) -> tuple[list[int], int]:
    """The rows that were acknowledged, one transaction each, and how many segments were ended with some in them."""
    rows: list[int] = []
    segments = 0
    start = time.monotonic()
    switched = start
    with host.connect("migrator") as connection:
        while (now := time.monotonic()) < start + seconds:
            connection.execute("INSERT INTO public.written VALUES (%s)", [len(rows)])
            rows.append(len(rows))
            if now > switched + SEGMENT_SECONDS:
                host.superuser("SELECT pg_switch_wal()")
                switched, segments = now, segments + 1
    return rows, segments


def test_nothing_that_was_acknowledged_is_lost_while_the_store_is_away(
    host: HostUnderTest, gate: Gate, store: ObjectStore
) -> None:
    gate.shut()
    rows, segments = written(host, AWAY_SECONDS)
    assert len(rows) > AWAY_SECONDS
    assert int(host.superuser(READY)) >= segments > 2
    gate.open()
    # After three tries the archiver waits for a minute, or for the next segment.
    host.superuser("SELECT pg_switch_wal()")
    until(lambda: host.superuser(READY) == "0")
    site = Site(host, store)
    found = site.done(restore("latest"))
    query = "SELECT count(*), count(DISTINCT row), min(row), max(row) FROM public.written"
    assert site.copy(query, found["cluster"]) == f"{len(rows)}|{len(rows)}|0|{rows[-1]}"
    site.done({"act": "discard", "name": "copy"})
