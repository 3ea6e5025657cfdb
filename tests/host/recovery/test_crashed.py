"""A server that was killed under load, and restored to latest: every row that it acknowledged is there, or named."""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from backups.local_connection import LocalConnection
from host.recovery.contract import SWAP_NOTE
from tests.host.gate import Gate
from tests.host.recovery.conftest import running_site
from tests.host.recovery.site import CLUSTERS, Site, restore
from tests.host.running import PROGRAMS
from tests.host.store import ObjectStore
from tests.host.test_crashes import Writer
from tests.host.tree import Tree
from tests.run.ports import claim_some
from tests.run.soak import trials
from tests.waiting import until

pytestmark = pytest.mark.slow
STAGE = restore("latest", into="main", act="stage", replace="main")
PLAN = restore("latest", into="main", act="plan", replace="main")


@pytest.fixture(scope="module")
def gate(store: ObjectStore) -> Iterator[Gate]:
    (port,) = claim_some(1)
    made = Gate(port, int(store.endpoint.partition(":")[2]))
    yield made
    made.shut()


@pytest.fixture(scope="module")
def gated_site(
    applied_tree: Tree, store: ObjectStore, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Its store is reached through the gate."""
    endpoint = f"localhost:{gate.port}"
    with running_site(
        applied_tree, tmp_path_factory.mktemp("site"), store, lambda host: host.spec["backup"].update(endpoint=endpoint)
    ) as made:
        with made.host.connect("migrator") as connection:
            connection.execute("CREATE TABLE public.written (writer int, row int, PRIMARY KEY (writer, row))")
        yield made


@pytest.fixture
def site(gated_site: Site, gate: Gate) -> Site:
    """Whatever a test before left of it: it serves, the table is empty, and a backup has it."""
    gate.open()
    if not gated_site.host.is_postgres_alive():
        started_again(gated_site)
    for name in gated_site.clusters():
        gated_site.ask({"act": "discard", "name": name})
    gated_site.host.superuser("TRUNCATE public.written")
    # Whatever becomes of main's own log, that is restored.
    archived(gated_site)
    return gated_site


def archived(site: Site) -> None:
    segment = site.host.superuser("SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: site.host.superuser("SELECT last_archived_wal FROM pg_stat_archiver") >= segment)


def gaps(site: Site, timeline: str) -> list[Any]:
    """Of a timeline's log in the repository."""
    (found,) = (one["gaps"] for one in site.done({"act": "list"})["archive"] if str(one["timeline"]) == timeline)
    return list(found)


def timeline(site: Site) -> str:
    return site.host.superuser("SELECT timeline_id FROM pg_control_checkpoint()")


def kill(site: Site) -> None:
    """Every process of the server at once, and nothing starts it again."""
    pattern = "^/usr/lib/postgresql/17/bin/postgres -D /etc|^postgres: "
    until(lambda: not _killed(site, pattern))
    until(lambda: not site.host.is_postgres_alive())


def _killed(site: Site, pattern: str) -> list[str]:
    listed = site.host.inside(["pgrep", "--full", pattern]).stdout.split()
    if listed:
        site.host.inside(["kill", "-KILL", *listed])
    return listed


def crashed(site: Site, rows: int = trials(500, 2000)) -> dict[tuple[int, int], float]:
    """Killed while six clients write; what was acknowledged to them, and when."""
    writers = [Writer(site.host, number, through_pooler=False) for number in range(6)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        until(lambda: sum(len(one.acknowledged) for one in writers) > rows)
        kill(site)
    finally:
        for writer in writers:
            writer.stop.set()
        for thread in threads:
            thread.join(30)
    return {(writer.number, row): at for writer in writers for row, at in writer.acknowledged.items()}


def found(site: Site) -> set[tuple[int, ...]]:
    with site.host.connect("migrator") as connection:
        return set(connection.execute("SELECT writer, row FROM public.written").fetchall())


def swapped_in(site: Site, staged: str) -> str:
    assert not is_exchanged(site, staged)
    kept: str = site.done({"act": "swap", "staged": staged})["kept"]
    assert is_exchanged(site, staged)
    assert not has_served(site)
    started_again(site)
    assert has_served(site)
    return kept


def connected(site: Site) -> Any:
    """What the connection to a local stack asks its host by."""
    return SimpleNamespace(route=SimpleNamespace(in_host=lambda argv: site.host.as_postgres(*argv)))


def is_exchanged(site: Site, staged: str) -> bool:
    return LocalConnection._is_exchanged(connected(site), staged)


def has_served(site: Site) -> bool:
    return LocalConnection._has_served(connected(site))


def started_again(site: Site) -> None:
    site.host.inside(["rm", "-f", str(site.host.root / CLUSTERS / "main/postmaster.pid")])
    site.host.start_postgres()


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(trials(1, 20)))
def test_latest_has_every_acknowledged_row(site: Site, trial: int) -> None:
    acknowledged = crashed(site)
    planned = site.done(PLAN)
    assert (planned["faults"], planned["loses"]) == ([], None)
    # Beside it, too: nothing is archived for that.
    beside = site.done(restore("latest", into="copy"))["cluster"]
    assert int(site.copy("SELECT count(*) FROM public.written", beside)) >= len(acknowledged)
    swapped_in(site, site.done(STAGE)["staged"])
    rows = found(site)
    assert acknowledged.keys() <= rows, (trial, len(acknowledged.keys() - rows))
    # What was restored is whole for the next restore, too.
    site.host.superuser("INSERT INTO public.written VALUES (100, 1)")
    again = site.done(restore("latest", into="again"))["cluster"]
    assert int(site.copy("SELECT count(*) FROM public.written", again)) == len(rows) + 1
    # And monitoring knows that: what it was restored from waits for nothing any more.
    site.host.superuser("SELECT pg_switch_wal()")
    until(lambda: site.host.superuser("SELECT seconds FROM monitoring.unarchived()") == "0")


def test_files_that_the_store_did_not_take_are_archived_before(site: Site, gate: Gate) -> None:
    """Several whole segments wait, and the one that was being written."""
    served = timeline(site)
    gate.shut()
    site.host.superuser("INSERT INTO public.written SELECT 50, generate_series(1, 300000)")
    acknowledged = crashed(site)
    gate.open()
    window = site.done({"act": "list"})["windows"][-1]
    assert window["archived_until"] < window["until"]
    assert site.done(restore("time", window["until"], act="plan"))["faults"] == []
    swapped_in(site, site.done(STAGE)["staged"])
    rows = found(site)
    assert acknowledged.keys() <= rows
    assert {(50, row) for row in range(1, 300001)} <= rows
    assert gaps(site, served) == []
    # From the backup before it, across both timelines.
    copy = site.done(restore("latest", into="copy"))["cluster"]
    assert int(site.copy("SELECT count(*) FROM public.written", copy)) == len(rows)


DAMAGE = """
import os, struct, sys
path, pages_behind = max(sys.argv[1:], key=os.path.getmtime), 4
content, times = open(path, "rb").read(), (os.stat(path).st_atime, os.stat(path).st_mtime)
places = [struct.unpack_from("<Q", content, page * 8192 + 8)[0] for page in range(2048)]
last = max(page for page in range(2048) if places[page] == places[0] + page * 8192)
with open(path, "r+b") as file:
    file.seek((last - pages_behind) * 8192 + 512)
    file.write(bytes(8192 - 512))
os.utime(path, times)
"""


def damage(site: Site) -> None:
    """A page of the newest segment is of zeros behind its header, the fifth from the end of what was written.

    Who counts by headers has to see that those behind it were written, too.
    """
    files = site.host.inside(["sh", "-c", f"ls {site.host.root}/{CLUSTERS}/main/pg_wal/0*0?"]).stdout.split()
    assert site.host.inside([sys.executable, "-c", DAMAGE, *files]).returncode == 0


def take_away(site: Site) -> None:
    assert site.host.inside(["sh", "-c", f"rm -f {site.host.root}/{CLUSTERS}/main/pg_wal/0*"]).returncode == 0


@pytest.mark.parametrize("harm", [damage, pytest.param(take_away, marks=pytest.mark.soak)])
def test_what_would_be_lost_is_named_and_must_be_accepted(site: Site, harm: Callable[[Site], None]) -> None:
    acknowledged = crashed(site)
    harm(site)
    # As far as is listed it is restored all the same.
    site.done(restore("time", site.done({"act": "list"})["windows"][-1]["until"], into="copy"))
    fault = site.ask(STAGE).fault
    assert "would not come back; allowed only with --accept-loss " in fault
    bytes_lost, seconds_lost = int(fault.rpartition(" ")[2]), int(re.findall(r"and (\d+) s of", fault)[0])
    assert bytes_lost > (4 * 8192 if harm is damage else 0)
    assert site.ask({**STAGE, "accepted_loss": bytes_lost - 1}).code == 1
    swapped_in(site, site.done({**STAGE, "accepted_loss": bytes_lost})["staged"])
    rows = found(site)
    lost = [at for row, at in acknowledged.items() if row not in rows]
    # Of what was written before the damage nothing is lost.
    assert 0 < len(lost) <= len(acknowledged) - (harm is damage)
    assert max(lost) - min(lost) <= seconds_lost + 1


def test_a_main_that_ran_after_the_staging_is_not_replaced(site: Site) -> None:
    crashed(site)
    staged = site.done(STAGE)["staged"]
    started_again(site)
    site.host.superuser("INSERT INTO public.written VALUES (100, 1)")
    kill(site)
    assert has_served(site)
    assert "has run since" in site.ask({"act": "swap", "staged": staged}).fault


def test_an_exchange_that_was_killed_half_way_is_seen_as_not_done(site: Site) -> None:
    moving = site.host.root / CLUSTERS / ".main.before-20261130-120000"
    site.host.inside(["sh", "-c", f"mkdir {moving} && touch {moving / SWAP_NOTE}"])
    assert not is_exchanged(site, "main.staged-20261130-115900")
    site.host.inside(["rm", "-r", str(moving)])
    assert is_exchanged(site, "main.staged-20261130-115900")


def test_rows_are_read_out_of_a_killed_cluster_and_it_can_serve_again(site: Site, gate: Gate) -> None:
    served = timeline(site)
    before = site.row(1)
    # Only the kept one has this log.
    gate.shut()
    site.host.superuser("INSERT INTO public.written SELECT 50, generate_series(1, 300000)")
    acknowledged = crashed(site)
    gate.open()
    staged = site.done(restore("time", before["at"], into="main", act="stage", replace="main"))["staged"]
    kept = swapped_in(site, staged)
    main = site.host.root / CLUSTERS / kept / "pg_wal/archive_status"
    waiting = site.host.inside(["sh", "-c", f"ls {main} | grep -c ready"]).stdout.strip()
    assert found(site) == set()
    cluster = site.done({"act": "open", "name": kept})["cluster"]
    assert (cluster["kind"], cluster["state"]) == ("kept", "running")
    assert site.done({"act": "open", "name": kept})["cluster"]["port"] == cluster["port"]
    lines = site.copy("SELECT writer || ' ' || row FROM public.written", cluster).splitlines()
    assert acknowledged.keys() <= {(int(writer), int(row)) for writer, row in map(str.split, lines)}
    for query in (
        "INSERT INTO public.written VALUES (9, 9)",
        f"COPY (SELECT 1) TO PROGRAM 'touch {site.host.root}/{CLUSTERS}/main/x || touch /{CLUSTERS}/main/x'",
        f"COPY (SELECT 1) TO PROGRAM 'for p in /proc/*/root; do touch $p/{CLUSTERS}/main/x && exit; done; exit 1'",
        f"COPY (SELECT 1) TO PROGRAM '{PROGRAMS}/psql -p {site.host.spec['postgres']['port']} -c \"SELECT 1\"'",
    ):
        with pytest.raises(AssertionError, match=r"read-only|No such file or directory|failed"):
            site.copy(query, cluster)
    site.host.signal_postgres("INT")
    until(lambda: "is open" in site.ask({"act": "unswap", "kept": kept}).fault)
    assert site.done({"act": "close", "name": kept})["cluster"]["state"] == "stopped"
    assert int(site.host.inside(["sh", "-c", f"ls {main} | grep -c ready"]).stdout) >= int(waiting) > 0
    undone = site.done({"act": "unswap", "kept": kept})["kept"]
    started_again(site)
    assert acknowledged.keys() <= found(site)
    assert site.done({"act": "discard", "name": undone})["freed_bytes"] > 0
    assert [name for name in site.clusters() if "opened" in name] == []
    # What it had not archived when it was killed is archived now, without a gap.
    archived(site)
    assert gaps(site, served) == []
