"""Answers of a database judged, without a database, and the one table of limits that they are judged by."""

from dataclasses import replace
from typing import Any

import pytest

from database import findings, status
from database.findings import THRESHOLDS, Finding, Level, Rows, Threshold
from database.status import _buffers

SERVER = {"postgresql": "17.12 (Debian 17.12-1)", "timescaledb": "2.31.2", "is_standby": False, "uptime_seconds": 5e5}
UNSEEN = "not seen"
SLOT = {"name": "copy", "is_active": True, "wal_status": "reserved", "retained_bytes": 0.0}
ARCHIVER = {
    "mode": "on",
    "is_standby": False,
    "last_archived_wal": "000000010000000000000001",
    "failed_count": 0,
    "is_failing": False,
    "last_success_seconds": 40.0,
    "waiting": 0,
    "waiting_seconds": 0.0,
    "waiting_bytes": 0.0,
    "queue_max_bytes": 1024 * 2**20,
}
UNARCHIVED = {"bytes": 2e7, "seconds": 40.0, "archive_timeout_seconds": 60.0, "recovery_point_seconds": 300.0}
MARKERS = {"seconds": 20.0, "is_standby": False, "uptime_seconds": 5e5}
DROPPED = {"files_day": 0, "first": None, "last": None}
OPEN = {"pid": 7, "role": "app", "state": "active", "seconds": 5.0, "idle_seconds": 5.0}
CRON = {"job_id": 1, "name": "sweep", "runs_day": 10, "failures_day": 0}
JOB = {
    "name": "Retention [3]",
    "total_failures": 0,
    "total_runs": 9,
    "has_failed": False,
    "has_succeeded": True,
    "has_scheduler": True,
}
CACHE = {"hits": 999_000.0, "reads": 1_000.0, "checksum_failures": 0}


def levels(judge: Any, *rows: dict[str, Any]) -> list[str]:
    return [f"{found.name}: {found.level}" for found in judge(rows)]


@pytest.mark.parametrize(
    ("judge", "rows", "expected"),
    [
        (findings.server, [SERVER], ["server: ok"]),
        (findings.slots, [], ["slot: ok"]),
        (findings.slots, [SLOT], ["slot: ok"]),
        (findings.slots, [SLOT | {"is_active": False}], ["slot: warning"]),
        (findings.slots, [SLOT | {"retained_bytes": 2e9}], ["slot: warning"]),
        (findings.slots, [SLOT | {"is_active": False, "retained_bytes": 9e9}], ["slot: critical"]),
        (findings.slots, [SLOT | {"wal_status": "lost"}], ["slot: critical"]),
        (findings.archiver, [ARCHIVER], ["archiving: ok", "archive queue: ok"]),
        (findings.archiver, [ARCHIVER | {"is_failing": True}], ["archiving: warning", "archive queue: ok"]),
        (findings.archiver, [ARCHIVER | {"waiting_seconds": 25.0}], ["archiving: warning", "archive queue: ok"]),
        (
            findings.archiver,
            [ARCHIVER | {"is_failing": True, "waiting_seconds": 1e4, "waiting": 16, "waiting_bytes": 256 * 2**20}],
            ["archiving: critical", "archive queue: critical"],
        ),
        (
            findings.archiver,
            [ARCHIVER | {"waiting": 7, "waiting_bytes": 112 * 2**20}],
            ["archiving: ok", "archive queue: warning"],
        ),
        (
            findings.archiver,
            [ARCHIVER | {"waiting": 900, "waiting_bytes": 9e9, "queue_max_bytes": None}],
            ["archiving: ok", "archive queue: ok"],
        ),
        (findings.unarchived, [], ["would be lost: ok"]),
        (findings.unarchived, [UNARCHIVED], ["would be lost: ok"]),
        (findings.unarchived, [UNARCHIVED | {"seconds": 75.0}], ["would be lost: warning"]),
        (findings.unarchived, [UNARCHIVED | {"seconds": 300.0}], ["would be lost: critical"]),
        (
            findings.unarchived,
            [UNARCHIVED | {"seconds": 120.0, "recovery_point_seconds": None}],
            ["would be lost: critical"],
        ),
        (findings.unarchived, [UNARCHIVED | {"seconds": None}], ["would be lost: critical"]),
        (findings.dropped, [DROPPED], ["dropped WAL: ok"]),
        (findings.dropped, [{"files_day": 1, "first": "A", "last": "A"}], ["dropped WAL: critical"]),
        (findings.markers, [MARKERS], ["markers: ok"]),
        (findings.markers, [MARKERS | {"seconds": 500.0}], ["markers: warning"]),
        (findings.markers, [MARKERS | {"seconds": None}], ["markers: warning"]),
        (findings.markers, [MARKERS | {"seconds": 500.0, "uptime_seconds": 60.0}], ["markers: ok"]),
        (findings.markers, [MARKERS | {"seconds": 500.0, "is_standby": True}], ["markers: ok"]),
        (findings.archiver, [ARCHIVER | {"mode": "off"}], ["archiving: critical"]),
        (findings.archiver, [ARCHIVER | {"is_standby": True}], ["archiving: ok"]),
        (findings.transactions, [], ["longest transaction: ok", "idle in transaction: ok"]),
        (
            findings.transactions,
            [OPEN | {"seconds": 400.0}],
            ["longest transaction: warning", "idle in transaction: ok"],
        ),
        (
            findings.transactions,
            [OPEN | {"state": "idle in transaction (aborted)", "idle_seconds": 130.0}],
            ["longest transaction: ok", "idle in transaction: critical"],
        ),
        (findings.blocked, [], ["blocked sessions: ok"]),
        (findings.blocked, [OPEN | {"blocked_by": [3]}], ["blocked sessions: warning"]),
        (findings.cron, [CRON], ["cron jobs: ok"]),
        (findings.cron, [CRON | {"failures_day": 1}], ["cron jobs: warning"]),
        (findings.timescaledb, [JOB], ["TimescaleDB jobs: ok"]),
        (findings.timescaledb, [JOB | {"has_failed": True}] * 3, ["TimescaleDB jobs: critical"]),
        (findings.timescaledb, [JOB | {"has_scheduler": False}], ["TimescaleDB jobs: warning"]),
        (findings.timescaledb, [], ["TimescaleDB jobs: ok"]),
        (findings.connections, [{"role": "app", "open": 19, "allowed": 20}], ["connections: critical"]),
        (findings.cache, [CACHE], ["cache hit: ok", "checksum failures: ok"]),
        (findings.cache, [CACHE | {"hits": 9e5, "reads": 9e5}], ["cache hit: warning", "checksum failures: ok"]),
        (findings.cache, [CACHE | {"hits": 9.0, "reads": 9.0}], ["cache hit: ok", "checksum failures: ok"]),
        (findings.cache, [CACHE | {"checksum_failures": 1}], ["cache hit: ok", "checksum failures: critical"]),
        (findings.transaction_ids, [{"database": "clinic", "age": 2e8}], ["transaction ids: ok"]),
        (findings.transaction_ids, [{"database": "clinic", "age": 1.9e9}], ["transaction ids: critical"]),
        (
            findings.extensions,
            [{"name": "vector", "installed": "0.8.0", "available": "0.8.1"}],
            ["extensions: warning"],
        ),
    ],
)
def test_a_fact_has_its_level(judge: Any, rows: Rows, expected: list[str]) -> None:
    assert levels(judge, *rows) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "pgbackrest", "here", "in_the_cloud"),
    [
        ({}, "2.59.0", "ok", "ok"),
        ({}, "2.60", "ok", "warning"),
        ({}, "2.58.0", "ok", "critical"),
        ({}, None, "critical", "critical"),
        ({}, UNSEEN, "ok", "ok"),
        ({"postgresql": "17.11"}, "2.59.0", "ok", "warning"),
        ({"timescaledb": "2.32.0"}, "2.59.0", "ok", "warning"),
        ({"timescaledb": "2.32.0"}, UNSEEN, "ok", "warning"),
        ({"timescaledb": "2.20.0"}, "2.59.0", "critical", "critical"),
        ({"timescaledb": None}, "2.59.0", "critical", "critical"),
        ({"postgresql": "14.2"}, "2.59.0", "critical", "critical"),
    ],
)
def test_versions_are_bound_to_the_table_where_the_host_is_pinned(
    changes: dict[str, Any], pgbackrest: str | None, here: str, in_the_cloud: str
) -> None:
    for is_pinned, expected in ((False, here), (True, in_the_cloud)):
        (found,) = versions(changes, pgbackrest, is_pinned=is_pinned)
        assert (is_pinned, found.level) == (is_pinned, expected)


def versions(changes: dict[str, Any], pgbackrest: str | None, *, is_pinned: bool) -> list[Finding]:
    seen = None if pgbackrest == UNSEEN else [{"pgbackrest": pgbackrest}]
    jobs = [JOB | {"has_succeeded": False}]
    return list(findings.versions([SERVER | changes], seen, jobs, is_pinned=is_pinned))


@pytest.mark.parametrize(
    ("jobs", "level"),
    [
        # As in Debian's edition, which has none.
        ([], "ok"),
        ([JOB], "ok"),
        ([JOB, JOB | {"has_succeeded": False}], "critical"),
        ([JOB | {"has_failed": True}], "critical"),
        (None, "critical"),
    ],
)
def test_a_pair_that_is_known_to_fail_jobs_is_judged_by_the_jobs_that_are_seen(jobs: Rows | None, level: str) -> None:
    (found,) = findings.versions([SERVER | {"timescaledb": "2.19.3"}], None, jobs, is_pinned=False)
    assert (found.level, "fails every background job" in found.detail) == (level, level == "critical")


def test_a_pair_that_does_not_run_at_all_is_critical_without_jobs() -> None:
    (found,) = findings.versions([SERVER | {"postgresql": "15.20"}], None, [], is_pinned=False)
    assert found.level == "critical"
    assert found.detail.startswith("TimescaleDB 2.31.2 does not run in PostgreSQL 15; allowed: 2.28; ")


def test_found_versions_are_named_beside_those_of_the_table() -> None:
    (found,) = versions({"postgresql": "17.11 (Debian 17.11-1)"}, "2.59.0", is_pinned=True)
    assert found.detail == (
        "PostgreSQL 17.11 (pinned: 17.12), TimescaleDB 2.31.2 (pinned: 2.31.2), pgBackRest 2.59.0 (pinned: 2.59.0)"
    )
    (found,) = versions({}, UNSEEN, is_pinned=False)
    assert found.detail == "PostgreSQL 17.12, TimescaleDB 2.31.2"


@pytest.mark.parametrize(("server", "query"), [(150020, status.BUFFERS_OF_15), (160016, status.BUFFERS)])
def test_the_buffers_are_asked_for_as_the_server_can_tell(server: int, query: str) -> None:
    assert _buffers(server) == ("shared buffers", query, findings.buffers)


def test_the_fullest_role_is_named() -> None:
    rows = [{"role": name, "open": open_, "allowed": 10} for name, open_ in (("app", 2), ("monitor", 9), ("all", 11))]
    assert [found.detail for found in findings.connections(rows)] == ["monitor: 9 of 10", "all: 11 of 10"]


def test_what_would_be_lost_is_told_by_time_and_bytes_against_what_is_declared() -> None:
    (found,) = findings.unarchived([UNARCHIVED])
    assert found.detail == "what was committed in the last 40.0 s: 19 MB of log would not come back"
    assert (found.value, str(found.limits)) == (40.0, "≥ 75 / 300 s of commits")
    (found,) = findings.unarchived([UNARCHIVED | {"seconds": 0.0}])
    assert found.detail == "nothing: all that was committed was handed to the archive"


HELD = {
    "backups": 2,
    "newest_backup": "20261121-053408F",
    "is_there": True,
    "newest_wal": "000000010000000000000007",
    "archived_wal": "000000010000000000000007",
    "missing_wal": None,
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"newest_wal": "000000010000000000000008"}, None),
        ({"newest_wal": "000000020000000000000007"}, None),
        ({"archived_wal": None}, None),
        ({"backups": 0, "newest_backup": None, "is_there": None}, "all: the repository has no backup"),
        ({"is_there": False}, "unknown: the newest backup, 20261121-053408F, is not"),
        (
            {"newest_wal": "000000010000000000000006"},
            "000000010000000000000007 was archived, and the repository has nothing after 000000010000000000000006",
        ),
        ({"newest_wal": None}, "000000010000000000000007 was archived, and the repository has nothing: "),
        (
            {"missing_wal": "000000010000000000000005"},
            "unknown: 000000010000000000000005 is not in the repository any more, and from the newest"
            " backup, 20261121-053408F, nothing after it can be restored",
        ),
    ],
)
def test_what_was_archived_counts_where_the_repository_has_it(changes: dict[str, Any], told: str | None) -> None:
    before = [*findings.unarchived([UNARCHIVED]), findings.measured("wal", 1, "")]
    found = list(findings.against_repository(before, [HELD | changes]))
    assert found[1:] == before[1:]
    assert list(findings.against_repository(before, ())) == before
    if told is None:
        assert found == before
    else:
        assert (found[0].level, found[0].value, found[0].detail.startswith(told)) == ("critical", None, True)


def test_log_whose_names_could_not_be_listed_is_told_as_not_looked_for() -> None:
    assert (findings.unjudged([HELD | {"is_listed": False}]) or "").startswith("log in the repository: its names could")
    for rows in ([HELD | {"is_listed": True}], [HELD], []):
        assert findings.unjudged(rows) is None


@pytest.mark.parametrize(
    ("repository", "uptime", "archived_ago", "told"),
    [
        ([HELD], 300.0, None, None),
        ([HELD | {"later_timeline": None}], 300.0, None, None),
        ([HELD | {"later_timeline": "0000000B"}], 5.0, 1.0, "another host was promoted since, for timeline 11 is"),
        (None, 300.0, 40.0, None),
        # Right after its start a warning has to do: what could not be seen is one.
        (None, 100.0, None, None),
        (None, 300.0, None, "the repository was not reached since, so whether another host was promoted meanwhile"),
        (None, 300.0, 301.0, "the repository was not reached since, so whether another host was promoted meanwhile"),
        ([], 300.0, None, None),
    ],
)
def test_a_host_that_came_back_beside_a_promoted_one_is_critical(
    repository: findings.Rows | None, uptime: float, archived_ago: float | None, told: str | None
) -> None:
    server, other = SERVER | {"uptime_seconds": uptime}, findings.measured("wal", 1, "")
    archived = {"last_archived_wal": None} if archived_ago is None else {"last_success_seconds": archived_ago}
    before = [*findings.server([server]), other]
    found = [*findings.server_beside(before, repository, [server], [ARCHIVER | archived])]
    assert found[1] == other
    assert (found[0] == before[0]) is (told is None)
    if told:
        assert found[0].level == "critical"
        assert found[0].detail.startswith(f"{before[0].detail}; {told}")
    # Nothing is known of a server that was not seen, and a standby is nobody's rival.
    assert [*findings.server_beside(before, None, None, None)] == before
    standby = server | {"is_standby": True}
    assert [*findings.server_beside(before, None, [standby], [ARCHIVER | archived])] == before


def test_what_could_not_be_seen_is_a_warning() -> None:
    found = status.Status(stack="local", route="directly", findings=(findings.measured("wal", 1, ""),), unseen=())
    assert (found.level, replace(found, unseen=("disk: no such function",)).level) == ("ok", "warning")


def test_the_queue_is_told_against_what_may_wait() -> None:
    _, found = findings.archiver(
        [ARCHIVER | {"waiting": 16, "waiting_bytes": 256 * 2**20, "waiting_seconds": 180.0}],
    )
    assert found.value == 25.0
    assert found.detail == "16 WAL files wait for the repository: 25.0 % of 1.0 GB, the oldest for 3 min"


def test_one_file_system_with_two_uses_is_one_finding() -> None:
    sizes = {"total_bytes": 100 * 2**30, "used_bytes": 80 * 2**30, "available_bytes": 15 * 2**30}
    (found,) = findings.disk([{"place": place, **sizes} for place in ("data", "wal")])
    assert (found.level, found.value) == ("warning", 84.2)
    assert found.detail == "data and wal: 84.2 % used, as df counts; 15 GB of 100 GB free"


def test_a_finding_names_a_limit_that_is_in_the_table() -> None:
    with pytest.raises(KeyError):
        findings.measured("no such thing", 1, "")
    assert isinstance(findings.measured("wal", 10, "little"), Finding)


@pytest.mark.parametrize(
    ("value", "level"),
    [(0, "ok"), (74.9, "ok"), (75, "warning"), (89.9, "warning"), (90, "critical"), (100, "critical")],
)
def test_a_value_that_reaches_a_limit_has_its_level(value: float, level: str) -> None:
    assert THRESHOLDS["disk"].level(value) == level


@pytest.mark.parametrize(
    ("days", "level"), [(400, "ok"), (30, "warning"), (7.1, "warning"), (7, "critical"), (-1, "critical")]
)
def test_a_floor_is_reached_from_above(days: float, level: str) -> None:
    assert THRESHOLDS["certificate"].level(days) == level


def test_a_limit_that_is_none_is_never_reached() -> None:
    assert Threshold(unit="%", warning=None, critical=None).level(1e9) is Level.OK


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_limit_has_a_unit_and_warns_before_it_is_critical(name: str) -> None:
    limit = THRESHOLDS[name]
    assert limit.unit
    if limit.warning is not None and limit.critical is not None:
        assert (limit.warning > limit.critical) == limit.is_floor
