"""A standby that is promoted while the store is away: it waits, says for what, and has every archived row then."""

import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.host.conftest import copied_host, running_host
from tests.host.gate import Gate
from tests.host.running import HostUnderTest, members
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.run.ports import claim_some
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(900)]

ROWS = "SELECT count(*) FROM public.followed"
LEAVE = "etc/hybrid/promote-without-mark"
GIVEN_UP = "etc/hybrid/promote-without-archive"
FAST_SECONDS = 5


@pytest.fixture
def gate(store: ObjectStore) -> Iterator[Gate]:
    (port,) = claim_some(1)
    made = Gate(port, int(store.endpoint.partition(":")[2]))
    yield made
    made.shut()


def commands(host: HostUnderTest) -> dict[psutil.Process, str]:
    """The command lines of what runs there; what has ended meanwhile has none."""
    found = {}
    for pid in members(host.namespace):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            found[process] = " ".join(process.cmdline())
    return found


def startup(host: HostUnderTest) -> psutil.Process:
    """The process that replays."""
    (found,) = [process for process, command in commands(host).items() if command.startswith("postgres: startup")]
    return found


def asks(host: HostUnderTest) -> bool:
    """Whether its standby asks the archive for a file just now."""
    return any("archive-get" in command for command in commands(host).values())


def archived(host: HostUnderTest, first: int) -> None:
    """A thousand more rows, in the archive when this returns."""
    with host.connect("migrator") as connection:
        connection.execute(f"INSERT INTO public.followed SELECT generate_series({first}, {first + 999})")
    name = host.superuser("SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: host.superuser("SELECT last_archived_wal FROM pg_stat_archiver") >= name)


@pytest.fixture
def pair(
    bare_tree: Tree, applied_tree: Tree, store: ObjectStore, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[HostUnderTest, HostUnderTest]]:
    """A host that serves, and its standby, whose store is behind the gate."""
    folder = tmp_path_factory.mktemp("away")
    with copied_host(applied_tree, folder / "a", store) as a, running_host(bare_tree, folder / "b", store) as b:
        a.enter()
        a.run_with_files()
        with a.connect("migrator") as connection:
            connection.execute("CREATE TABLE public.followed (n int)")
        a.pgbackrest("--type=full", "backup")
        b.spec["backup"] |= {"bucket": a.spec["backup"]["bucket"], "endpoint": f"localhost:{gate.port}"}
        b.spec["postgres"] |= {"origin": "backup", "is_serving": False}
        b.start()
        yield a, b


def test_a_promotion_waits_for_the_store_and_leaves_out_no_row(
    pair: tuple[HostUnderTest, HostUnderTest], gate: Gate
) -> None:
    a, b = pair
    archived(a, 1)
    until(lambda: b.superuser(ROWS) == "1000")
    # Nothing is changed, and nobody waits, where it is known beforehand.
    gate.shut()
    b.inside(["touch", str(b.root / LEAVE)])
    b.spec["postgres"]["is_serving"] = True
    report = b.apply("files")
    (failure,) = report["failed"]
    assert (report["changed"], failure["operation"]) == ([], "promotion")
    assert "does not answer" in failure["error"]
    gate.open()
    assert b.apply("files")["restart"] == ["postgres"]
    b.restart_postgres()
    # And where the store goes away as it is promoted.
    startup(b).send_signal(signal.SIGSTOP)
    archived(a, 1001)
    gate.shut()
    startup(b).send_signal(signal.SIGCONT)
    (failure,) = b.apply("database")["failed"]
    assert "waits for the archive, whose store" in failure["error"]
    assert b.superuser("SELECT pg_is_in_recovery()") == "t"
    gate.open()
    until(lambda: b.superuser("SELECT pg_is_in_recovery()") == "f")
    assert b.apply("database")["failed"] == []
    assert b.superuser(ROWS) == "2000"


def test_a_standby_serves_what_it_has_where_the_store_is_given_up(
    pair: tuple[HostUnderTest, HostUnderTest], gate: Gate
) -> None:
    a, b = pair
    archived(a, 1)
    until(lambda: b.superuser(ROWS) == "1000")
    gate.shut()
    archived(a, 1001)
    b.spec["postgres"]["is_serving"] = True

    def give_up(lsn: str) -> None:
        b.inside(["sh", "-c", f"echo {lsn} >{b.root / GIVEN_UP}"])

    give_up("0/1")
    (failure,) = b.apply("files")["failed"]
    lsn = b.superuser("SELECT pg_last_wal_replay_lsn()")
    assert f"echo {lsn} >/{GIVEN_UP}" in failure["error"]
    # The store is back: nothing is given up.
    gate.open()
    b.spec["postgres"]["is_serving"] = False
    assert b.apply("files")["failed"] == []
    until(lambda: b.superuser(ROWS) == "2000")
    gate.shut()
    until(lambda: asks(b))
    archived(a, 2001)
    b.spec["postgres"]["is_serving"] = True
    give_up(b.superuser("SELECT pg_last_wal_replay_lsn()"))
    assert b.apply("files")["failed"] == []
    b.restart_postgres()
    assert b.apply("database")["failed"] == []
    assert b.superuser(f"SELECT pg_is_in_recovery(), ({ROWS})") == "f|2000"
    assert not (b.root / GIVEN_UP).exists()


def test_a_standby_that_waits_for_the_store_is_stopped_at_once_and_leaves_nothing(
    pair: tuple[HostUnderTest, HostUnderTest], gate: Gate
) -> None:
    a, b = pair
    archived(a, 1)
    until(lambda: b.superuser(ROWS) == "1000")
    gate.shut()
    until(lambda: asks(b))
    begin = time.monotonic()
    b.stop_postgres()
    assert time.monotonic() - begin < FAST_SECONDS
    gate.open()
    b.start_postgres()
    until(lambda: b.superuser(ROWS) == "1000")
    gate.shut()
    until(lambda: asks(b))
    b.signal_postgres("KILL")
    # What asked for the next file, and the process that waits for it, would keep the next server from starting.
    until(lambda: not b.has_postgres_processes())
    until(lambda: not asks(b))
    gate.open()
    b.start_postgres()
    archived(a, 1001)
    until(lambda: b.superuser(ROWS) == "2000")
