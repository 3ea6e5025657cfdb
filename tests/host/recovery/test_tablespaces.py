"""Restored clusters have tablespaces of their own, those of a backup and those that the log makes."""

import time
from typing import Any

import pytest

from tests.host.recovery.site import CLUSTERS, Site, restore
from tests.host.running import PROGRAMS
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

ROWS = 20000
BESIDE = "/var/lib/postgresql/beside"
"""Below the data disk, and not in the cluster's folder."""
OUTSIDE = "../../outside/early"
"""A name that is a path: out of the folder of work, to one beside main."""
EVICT = "SELECT pg_buffercache_evict(bufferid) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('{table}')"
COUNT = "SELECT count(*) FILTER (WHERE text LIKE 'new%'), count(*) FROM {table}"


def make(site: Site, name: str, folder: str) -> None:
    """A tablespace with a table of the same name."""
    made = ["chroot", str(site.host.root), "install", "-d", "-o", "postgres", "-g", "postgres", "-m", "700", folder]
    assert site.host.inside(made).returncode == 0
    site.host.superuser(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
    site.host.superuser(f"CREATE TABLE public.{name} (id int PRIMARY KEY, text text) TABLESPACE {name}")
    fill = f"INSERT INTO {name} SELECT g, repeat('old', 50) FROM generate_series(1, {ROWS}) g"
    site.host.superuser(fill)


def renew(site: Site, table: str) -> None:
    site.host.superuser(f"UPDATE {table} SET text = repeat('new', 50)")
    site.host.superuser(f"VACUUM {table}")


def counts(site: Site, table: str) -> str:
    """New rows and all, as they are on the disk."""
    site.host.superuser("CHECKPOINT")
    site.host.superuser(f"SELECT count(*) FROM ({EVICT.format(table=table)}) evicted")
    return site.host.superuser(COUNT.format(table=table))


@pytest.fixture(scope="module")
def moments(site: Site) -> dict[str, Any]:
    """Of three tablespaces one is in a backup, one is made after it, and one is made and dropped after it."""
    site.host.superuser("CREATE EXTENSION IF NOT EXISTS pg_buffercache")
    make(site, "early", "/srv/early")
    site.host.superuser(f'ALTER TABLESPACE early RENAME TO "{OUTSIDE}"')
    site.done({"act": "backup", "kind": "full"})
    # On the host itself that link leads to its own folder.
    linked = "mkdir /mnt/disk && ln -s /mnt/disk /srv/deep"
    assert site.host.inside(["chroot", str(site.host.root), "sh", "-c", linked]).returncode == 0
    make(site, "late", "/srv/deep/late")
    make(site, "dropped", BESIDE)
    large = site.host.superuser("SELECT lo_from_bytea(0, 'a large object')")
    # By which a drill is told; a moment is clear of it after a second.
    site.host.superuser("SELECT monitoring.mark()")
    time.sleep(1.5)
    old = site.row(1)
    time.sleep(1.5)
    for table in ("early", "late"):
        renew(site, table)
    site.host.superuser("DROP TABLE dropped")
    site.host.superuser("DROP TABLESPACE dropped")
    assert site.host.inside(["rmdir", f"{site.host.root}{BESIDE}"]).returncode == 0
    return {"old": old, "new": site.row(2), "large": large}


def left(site: Site) -> list[str]:
    return [name for name in site.clusters() if name.startswith(".")]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("old", f"0|{ROWS}"), pytest.param("new", f"{ROWS}|{ROWS}", marks=pytest.mark.soak)],
    ids=["old", "new"],
)
def test_a_restore_beside_has_its_own(site: Site, moments: dict[str, Any], moment: str, expected: str) -> None:
    cluster = site.done(restore("xid", moments[moment]["xid"], into="copy"))["cluster"]
    for table in ("early", "late"):
        assert site.copy(COUNT.format(table=table), cluster) == expected
        # What it writes goes into its own files.
        site.copy(f"UPDATE {table} SET text = 'copy'", cluster)
        site.copy("CHECKPOINT", cluster)
        assert counts(site, table) == f"{ROWS}|{ROWS}"
    # Nor any of main's, and main is not reached.
    own = f"{CLUSTERS}/main/x"
    for query in (
        "CREATE TABLESPACE more LOCATION '/srv/deep'",
        f"COPY (SELECT 1) TO '/{own}'",
        f"COPY (SELECT 1) TO PROGRAM 'for p in /proc/*/root; do touch $p/{own} && exit; done; touch /srv/early/x'",
        f"COPY (SELECT 1) TO PROGRAM '{PROGRAMS}/psql -p {site.host.spec['postgres']['port']} -c \"SELECT 1\"'",
    ):
        with pytest.raises(AssertionError, match=r"Read-only|failed"):
            site.copy(query, cluster)
    assert site.copy(f"SELECT convert_from(lo_get({moments['large']}), 'utf8')", cluster) == "a large object"
    assert len(left(site)) == 1
    assert "outside" not in site.clusters()
    assert site.done({"act": "discard", "name": "copy"})["freed_bytes"] > 10 * 2**20
    assert left(site) == []
    # Made for the time of a restore alone, for the log names it.
    assert site.host.inside(["test", "-e", f"{site.host.root}{BESIDE}"]).returncode == 1


def test_a_drill_leaves_those_of_main_alone_and_removes_those_of_no_cluster(
    site: Site, moments: dict[str, Any]
) -> None:
    orphan = f"{CLUSTERS}/.tablespaces-20261130-120000"
    assert site.host.inside(["mkdir", str(site.host.root / orphan)]).returncode == 0
    assert ".tablespaces-20261130-120000" in site.done({"act": "list"})["leftovers"]
    found = site.done({"act": "drill", "at": moments["old"]["at"]})
    assert found["faults"] == []
    for table in ("early", "late"):
        assert counts(site, table) == f"{ROWS}|{ROWS}"
    until(lambda: left(site) == [])


def test_rows_of_unlogged_tables_there_are_said_to_be_lost(site: Site, moments: dict[str, Any]) -> None:
    plan = restore("latest", into="main", act="plan", replace="main")
    assert site.done(plan)["loses"] is None
    site.host.superuser(f'CREATE UNLOGGED TABLE public.fleeting TABLESPACE "{OUTSIDE}" AS SELECT 1 AS row')
    assert site.done(plan)["loses"] == "the rows of unlogged tables (1 tables and indexes)"
    site.host.superuser("CREATE DATABASE elsewhere TABLESPACE late")
    place = ["--port", str(site.host.spec["postgres"]["port"]), "--dbname", "elsewhere"]
    made = site.host.as_postgres(
        f"{PROGRAMS}/psql", "-Xq", *place, "--command", "CREATE UNLOGGED TABLE fleeting (row int)"
    )
    assert made.returncode == 0, made.stderr
    assert site.done(plan)["loses"] == "the rows of unlogged tables (2 tables and indexes)"
    site.host.superuser("DROP DATABASE elsewhere")
    site.host.superuser("DROP TABLE public.fleeting")


def test_in_place_both_the_restored_and_the_kept_have_theirs(site: Site, moments: dict[str, Any]) -> None:
    request = restore("xid", moments["old"]["xid"], into="main", act="stage", replace="main")
    staged = site.done(request)["staged"]
    site.host.stop_postgres()
    kept = site.done({"act": "swap", "staged": staged})["kept"]
    site.host.start_postgres()
    assert [counts(site, table) for table in ("early", "late")] == [f"0|{ROWS}"] * 2
    # Its tablespaces are backed up and restored from where they are now.
    site.done({"act": "backup", "kind": "full"})
    cluster = site.done(restore("latest", into="copy"))["cluster"]
    assert site.copy(COUNT.format(table="late"), cluster) == f"0|{ROWS}"
    site.done({"act": "discard", "name": "copy"})
    site.host.stop_postgres()
    undone = site.done({"act": "unswap", "kept": kept})["kept"]
    site.host.start_postgres()
    assert [counts(site, table) for table in ("early", "late")] == [f"{ROWS}|{ROWS}"] * 2
    site.done({"act": "discard", "name": undone})
    assert left(site) == []
    assert [counts(site, table) for table in ("early", "late")] == [f"{ROWS}|{ROWS}"] * 2
