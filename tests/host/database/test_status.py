"""Every line of `db status` on a real host: its fault is induced, and the line follows it there and back."""

import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest

from components.settings import compatibility
from database import findings as judged
from database.findings import THRESHOLDS, Finding, Threshold
from tests.host.authority import authority
from tests.host.conftest import copied_host
from tests.host.running import PROGRAMS, HostUnderTest
from tests.host.status import findings
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.waiting import until

# The last test leaves a server whose log does not go on from the archive's.
pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

DISK_MB = 700
SETTINGS = "etc/postgresql/17/main/postgresql.conf"
DATA = "var/lib/postgresql/17/main"
QUEUE_MB = 640
WRITTEN = "INSERT INTO public.written VALUES (0)"
READY = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
ELSEWHERE = {
    "dropped WAL": "tests/host/backup/test_store_faults.py",
    "pooler": "tests/database/test_db_local.py",
}
"""Lines whose fault is induced in another file."""
HERE = {
    *("disk", "wal", "slot", "archiving", "archive queue", "markers", "longest transaction", "idle in transaction"),
    *("blocked sessions", "cron jobs", "TimescaleDB jobs", "connections", "cache hit", "certificate"),
    *("transaction ids", "checksum failures", "versions", "extensions"),
}


def test_every_line_with_limits_has_a_test() -> None:
    assert THRESHOLDS.keys() - ELSEWHERE.keys() == HERE, "induce the fault of the new line here, and name it in HERE"


@pytest.fixture(scope="module")
def watched(
    applied_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostUnderTest]:
    """A host with a small disk, a backup, and nobody who writes."""
    with copied_host(applied_tree, tmp_path_factory.mktemp("watched"), store) as made:
        made.spec["backup"]["archive_queue_max_mb"] = QUEUE_MB
        made.enter()
        made.move_data_to_disk_of(DISK_MB)
        made.run_with_files()
        made.pgbackrest("backup")
        made.superuser("CREATE TABLE public.written (row int)")
        made.superuser("UPDATE cron.job SET active = false")
        yield made


@contextmanager
def settings(host: HostUnderTest, **changes: str) -> Iterator[None]:
    """PostgreSQL's, for as long as the block lasts."""
    path = host.root / SETTINGS
    before = host.inside(["cat", str(path)]).stdout
    lines = "".join(f"{name} = '{value}'\n" for name, value in changes.items())

    def declare(text: str, name: str, value: str | None) -> None:
        host.inside(["sh", "-c", f"printf %s {shlex.quote(text)} >{path}"])
        host.signal_postgres("HUP")
        until(lambda: (host.superuser(f"SHOW {name}") == value) == (value is not None) or value is None)

    name, value = next(iter(changes.items()))
    declare(before + lines, name, value)
    try:
        yield
    finally:
        declare(before, name, None)


def seen(host: HostUnderTest, name: str, until_level: str) -> list[str]:
    """The levels that a line has, each once, until it has this one."""
    levels: list[str] = []

    def is_reached() -> bool:
        level = findings(host)[name].level
        if levels[-1:] != [level]:
            levels.append(level)
        return level == until_level

    until(is_reached)
    return levels


def level(host: HostUnderTest, name: str) -> str:
    return findings(host)[name].level


def archived(host: HostUnderTest) -> None:
    host.superuser("SELECT pg_switch_wal()")
    until(lambda: host.superuser(READY) == "0")


def pids(host: HostUnderTest, pattern: str) -> list[str]:
    return host.inside(["pgrep", "--full", pattern]).stdout.split()


@contextmanager
def stopped(host: HostUnderTest, process: str) -> Iterator[None]:
    """It reports no failure: it does nothing at all."""
    (pid,) = pids(host, f"^postgres: {process}")
    host.inside(["kill", "-STOP", pid])
    try:
        yield
    finally:
        host.inside(["kill", "-CONT", pid])


def stopped_archiver(host: HostUnderTest) -> AbstractContextManager[None]:
    return stopped(host, "archiver")


def stopped_checkpointer(host: HostUnderTest) -> AbstractContextManager[None]:
    """Who switches segments by `archive_timeout`."""
    return stopped(host, "checkpointer")


@contextmanager
def hanging_command(host: HostUnderTest) -> Iterator[None]:
    with settings(host, archive_command="sleep 3210; false"):
        host.superuser(f"{WRITTEN}; SELECT pg_switch_wal()")
        until(lambda: pids(host, "^sleep 3210"))
        try:
            yield
        finally:
            host.inside(["kill", *pids(host, "^sleep 3210")])


def test_nothing_warns_on_a_fresh_host_that_is_idle(watched: HostUnderTest) -> None:
    archived(watched)
    start = time.monotonic()
    found = findings(watched)
    assert time.monotonic() - start < 2
    assert {one.name: one.detail for one in found.values() if one.level != "ok"} == {}
    assert found["would be lost"].detail == "nothing: all that was committed was handed to the archive"
    assert found["TimescaleDB jobs"].detail == "none scheduled"


@pytest.mark.parametrize("stalled", [stopped_archiver, hanging_command, stopped_checkpointer])
def test_what_would_be_lost_is_seen_while_archiving_stalls_without_a_failure(
    watched: HostUnderTest, monkeypatch: pytest.MonkeyPatch, stalled: Callable[[HostUnderTest], Any]
) -> None:
    monkeypatch.setattr(judged, "SPARE_SECONDS", 1)
    archived(watched)
    with settings(watched, **{"archive_timeout": "1s", "hybrid.recovery_point_seconds": "6"}):
        with stalled(watched):
            watched.superuser(WRITTEN)
            committed = time.time()
            assert seen(watched, "would be lost", "critical") == ["ok", "warning", "critical"]
            found = findings(watched)
            assert (found["would be lost"].value or 0) >= 6
            assert (found["would be lost"].value or 0) <= time.time() - committed + 10
            # All that looked at the archiver itself saw nothing.
            assert {found[name].level for name in ("archiving", "archive queue", "dropped WAL")} == {"ok"}
        archived(watched)
        assert level(watched, "would be lost") == "ok"


def test_what_can_not_be_read_is_never_told_as_less_than_it_is(watched: HostUnderTest) -> None:
    archived(watched)
    watched.superuser(WRITTEN)
    exact = float(watched.superuser("SELECT seconds FROM monitoring.unarchived()"))
    watched.superuser("ALTER FUNCTION extensions.pg_get_wal_records_info RENAME TO hidden")
    try:
        bound = watched.superuser("SELECT seconds FROM monitoring.unarchived()")
    finally:
        watched.superuser("ALTER FUNCTION extensions.hidden RENAME TO pg_get_wal_records_info")
    assert not bound or float(bound) >= exact


def test_what_the_repository_has_no_more_would_be_lost(watched: HostUnderTest, store: ObjectStore) -> None:
    """By hand, or by who has the keys: the newest log, the newest backup, then all of it."""
    archived(watched)
    client, bucket = store.client(), watched.spec["backup"]["bucket"]
    assert level(watched, "would be lost") == "ok"
    for folder, told in (
        ("archive/main-17/17-1/0", r"[0-9A-F]{24} was archived, and the repository has nothing: "),
        ("backup/main-17/2", r"unknown: the newest backup, \d{8}-\d{6}F, is not in the repository"),
        ("", "all: the repository has no backup that this database can be restored from: "),
    ):
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"postgresql/{folder}"):
            for one in page.get("Contents", ()):
                client.delete_object(Bucket=bucket, Key=one["Key"])
        found = findings(watched)["would be lost"]
        assert (found.level, re.match(told, found.detail) is not None) == ("critical", True), found.detail
    watched.pgbackrest("stanza-create")
    assert level(watched, "would be lost") == "critical"
    watched.pgbackrest("backup")
    assert level(watched, "would be lost") == "ok"


def test_log_that_is_missing_after_the_newest_backup_would_be_lost_with_all_that_comes_later(
    watched: HostUnderTest, store: ObjectStore
) -> None:
    """The backup's own first segment, and one after it, by name; each between others that are there."""
    watched.pgbackrest("backup")
    held = watched.spec["backup"]["bucket"], "postgresql/archive/main-17/17-1/"
    client = store.client()

    def names() -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=held[0], Prefix=held[1])
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return sorted(key for key in keys if key.endswith(".zst") and ".backup" not in key)

    later = names()
    for _ in range(2):
        watched.superuser(f"{WRITTEN}; SELECT pg_switch_wal()")
        archived(watched)
    assert level(watched, "would be lost") == "ok"
    own, after = later[-1], next(key for key in names() if key > later[-1])
    for key in (after, own):
        content = client.get_object(Bucket=held[0], Key=key)["Body"].read()
        client.delete_object(Bucket=held[0], Key=key)
        found = findings(watched)["would be lost"]
        client.put_object(Bucket=held[0], Key=key, Body=content)
        name = key.rpartition("/")[2][:24]
        told = rf"unknown: {name} is not in .* newest backup, \d{{8}}-\d{{6}}F\S*, nothing after it"
        assert (found.level, re.match(told, found.detail) is not None) == ("critical", True), found.detail
        assert level(watched, "would be lost") == "ok"


def without_log_made_ahead(host: HostUnderTest) -> None:
    """What was made under a larger max_wal_size goes only by being used, whatever a checkpoint may remove."""

    def used() -> bool:
        host.superuser(f"{WRITTEN}; SELECT pg_switch_wal()")
        archived(host)
        host.superuser("CHECKPOINT")
        return level(host, "wal") == "ok"

    until(used)


def test_log_that_waits_is_seen_by_its_age_its_share_and_its_room(watched: HostUnderTest) -> None:
    archived(watched)
    marks = f"{watched.root}/{DATA}/pg_wal/archive_status"
    with settings(watched, max_wal_size="64MB", min_wal_size="32MB"):
        without_log_made_ahead(watched)
        with stopped_archiver(watched):

            def waiting(segments: int, age: int) -> dict[str, str]:
                for _ in range(segments):
                    watched.superuser(f"{WRITTEN}; SELECT pg_switch_wal()")
                watched.inside(["sh", "-c", f"touch --date='-{age} sec' {marks}/*.ready"])
                return {name: found.level for name, found in findings(watched).items()}

            found = waiting(4, 0)
            assert (found["archiving"], found["archive queue"]) == ("ok", "warning")
            found = waiting(6, 30)
            assert (found["archiving"], found["archive queue"], found["wal"]) == ("warning", "critical", "warning")
            found = waiting(6, 1000)
            assert (found["archiving"], found["wal"]) == ("critical", "critical")
        archived(watched)
        found_now = findings(watched)
        assert {found_now[name].level for name in ("archiving", "archive queue")} == {"ok"}
        watched.superuser("CHECKPOINT")
        until(lambda: level(watched, "wal") == "ok")


def test_a_slot_that_nobody_reads_is_given_up_before_the_disk_is_full(watched: HostUnderTest) -> None:
    files = "SELECT count(*) FROM pg_ls_waldir()"
    with settings(watched, max_slot_wal_keep_size="96MB", max_wal_size="64MB", min_wal_size="32MB"):
        without_log_made_ahead(watched)
        assert level(watched, "slot") == "ok"
        watched.superuser("SELECT pg_create_physical_replication_slot('forgotten', true)")
        try:
            found = findings(watched)["slot"]
            assert (found.level, found.detail) == ("warning", "forgotten: not in use, WAL reserved")
            assert (found.value or 0) >= 0
            for _ in range(5):
                watched.superuser(f"{WRITTEN}; SELECT pg_switch_wal()")
            archived(watched)
            watched.superuser("CHECKPOINT")
            held = int(watched.superuser(files))
            assert (held >= 6, level(watched, "slot")) == (True, "warning")
            for _ in range(2):
                watched.superuser(f"{WRITTEN}; SELECT pg_switch_wal()")
            archived(watched)
            watched.superuser("CHECKPOINT")
            found = findings(watched)["slot"]
            assert (found.level, found.detail) == ("critical", "forgotten: not in use, WAL lost")
            assert int(watched.superuser(files)) < held
        finally:
            watched.superuser("SELECT pg_drop_replication_slot('forgotten')")
        assert level(watched, "slot") == "ok"


def test_a_disk_that_fills_is_seen(watched: HostUnderTest) -> None:
    ballast = f"{watched.root}/var/lib/postgresql/filling"

    def filled(percent: int) -> Finding:
        # Of the fixture's folder, whose disk is in memory.
        used = f"$(df --output=pcent {watched.root}/{DATA} | tail -n 1 | tr -d ' %')"
        fill = f"while [ {used} -lt {percent} ]; do head -c 4M /dev/zero >>{ballast}; done"
        watched.inside(["sh", "-c", fill])
        return findings(watched)["disk"]

    assert level(watched, "disk") == "ok"
    try:
        assert filled(77).level == "warning"
        assert filled(92).level == "critical"
    finally:
        watched.inside(["rm", "--force", ballast])
    assert level(watched, "disk") == "ok"


def scaled(monkeypatch: pytest.MonkeyPatch, name: str, warning: float, critical: float | None) -> None:
    """Limits that are reached in seconds, or with the few that a test has."""
    monkeypatch.setitem(THRESHOLDS, name, Threshold(unit="of a test", warning=warning, critical=critical))


def test_a_transaction_that_stays_open_is_seen(watched: HostUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("longest transaction", "idle in transaction")
    for name in names:
        scaled(monkeypatch, name, 1, 3)
    with watched.connect("app") as connection:
        with connection.transaction():
            connection.execute("SELECT 1")
            assert seen(watched, names[0], "critical") == ["ok", "warning", "critical"]
            assert seen(watched, names[1], "critical")[-1] == "critical"
            assert findings(watched)[names[1]].detail.startswith("app, process ")
        assert {level(watched, name) for name in names} == {"ok"}
        with connection.transaction():
            connection.execute("SELECT 1")
            assert seen(watched, names[1], "critical") == ["ok", "warning", "critical"]


def test_sessions_that_wait_for_each_other_are_seen(watched: HostUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    scaled(monkeypatch, "blocked sessions", 1, 2)
    with ExitStack() as stack:
        holder = stack.enter_context(watched.connect("migrator"))
        waiting = [stack.enter_context(watched.connect("migrator")) for _ in range(2)]
        threads = []
        with holder.transaction():
            holder.execute("SELECT pg_advisory_xact_lock(7)")
            for one, expected in zip(waiting, ("warning", "critical"), strict=True):
                assert level(watched, "blocked sessions") != expected
                threads.append(threading.Thread(target=one.execute, args=("SELECT pg_advisory_xact_lock(7)",)))
                threads[-1].start()
                seen(watched, "blocked sessions", expected)
            assert findings(watched)["blocked sessions"].detail.startswith("migrator, process ")
        for thread in threads:
            thread.join()
    assert level(watched, "blocked sessions") == "ok"


def test_a_role_that_nears_its_limit_is_seen(watched: HostUnderTest) -> None:
    with ExitStack() as stack:
        for number in range(1, 11):
            stack.enter_context(watched.connect("app"))
            expected = "ok" if number < 8 else "warning" if number < 10 else "critical"
            assert (number, level(watched, "connections")) == (number, expected)
    until(lambda: level(watched, "connections") == "ok")


def test_a_cron_job_that_fails_is_seen(watched: HostUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    scaled(monkeypatch, "cron jobs", 1, 3)
    assert level(watched, "cron jobs") == "ok"
    with watched.connect("migrator") as connection:
        connection.execute("SELECT cron.schedule('broken', '1 second', 'SELECT 1/0')")
        try:
            assert seen(watched, "cron jobs", "critical") == ["ok", "warning", "critical"]
            detail = findings(watched)["cron jobs"].detail
            # What a job runs may hold rows' values.
            assert (detail.startswith("broken: "), "1/0" in detail) == (True, False)
        finally:
            connection.execute("SELECT cron.unschedule('broken')")
    watched.superuser("DELETE FROM cron.job_run_details")
    assert level(watched, "cron jobs") == "ok"


def test_a_timescaledb_job_that_fails_is_seen(watched: HostUnderTest) -> None:
    """Its own job, which Debian's edition has and can't run, and two more of the kind."""
    table, restart = "_timescaledb_config.bgw_job", "SELECT _timescaledb_functions.restart_background_workers()"
    columns = watched.superuser(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
        f" WHERE attrelid = '{table}'::regclass AND attnum > 1 AND NOT attisdropped"
    )
    assert level(watched, "TimescaleDB jobs") == "ok"
    watched.superuser(f"UPDATE {table} SET scheduled = true; {restart}")
    try:
        assert seen(watched, "TimescaleDB jobs", "warning")[-1] == "warning"
        detail = findings(watched)["TimescaleDB jobs"].detail
        assert re.fullmatch(r".+ \[\d+\]: (\d+) of \1 runs failed", detail)
        for number in (1001, 1002):
            watched.superuser(
                f"INSERT INTO {table} (id, {columns}) SELECT {number}, {columns} FROM {table} ORDER BY id LIMIT 1"
            )
        watched.superuser(restart)
        assert seen(watched, "TimescaleDB jobs", "critical")[-1] == "critical"
        # A pair that is known to fail them.
        assert level(watched, "versions") == "critical"
    finally:
        watched.superuser(f"DELETE FROM {table} WHERE id > 1000; UPDATE {table} SET scheduled = false; {restart}")
        watched.superuser("DELETE FROM _timescaledb_internal.bgw_job_stat")
    assert {level(watched, name) for name in ("TimescaleDB jobs", "versions")} == {"ok"}


def test_markers_that_stop_are_seen(watched: HostUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that is younger than the limit is excused.
    scaled(monkeypatch, "markers", 2, None)
    mark = "SELECT monitoring.mark()"
    watched.one("monitor", mark)
    assert seen(watched, "markers", "warning") == ["ok", "warning"]
    watched.one("monitor", mark)
    assert level(watched, "markers") == "ok"


def test_a_package_that_can_not_work_or_is_another_than_declared_is_seen(watched: HostUnderTest) -> None:
    """Debian's pgBackRest is too old for a host in the cloud, and its TimescaleDB is not the pinned one."""
    program = "ALTER FOREIGN TABLE monitoring.backup_program OPTIONS (SET program '{}')"
    assert level(watched, "versions") == "ok"
    assert findings(watched, is_pinned=True)["versions"].level == "critical"
    watched.superuser(program.format(f"/bin/echo pgBackRest {compatibility.PGBACKREST}"))
    try:
        assert findings(watched, is_pinned=True)["versions"].level == "warning"
    finally:
        watched.superuser(program.format("/usr/bin/pgbackrest version"))


def test_an_extension_that_was_not_updated_is_seen(watched: HostUnderTest) -> None:
    name = "pg_stat_statements"
    watched.superuser(f"DROP EXTENSION {name}; CREATE EXTENSION {name} SCHEMA extensions VERSION '1.10'")
    try:
        assert level(watched, "extensions") == "warning"
    finally:
        watched.superuser(f"ALTER EXTENSION {name} UPDATE")
    assert level(watched, "extensions") == "ok"


def test_reads_past_the_cache_and_a_damaged_page_are_seen(
    watched: HostUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged, "COLD_BLOCKS", 100)
    relation = "public.cached"
    watched.superuser(f"CREATE TABLE {relation} AS SELECT repeat('x', 2000) FROM generate_series(1, 8000)")
    evict = (
        "SELECT count(pg_buffercache_evict(bufferid)) FROM pg_buffercache"
        f" WHERE relfilenode = pg_relation_filenode('{relation}')"
    )
    # Nobody counts what a session reads before it has ended.
    read = f"SELECT count(*) FROM {relation}"
    watched.superuser("CHECKPOINT")
    for search in ("SELECT pg_stat_reset()", evict):
        watched.superuser(search)
    watched.superuser(read)
    until(lambda: level(watched, "cache hit") == "warning")
    watched.superuser("; ".join([read] * 60))
    until(lambda: level(watched, "cache hit") == "ok")

    path = f"{watched.root}/{DATA}/" + watched.superuser(f"SELECT pg_relation_filepath('{relation}')")
    page = ["dd", f"of={path}", "bs=8192", "seek=3", "count=1", "conv=notrunc"]
    kept = f"{path}.kept"
    watched.inside(["dd", f"if={path}", f"of={kept}", "bs=8192", "skip=3", "count=1"])
    watched.superuser(evict)
    watched.inside([*page, "if=/dev/urandom"])
    with pytest.raises(AssertionError, match="invalid page in block 3"):
        watched.superuser(read)
    until(lambda: level(watched, "checksum failures") == "critical")
    watched.inside([*page, f"if={kept}"])
    watched.inside(["rm", kept])
    watched.superuser(read)
    watched.superuser("SELECT pg_stat_reset()")
    assert level(watched, "checksum failures") == "ok"


def test_a_certificate_that_nears_its_end_is_seen(watched: HostUnderTest) -> None:
    declared = watched.spec["tls"]

    def show(days: float | None) -> None:
        changes = dict(zip(("certificate", "key"), authority("2026").server(days=days), strict=True)) if days else {}
        watched.spec["tls"] = declared | changes
        watched.apply("files")
        watched.signal_postgres("HUP")

    assert level(watched, "certificate") == "ok"
    try:
        for days, expected in ((20, "warning"), (5, "critical")):
            show(days)
            assert seen(watched, "certificate", expected)[-1] == expected
    finally:
        show(None)
    assert seen(watched, "certificate", "ok")[-1] == "ok"


def test_transaction_ids_that_run_out_are_seen(watched: HostUnderTest) -> None:
    """The counter is set forward, and what is old frozen."""
    data = f"/{DATA}"
    assert level(watched, "transaction ids") == "ok"
    # Each at the begin of a file of 2^20 states of transactions, of which none is there yet.
    for number, expected in ((600, "warning"), (1300, "critical")):
        watched.stop_postgres()
        watched.as_postgres("dd", "if=/dev/zero", f"of={data}/pg_xact/{number:04X}", "bs=8192", "count=1")
        answer = watched.as_postgres(f"{PROGRAMS}/pg_resetwal", f"--next-transaction-id={number * 2**20}", data)
        assert answer.returncode == 0, answer.stderr
        watched.start_postgres()
        assert level(watched, "transaction ids") == expected
    watched.superuser("ALTER DATABASE template0 ALLOW_CONNECTIONS true")
    port = f"--port={watched.spec['postgres']['port']}"
    answer = watched.as_postgres(f"{PROGRAMS}/vacuumdb", "--all", "--freeze", "--quiet", port)
    assert answer.returncode == 0, answer.stderr
    assert level(watched, "transaction ids") == "ok"
