"""Answers of an engine, made up: one factory a thing, with keyword changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from host.recovery.contract import Evidence, Listing, Plan, written

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MIB = 2**20


def wal(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def backup(started: datetime, kind: str = "full", **changes: Any) -> dict[str, Any]:
    first = changes.pop("first_wal", 3)
    seconds = changes.pop("seconds", 42.5)
    timeline = changes.pop("timeline", 1)
    label = started.strftime("%Y%m%d-%H%M%S") + "F"
    if kind != "full":
        label = f"20261101-071500F_{label[:-1]}{'D' if kind == 'diff' else 'I'}"
    fields = {
        "label": label,
        "kind": kind,
        "prior": None if kind == "full" else "20261101-071500F",
        "started_at": written(started),
        "stopped_at": written(started + timedelta(seconds=seconds)),
        "seconds": seconds,
        "database_bytes": 700 * MIB,
        "repository_bytes": 120 * MIB,
        "delta_bytes": 700 * MIB if kind == "full" else 40 * MIB,
        "lsn_start": "0/3000028",
        "lsn_stop": "0/3000100",
        "wal_start": wal(first, timeline),
        "wal_stop": wal(first + 1, timeline),
        "timeline": timeline,
        "error": False,
        "next_xid": 800,
        "manifest_key": f"postgresql/backup/main-17/{label}/backup.manifest",
    }
    return fields | changes


def archive(first: int, last: int, last_at: datetime | None = NOW, **changes: Any) -> dict[str, Any]:
    timeline = changes.pop("timeline", 1)
    gaps = [[wal(one, timeline), wal(other, timeline)] for one, other in changes.pop("gaps", [])]
    return {
        "first": wal(first, timeline),
        "last": wal(last, timeline),
        "last_at": last_at and written(last_at),
        "timeline": timeline,
        "gaps": gaps,
    }


def listing(backups: list[dict[str, Any]], archives: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    windows = [{"from": backups[0]["stopped_at"], "until": written(NOW), "is_live": True}] if backups else []
    fields: dict[str, Any] = {
        "stanza": "main-17",
        "now": written(NOW),
        "source": {"repository": "primary", "as_of": None},
        "backups": backups,
        "archive": archives,
        "windows": windows,
        "holes": [],
        "leftovers": [],
        "restored": [],
    }
    return fields | changes


def read(given: dict[str, Any]) -> Listing:
    return Listing.model_validate(given)


def cluster(name: str = "before-delete", **changes: Any) -> dict[str, Any]:
    fields = {
        "name": name,
        "bytes": 700 * MIB,
        "state": "running",
        "port": 5433,
        "made_at": written(NOW - timedelta(hours=1)),
        "kind": "restored",
    }
    return fields | changes


def minute_old() -> dict[str, Any]:
    return listing([backup(NOW - timedelta(minutes=1), seconds=2.3, first_wal=1)], [archive(1, 3)])


def with_hole() -> dict[str, Any]:
    """Log was dropped after the first backup, and the second was taken later."""
    first, second = backup(NOW - timedelta(hours=9), first_wal=1), backup(NOW - timedelta(hours=2), first_wal=70)
    windows = [
        {"from": first["stopped_at"], "until": written(NOW - timedelta(hours=6)), "is_live": False},
        {"from": second["stopped_at"], "until": written(NOW), "is_live": True},
    ]
    cause = f"archive: {wal(31)} .. {wal(50)} is missing"
    holes = [{"from": windows[0]["until"], "until": windows[1]["from"], "cause": cause}]
    return listing([first, second], [archive(1, 90, gaps=[(31, 50)])], windows=windows, holes=holes)


def stopped() -> dict[str, Any]:
    """PostgreSQL was killed two minutes ago, and had not archived its last minute."""
    one = backup(NOW - timedelta(minutes=12), seconds=2.3, first_wal=1)
    until, archived = NOW - timedelta(minutes=2), NOW - timedelta(minutes=3)
    window = {"from": one["stopped_at"], "until": written(until), "is_live": False, "archived_until": written(archived)}
    hole = {"from": written(until), "until": written(NOW), "cause": "main does not run"}
    return listing([one], [archive(1, 3, archived)], windows=[window], holes=[hole])


def empty() -> dict[str, Any]:
    return listing([], [])


def four_weeks() -> dict[str, Any]:
    start = NOW - timedelta(days=27, hours=4, minutes=45)
    found = [
        backup(
            start + timedelta(days=day),
            "full" if day % 7 == 0 else "diff",
            seconds=1900 if day % 7 == 0 else 240,
            first_wal=1440 * day + 1,
        )
        for day in range(28)
    ]
    return listing(found, [archive(1, 1440 * 27 + 300)])


def two_timelines() -> dict[str, Any]:
    found = [
        backup(NOW - timedelta(days=6), first_wal=10, seconds=1800),
        backup(NOW - timedelta(days=5), "diff", first_wal=200),
        backup(NOW - timedelta(days=2), "full", first_wal=640, timeline=2, seconds=1800),
        backup(NOW - timedelta(hours=20), "incr", first_wal=900, timeline=2),
    ]
    archives = [
        archive(8, 600, NOW - timedelta(days=3), gaps=[(330, 400)]),
        archive(590, 1200, NOW, timeline=2),
    ]
    kept = cluster("main.before-20261118-1200", kind="kept", state="stopped", port=None)
    kept["made_at"] = written(NOW - timedelta(days=3))
    return listing(found, archives, restored=[cluster(), kept])


def plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "target": {"kind": "time", "value": written(NOW), "is_exclusive": False, "timeline": None, "set": None},
        "source": {"repository": "primary", "as_of": None},
        "into": "before-delete",
        "backup": backup(NOW - timedelta(hours=5)),
        "chain": ["20261121-070000F"],
        "wal": {"first": wal(3), "last": wal(9), "files": 7, "bytes": 7 * 16 * MIB},
        "data_bytes": 700 * MIB,
        "download_bytes": 120 * MIB,
        "free_bytes": 9000 * MIB,
        "needed_bytes": 900 * MIB,
        "estimated_seconds": 42.0,
        "estimate_from": "the last drill, 21 MB/s",
        "stops": [],
        "loses": None,
        "keeps": None,
        "needs_replace": False,
        "faults": [],
    }
    return Plan.model_validate(fields | changes)


def drilled(kind: str, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "kind": kind,
        "target": written(NOW - timedelta(hours=2)) if kind == "point" else None,
        "backup": "20261121-070000F",
        "seconds": {"restore": 11.2, "recovery": 3.1, "total": 15.9},
        "data_bytes": 700 * MIB,
        "last_commit_at": written(NOW - timedelta(seconds=20)),
        "markers": {"expected": 40, "found": 40, "missing": [], "unexpected": []},
        "recovery_point_seconds": 20.4 if kind == "latest" else None,
        "checks": [{"name": "markers", "is_passed": True, "detail": "40 of 40"}],
    }
    return fields | changes


def evidence(**changes: Any) -> Evidence:
    fields: dict[str, Any] = {
        "format": 1,
        "stack": "local",
        "host": "a",
        "started_at": written(NOW),
        "seconds": 48.3,
        "seed": 7,
        "versions": {"PostgreSQL": "17.6", "pgBackRest": "2.55.1"},
        "targets": {"recovery_point_seconds": 120, "recovery_time_seconds": 1800},
        "windows": [{"from": written(NOW - timedelta(hours=5)), "until": written(NOW), "is_live": True}],
        "restores": [drilled("latest"), drilled("point")],
        "recovery_point_seconds": 20.4,
        "recovery_time_seconds": 15.9,
        "is_passed": True,
        "faults": [],
    }
    return Evidence.model_validate(fields | changes)
