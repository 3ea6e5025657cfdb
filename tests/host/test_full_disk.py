"""A real host whose disk runs full: it refuses what does not fit, and loses nothing that it acknowledged."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.host.conftest import copied_host
from tests.host.running import HostUnderTest
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.waiting import until

pytestmark = pytest.mark.slow

DISK_MB = 160
BALLAST = "var/lib/postgresql/ballast"


@pytest.fixture(scope="module")
def small(applied_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """A host whose data is on a disk of its own, a small one, with 16 MB kept back as on a real host."""
    with copied_host(applied_tree, tmp_path_factory.mktemp("small"), store) as host:
        host.enter()
        host.move_data_to_disk_of(DISK_MB)
        host.inside(["dd", "if=/dev/zero", f"of={host.root}/{BALLAST}", "bs=1M", "count=16"])
        host.run_with_files()
        with host.connect("migrator") as connection:
            connection.execute("CREATE TABLE public.filled (row int PRIMARY KEY, content text)")
        yield host


def fill(host: HostUnderTest) -> list[int]:
    """Write until it is refused; the rows that were acknowledged."""
    acknowledged: list[int] = []
    content = "SELECT string_agg(md5((%s::int * n)::text), '') FROM generate_series(1, 4000) n"
    try:
        with host.connect("app") as connection:
            for row in range(10_000):
                connection.execute(f"INSERT INTO public.filled SELECT %s, ({content})", (row, row))
                acknowledged.append(row)
    except psycopg.OperationalError:  # No space, or the server ended for want of it.
        return acknowledged
    raise AssertionError("the disk did not run full")


def rows(host: HostUnderTest) -> list[int]:
    with host.connect("app") as connection:
        return [row for (row,) in connection.execute("SELECT row FROM public.filled ORDER BY row")]


def test_a_full_disk_loses_no_acknowledged_row(small: HostUnderTest) -> None:
    acknowledged = fill(small)
    assert len(acknowledged) > 10
    # Space is freed as the runbook says, and PostgreSQL started again where it ended.
    small.inside(["rm", str(small.root / BALLAST)])
    until(lambda: small.answers() or not small.is_postgres_alive())
    if not small.is_postgres_alive():
        small.start_postgres()
    until(lambda: rows(small) == acknowledged)
    with small.connect("migrator") as connection:
        connection.execute("TRUNCATE public.filled")
    assert small.one("app", "INSERT INTO public.filled VALUES (1, '') RETURNING row") == 1


def test_the_monitor_sees_the_disk_fill(small: HostUnderTest) -> None:
    total = small.one("monitor", "SELECT total_bytes FROM monitoring.disk() WHERE place = 'data'")
    assert total == DISK_MB * 2**20


def test_the_playbook_finds_nothing_to_heal_afterwards(small: HostUnderTest) -> None:
    for stage in ("files", "database"):
        assert small.apply(stage)["changed"] == []
