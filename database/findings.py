"""What the answers of a database mean: each subject's rows judged against the one table of limits."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from components.settings import compatibility
from database.figures import duration, size
from host.specification.alarms import QUEUE_PERCENT
from host.specification.versions import number


class Level(StrEnum):
    """How bad a finding is; not how sure it is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITY = list(Level)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The values from which a finding is a warning or critical; None: never."""

    unit: str
    warning: float | None
    critical: float | None
    is_floor: bool = False
    """Whether values are bad when they fall to the limit, not when they rise to it."""

    def level(self, value: float) -> Level:
        for limit, level in ((self.critical, Level.CRITICAL), (self.warning, Level.WARNING)):
            if limit is not None and (value <= limit if self.is_floor else value >= limit):
                return level
        return Level.OK

    def __str__(self) -> str:
        limits = " / ".join("–" if limit is None else f"{limit:g}" for limit in (self.warning, self.critical))
        return f"{'≤' if self.is_floor else '≥'} {limits} {self.unit}"


THRESHOLDS: dict[str, Threshold] = {
    # A full disk stops PostgreSQL, and what frees it (restore on a larger one) takes an hour.
    "disk": Threshold(unit="% used", warning=75, critical=90),
    # Above max_wal_size something holds WAL back: a slot, or an archiver that fails.
    "wal": Threshold(unit="% of max_wal_size", warning=150, critical=400),
    "slot": Threshold(unit="MB retained", warning=1024, critical=8192),
    # A full file takes a second or two on its way to S3.
    "archiving": Threshold(unit="s behind", warning=20, critical=900),
    # At 100 the queue is dropped, and with it what the window to restore to would need.
    "archive queue": Threshold(unit="% of what may wait", warning=10, critical=QUEUE_PERCENT),
    # In 24 h, and until the next backup.
    "dropped WAL": Threshold(unit="files", warning=None, critical=1),
    # Written each half minute; a restore is tried by them.
    "markers": Threshold(unit="s old", warning=120, critical=None),
    "longest transaction": Threshold(unit="s", warning=300, critical=3600),
    # The host ends them after 60 s: what is older has turned that off.
    "idle in transaction": Threshold(unit="s", warning=30, critical=120),
    "blocked sessions": Threshold(unit="sessions", warning=1, critical=10),
    "cron jobs": Threshold(unit="failures in 24 h", warning=1, critical=20),
    "TimescaleDB jobs": Threshold(unit="jobs that failed last", warning=1, critical=3),
    "connections": Threshold(unit="% of the limit", warning=80, critical=95),
    "cache hit": Threshold(unit="%", warning=95, critical=None, is_floor=True),
    "certificate": Threshold(unit="days left", warning=30, critical=7, is_floor=True),
    # PostgreSQL stops taking writes 3 million transactions before 2^31 (manual, 24.1.5).
    "transaction ids": Threshold(unit="% used", warning=25, critical=60),
    "checksum failures": Threshold(unit="pages", warning=None, critical=1),
    "versions": Threshold(unit="faults", warning=None, critical=1),
    "extensions": Threshold(unit="to update", warning=1, critical=None),
    "pooler": Threshold(unit="not answering", warning=1, critical=None),
}


Rows = Sequence[Mapping[str, Any]]
MB = 2**20
# Before that many blocks a share says nothing: the cache is still cold.
COLD_BLOCKS = 100_000
# For what a busy host takes to hand a file over.
SPARE_SECONDS = 15
# So long after its start a host may be without having read its repository.
UNREAD_SECONDS = 120
# As declared where nothing else is; a host of before does not tell its own.
DEFAULT_POINT_SECONDS = 120
SERVER = "server"
WOULD_BE_LOST = "would be lost"
LOST = "docs/runbooks/restore.md, Lost bucket"
CAME_BACK = "docs/runbooks/database.md, A host that came back"
# Of transaction ids, which wrap around (PostgreSQL manual, 24.1.5).
ALL_IDS = 2**31


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measured value, in the unit of its limits."""

    name: str
    level: Level
    detail: str
    value: float | None = None
    own_limits: Threshold | None = None
    """Where they are declared with the host, in place of the table's."""

    @property
    def limits(self) -> Threshold | None:
        return self.own_limits or THRESHOLDS.get(self.name)


def measured(name: str, value: float, detail: str, own_limits: Threshold | None = None) -> Finding:
    """A finding with the level that its own limits give to its value, or else the table's."""
    value = round(value, 1)
    level = (own_limits or THRESHOLDS[name]).level(value)
    return Finding(name=name, level=level, detail=detail, value=value, own_limits=own_limits)


def versions(rows: Rows, backup_rows: Rows | None, job_rows: Rows | None, *, is_pinned: bool) -> Iterator[Finding]:
    """Versions found, beside the table's where the host is pinned to them.

    `backup_rows` is None where pgBackRest was not seen, `job_rows` where TimescaleDB's jobs were not.
    """
    (row,) = rows
    found = {"PostgreSQL": row["postgresql"], "TimescaleDB": row["timescaledb"]}
    if backup_rows is not None:
        found["pgBackRest"] = backup_rows[0]["pgbackrest"]
    faults = compatibility.installed_faults(
        postgresql=row["postgresql"],
        timescaledb=row["timescaledb"],
        # What was not seen is not judged.
        pgbackrest=found.get("pgBackRest") if backup_rows is not None else compatibility.PGBACKREST,
        uses_process_credentials=is_pinned,
        # What was seen to succeed in the server that runs now says more than its version.
        has_jobs=job_rows is None or any(row["has_failed"] or not row["has_succeeded"] for row in job_rows),
    )
    release = compatibility.RELEASES.get(number(row["postgresql"])[0]) if is_pinned else None
    versions = {str(name): version for name, version in release.versions.items()} if release else {}
    pins = {name: versions[name.lower()] for name in found if versions}
    told = [_version(name, version, pins.get(name)) for name, version in found.items()]
    judged = measured("versions", len(faults), "; ".join([*faults, ", ".join(told)]))
    has_drifted = any(_is_other(found[name], pin) for name, pin in pins.items())
    yield replace(judged, level=Level.WARNING) if has_drifted and not faults else judged


def _version(name: str, version: str | None, pin: str | None) -> str:
    text = f"{name} {'.'.join(map(str, number(version))) if version else 'not installed'}"
    return f"{text} (pinned: {pin})" if pin else text


def _is_other(version: str | None, pin: str) -> bool:
    return version is None or number(version) != number(pin)


def server(rows: Rows) -> Iterator[Finding]:
    """Kind of server and its uptime."""
    (row,) = rows
    kind = "standby" if row["is_standby"] else "serving"
    yield Finding(name=SERVER, level=Level.OK, detail=f"{kind}, up for {duration(row['uptime_seconds'])}")


def extensions(rows: Rows) -> Iterator[Finding]:
    old = [
        f"{row['name']} {row['installed']} → {row['available']}" for row in rows if row["installed"] != row["available"]
    ]
    yield measured(
        "extensions", len(old), ", ".join(old) or ", ".join(f"{row['name']} {row['installed']}" for row in rows)
    )


def slots(rows: Rows) -> Iterator[Finding]:
    """A lost slot is critical whatever it holds back; one that nobody reads will hold back more."""
    if not rows:
        yield Finding(name="slot", level=Level.OK, detail="none")
    for row in rows:
        use = "in use" if row["is_active"] else "not in use"
        found = measured("slot", row["retained_bytes"] / MB, f"{row['name']}: {use}, WAL {row['wal_status']}")
        if row["wal_status"] in ("unreserved", "lost"):
            yield replace(found, level=Level.CRITICAL)
        elif not row["is_active"] and found.level is Level.OK:
            yield replace(found, level=Level.WARNING)
        else:
            yield found


def disk(rows: Rows) -> Iterator[Finding]:
    """One finding a file system: data and WAL may share one."""
    file_systems: dict[tuple[int, int, int], list[str]] = {}
    for row in rows:
        sizes = row["total_bytes"], row["used_bytes"], row["available_bytes"]
        file_systems.setdefault(sizes, []).append(row["place"])
    for (total, used, available), names in file_systems.items():
        # As df counts: what is kept back for root is neither used nor to be had.
        share = 100 * used / (used + available) if used + available else 0
        found = f"{share:.1f} % used, as df counts; {size(available)} of {size(total)} free"
        yield measured("disk", share, f"{' and '.join(names)}: {found}")


def wal(rows: Rows) -> Iterator[Finding]:
    (row,) = rows
    share = 100 * row["bytes"] / row["max_bytes"]
    yield measured("wal", share, f"{size(row['bytes'])} in {row['files']} files, made for {size(row['max_bytes'])}")


def unarchived(rows: Rows) -> Iterator[Finding]:
    """What is on this host alone, against the point that a restore is to reach; what can't be told is the worst."""
    if not rows:
        yield Finding(name=WOULD_BE_LOST, level=Level.OK, detail="nothing: a standby has no log of its own")
        return
    (row,) = rows
    limits = Threshold(
        unit="s of commits",
        warning=row["archive_timeout_seconds"] + SPARE_SECONDS,
        critical=row["recovery_point_seconds"] or DEFAULT_POINT_SECONDS,
    )
    log = f"{size(row['bytes'])} of log would not come back"
    if row["seconds"] is None:
        fault = f"unknown: {log}, and the time of its commits can't be read"
        yield Finding(name=WOULD_BE_LOST, level=Level.CRITICAL, detail=fault, own_limits=limits)
    elif not row["seconds"]:
        yield measured(WOULD_BE_LOST, 0, "nothing: all that was committed was handed to the archive", limits)
    else:
        since = f"what was committed in the last {duration(row['seconds'])}: {log}"
        yield measured(WOULD_BE_LOST, row["seconds"], since, limits)


def against_repository(found: Iterable[Finding], rows: Rows) -> Iterator[Finding]:
    """What was handed to the archive comes back only from a repository that has it, and a backup before it."""
    fault = next(filter(None, map(_repository_fault, rows)), None)
    for one in found:
        is_more = fault and one.name == WOULD_BE_LOST
        yield replace(one, level=Level.CRITICAL, value=None, detail=f"{fault}: {LOST}") if is_more else one


def server_beside(
    found: Iterable[Finding], repository: Rows | None, server: Rows | None, archiver: Rows | None
) -> Iterator[Finding]:
    """Another host that was promoted while this one was away: both serve, and what is written here is lost.

    `repository` is None where it was not seen, and the others likewise.
    """
    fault = _beside_fault(repository, server, archiver)
    for one in found:
        is_more = fault and one.name == SERVER
        yield replace(one, level=Level.CRITICAL, detail=f"{one.detail}; {fault}: {CAME_BACK}") if is_more else one


def _beside_fault(repository: Rows | None, server: Rows | None, archiver: Rows | None) -> str | None:
    for row in repository or ():
        # An older host does not look.
        if later := row.get("later_timeline"):
            return (
                f"another host was promoted since, for timeline {int(later, 16)} is archived, and both may be written"
            )
    if repository is not None or not server or not archiver or server[0]["is_standby"]:
        return None
    uptime = server[0]["uptime_seconds"]
    # What it archived since its start it did in a repository that others look at, too; a busy one may need a while.
    has_archived = archiver[0]["last_archived_wal"] and archiver[0]["last_success_seconds"] < uptime
    if has_archived or uptime < UNREAD_SECONDS:
        return None
    return "the repository was not reached since, so whether another host was promoted meanwhile is not known"


def unjudged(rows: Rows) -> str | None:
    """Why nobody looked for log that is missing by name."""
    # An older host does not say.
    if all(row.get("is_listed", True) for row in rows):
        return None
    return (
        "log in the repository: its names could not be listed within 5 s, so whether any is missing since the newest"
        " backup is not known; `./hybrid backup list` takes its time and shows it"
    )


def _repository_fault(row: Mapping[str, Any]) -> str | None:
    if not row["backups"]:
        return "all: the repository has no backup that this database can be restored from"
    if not row["is_there"]:
        return f"unknown: the newest backup, {row['newest_backup']}, is not in the repository any more"
    if row["archived_wal"] and (row["newest_wal"] or "") < row["archived_wal"]:
        newest = f"nothing after {row['newest_wal']}" if row["newest_wal"] else "nothing"
        return f"{row['archived_wal']} was archived, and the repository has {newest}"
    # An older host does not look.
    if missing := row.get("missing_wal"):
        return (
            f"unknown: {missing} is not in the repository any more, and from the newest backup,"
            f" {row['newest_backup']}, nothing after it can be restored; `./hybrid backup now --type full`, and see"
            " `./hybrid backup list`"
        )
    return None


def archiver(rows: Rows) -> Iterator[Finding]:
    """Judged by the WAL file that has waited longest: an unreachable repository is retried for minutes before."""
    (row,) = rows
    if row["mode"] == "off" or (row["is_standby"] and row["mode"] != "always"):
        level = Level.OK if row["is_standby"] else Level.CRITICAL
        yield Finding(name="archiving", level=level, detail=f"off (archive_mode = {row['mode']})")
        return
    behind = max(row["waiting_seconds"], 0)
    is_late = row["is_failing"] or THRESHOLDS["archiving"].level(behind) is not Level.OK
    last = (
        f"last success {duration(row['last_success_seconds'])} ago"
        if row["last_archived_wal"]
        else "nothing archived yet"
    )
    failures = f"{row['failed_count']} failures since the statistics began"
    found = measured("archiving", behind, f"{'fails: ' if is_late else ''}{last}, {failures}")
    # A last try that failed is worth a word, however short ago.
    yield replace(found, level=Level.WARNING) if row["is_failing"] and found.level is Level.OK else found
    yield _queue(row)


def _queue(row: Mapping[str, Any]) -> Finding:
    """Against the limit that the host's settings tell; a host of before has none."""
    told = f"{row['waiting']} WAL files wait for the repository"
    if not row["queue_max_bytes"]:
        return Finding(name="archive queue", level=Level.OK, detail=f"{told}; no limit is known")
    share = 100 * row["waiting_bytes"] / row["queue_max_bytes"]
    since = f", the oldest for {duration(row['waiting_seconds'])}" if row["waiting"] else ""
    return measured("archive queue", share, f"{told}: {share:.1f} % of {size(row['queue_max_bytes'])}{since}")


def dropped(rows: Rows) -> Iterator[Finding]:
    """Log that was given up for want of room: a hole in the window to restore to."""
    (row,) = rows
    hole = f"{row['first']} to {row['last']}: nothing later can be restored to before `./hybrid backup now`"
    yield measured("dropped WAL", row["files_day"], hole if row["files_day"] else "none")


def markers(rows: Rows) -> Iterator[Finding]:
    """They stop with pg_cron, or with the host that serves."""
    (row,) = rows
    found = Finding(name="markers", level=Level.WARNING, detail="none yet")
    if row["seconds"] is not None:
        found = measured("markers", row["seconds"], f"newest is {duration(row['seconds'])} old")
    # Those of before a restart are soon followed by a new one; a standby's come with the log.
    is_excused = row["is_standby"] or row["uptime_seconds"] < (THRESHOLDS["markers"].warning or 0)
    yield replace(found, level=Level.OK) if is_excused else found


def transactions(rows: Rows) -> Iterator[Finding]:
    """The longest transaction, and the longest that is idle in transaction."""
    idle = [row for row in rows if str(row["state"]).startswith("idle in transaction")]
    for name, found, seconds in (
        ("longest transaction", rows, "seconds"),
        ("idle in transaction", idle, "idle_seconds"),
    ):
        worst = max(found, key=lambda row, key=seconds: row[key], default=None)  # type: ignore[misc]
        if worst is None:
            yield measured(name, 0, "none")
        else:
            yield measured(name, worst[seconds], f"{worst['role']}, process {worst['pid']}: {duration(worst[seconds])}")


def blocked(rows: Rows) -> Iterator[Finding]:
    told = [
        f"{row['role']}, process {row['pid']}: waits for {', '.join(map(str, row['blocked_by']))}"
        f" since {duration(row['seconds'])}"
        for row in rows
    ]
    yield measured("blocked sessions", len(rows), "; ".join(told[:3]) or "none")


def cron(rows: Rows) -> Iterator[Finding]:
    failed = [row for row in rows if row["failures_day"]]
    told = [f"{row['name'] or row['job_id']}: {row['failures_day']} of {row['runs_day']} runs failed" for row in failed]
    yield measured("cron jobs", sum(row["failures_day"] for row in failed), "; ".join(told) or f"{len(rows)} jobs")


def timescaledb(rows: Rows) -> Iterator[Finding]:
    """Jobs that failed last; all of them where nothing starts any."""
    failed = [row for row in rows if row["has_failed"]]
    told = [f"{row['name']}: {row['total_failures']} of {row['total_runs']} runs failed" for row in failed]
    if not all(row["has_scheduler"] for row in rows):
        failed, told = [*rows], ["no scheduler runs: nothing starts them", *told]
    yield measured("TimescaleDB jobs", len(failed), "; ".join(told) or f"{len(rows) or 'none'} scheduled")


def connections(rows: Rows) -> Iterator[Finding]:
    """The role that is nearest to its limit, and all together."""
    for group in ([row for row in rows if row["role"] != "all"], [row for row in rows if row["role"] == "all"]):
        fullest = max(group, key=lambda row: row["open"] / row["allowed"], default=None)
        if fullest:
            share = 100 * fullest["open"] / fullest["allowed"]
            yield measured("connections", share, f"{fullest['role']}: {fullest['open']} of {fullest['allowed']}")


def cache(rows: Rows) -> Iterator[Finding]:
    (row,) = rows
    blocks = row["hits"] + row["reads"]
    share = 100 * row["hits"] / blocks if blocks else 100
    if blocks < COLD_BLOCKS:
        yield Finding(name="cache hit", level=Level.OK, detail=f"{share:.1f} % of few blocks", value=round(share, 1))
    else:
        yield measured("cache hit", share, f"{share:.1f} % of {blocks:.0f} blocks")
    yield measured("checksum failures", row["checksum_failures"], f"{row['checksum_failures']} pages")


def buffers(rows: Rows) -> Iterator[Finding]:
    (row,) = rows
    used, unused = row["buffers_used"], row["buffers_unused"]
    share = 100 * used / (used + unused)
    detail = f"{share:.0f} % used, {row['buffers_dirty']} dirty, used {row['usagecount_avg'] or 0:.1f} times on average"
    yield Finding(name="shared buffers", level=Level.OK, detail=detail, value=round(share, 1))


def transaction_ids(rows: Rows) -> Iterator[Finding]:
    (row,) = rows
    yield measured("transaction ids", 100 * row["age"] / ALL_IDS, f"{row['database']}: oldest is {row['age']:.0f} old")
