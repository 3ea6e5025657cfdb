"""How a database is: asked as role `monitor`, subject by subject, so that one that can't be seen hides no other."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from database import findings
from database.access import CONNECT_SECONDS, Access, connected
from database.errors import DatabaseError
from database.findings import SEVERITY, Finding, Level, Rows, measured

if TYPE_CHECKING:
    import psycopg


SERVER = """
SELECT current_setting('server_version') AS postgresql, pg_is_in_recovery() AS is_standby,
       extract(epoch FROM now() - pg_postmaster_start_time())::float8 AS uptime_seconds,
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescaledb
"""
PGBACKREST = "SELECT monitoring.backup_version() AS pgbackrest"
EXTENSIONS = """
SELECT extname AS name, extversion AS installed, default_version AS available
FROM pg_extension JOIN pg_available_extensions ON name = extname WHERE extname <> 'plpgsql' ORDER BY extname
"""
# A standby has no WAL of its own to count from.
SLOTS = """
SELECT slot_name AS name, active AS is_active, wal_status,
       coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                     ELSE pg_current_wal_lsn() END, restart_lsn), 0)::float8 AS retained_bytes
FROM pg_replication_slots ORDER BY slot_name
"""
DISK = "SELECT * FROM monitoring.disk()"
WAL = """
SELECT sum(size)::float8 AS bytes, count(*) AS files,
       (SELECT setting::float8 * 1048576 FROM pg_settings WHERE name = 'max_wal_size') AS max_bytes
FROM pg_ls_waldir()
"""
UNARCHIVED = """
SELECT bytes::float8, seconds, extract(epoch FROM current_setting('archive_timeout')::interval)::float8
           AS archive_timeout_seconds,
       nullif(current_setting('hybrid.recovery_point_seconds', true), '')::float8 AS recovery_point_seconds
FROM monitoring.unarchived()
"""
REPOSITORY = "SELECT * FROM monitoring.repository()"
ARCHIVER = """
SELECT current_setting('archive_mode') AS mode, pg_is_in_recovery() AS is_standby, last_archived_wal, failed_count,
       waiting.failed > 0 AS is_failing,
       extract(epoch FROM now() - coalesce(last_archived_time, stats_reset))::float8 AS last_success_seconds,
       waiting.files AS waiting, waiting.seconds AS waiting_seconds,
       waiting.files * (SELECT setting::float8 FROM pg_settings WHERE name = 'wal_segment_size') AS waiting_bytes,
       nullif(current_setting('hybrid.archive_queue_max_mb', true), '')::float8 * 1048576 AS queue_max_bytes
FROM pg_stat_archiver, (
    SELECT count(*) AS files, coalesce(extract(epoch FROM now() - min(modification)), 0)::float8 AS seconds,
           count(*) FILTER (WHERE name = last_failed_wal || '.ready') AS failed
    FROM pg_ls_archive_statusdir(), pg_stat_archiver WHERE name LIKE '%.ready'
) AS waiting
"""
DROPPED_WAL = "SELECT * FROM monitoring.dropped_wal()"
MARKERS = """
SELECT extract(epoch FROM now() - monitoring.newest_marker())::float8 AS seconds, pg_is_in_recovery() AS is_standby,
       extract(epoch FROM now() - pg_postmaster_start_time())::float8 AS uptime_seconds
"""
TRANSACTIONS = """
SELECT pid, usename AS role, state, extract(epoch FROM now() - xact_start)::float8 AS seconds,
       extract(epoch FROM now() - state_change)::float8 AS idle_seconds
FROM pg_stat_activity
WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
ORDER BY xact_start
"""
BLOCKED = """
SELECT pid, usename AS role, pg_blocking_pids(pid) AS blocked_by,
       extract(epoch FROM now() - query_start)::float8 AS seconds
FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0 ORDER BY query_start
"""
CRON = "SELECT * FROM monitoring.cron_jobs()"
# A job that crashed leaves no status; one that has just been started has none yet. A standby shows what ran elsewhere.
TIMESCALEDB = """
SELECT jobs.job_id, jobs.application_name AS name, coalesce(total_failures, 0) AS total_failures,
       coalesce(total_runs, 0) AS total_runs,
       coalesce(last_run_status = 'Failed' OR last_run_status IS NULL AND job_status <> 'Running'
                AND last_run_started_at < now() - interval '10 s', false) AS has_failed,
       coalesce(last_successful_finish > pg_postmaster_start_time(), false)
           AND NOT pg_is_in_recovery() AS has_succeeded,
       pg_is_in_recovery() OR now() < pg_postmaster_start_time() + interval '2 min' OR EXISTS (
           SELECT FROM pg_stat_activity
           WHERE backend_type = 'TimescaleDB Background Worker Scheduler' AND datname = current_database()
       ) AS has_scheduler
FROM timescaledb_information.jobs LEFT JOIN timescaledb_information.job_stats USING (job_id)
WHERE jobs.scheduled ORDER BY jobs.job_id
"""
# Only client backends: a role's limit counts no background worker.
CONNECTIONS = """
SELECT rolname AS role, count(pid) AS open, rolconnlimit AS allowed
FROM pg_roles LEFT JOIN pg_stat_activity ON usesysid = pg_roles.oid AND backend_type = 'client backend'
WHERE rolcanlogin AND rolconnlimit > 0 GROUP BY rolname, rolconnlimit
UNION ALL
SELECT 'all', count(*), current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""
CACHE = """
SELECT blks_hit::float8 AS hits, blks_read::float8 AS reads, coalesce(checksum_failures, 0) AS checksum_failures
FROM pg_stat_database WHERE datname = current_database()
"""
BUFFERS = "SELECT buffers_used, buffers_unused, buffers_dirty, usagecount_avg FROM pg_buffercache_summary()"
# The same, slower: the summary came with PostgreSQL 16.
BUFFERS_OF_15 = """
SELECT count(relfilenode) AS buffers_used, count(*) - count(relfilenode) AS buffers_unused,
       count(*) FILTER (WHERE isdirty) AS buffers_dirty, avg(usagecount)::float8 AS usagecount_avg
FROM pg_buffercache
"""
TRANSACTION_IDS = """
SELECT datname AS database, greatest(age(datfrozenxid), mxid_age(datminmxid))::float8 AS age
FROM pg_database ORDER BY age DESC LIMIT 1
"""


ROLE = "monitor"
STATEMENT_SECONDS = 10
# As libpq numbers PostgreSQL 16.0.
SUMMARY_FROM = 160000
# The first message of a client that wants TLS (PostgreSQL manual, 53.7, SSLRequest).
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
NOT_FOR_MONITOR = (
    "rows of any table",
    "commands and messages of cron jobs, messages of TimescaleDB's jobs: they may hold rows' values (see `db psql`)",
    "pgBackRest's repository, but for how far it goes",
)
SUBJECTS: tuple[tuple[str, str, Callable[[Rows], Iterator[Finding]]], ...] = (
    ("server", SERVER, findings.server),
    ("extensions", EXTENSIONS, findings.extensions),
    ("disk", DISK, findings.disk),
    ("WAL", WAL, findings.wal),
    ("unarchived WAL", UNARCHIVED, findings.unarchived),
    ("archiver", ARCHIVER, findings.archiver),
    ("dropped WAL", DROPPED_WAL, findings.dropped),
    ("markers", MARKERS, findings.markers),
    ("replication slots", SLOTS, findings.slots),
    ("transactions", TRANSACTIONS, findings.transactions),
    ("blocked sessions", BLOCKED, findings.blocked),
    ("connections", CONNECTIONS, findings.connections),
    ("cron jobs", CRON, findings.cron),
    ("TimescaleDB jobs", TIMESCALEDB, findings.timescaledb),
    ("cache", CACHE, findings.cache),
    ("transaction ids", TRANSACTION_IDS, findings.transaction_ids),
)


@dataclass(frozen=True, kw_only=True)
class Status:
    """All findings, and what could not be seen and why."""

    stack: str
    route: str
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]

    @property
    def level(self) -> Level:
        # What could not be seen may be anything.
        unseen = [Level.WARNING] if self.unseen else []
        return max([*unseen, *(finding.level for finding in self.findings)], key=SEVERITY.index)

    def document(self) -> dict[str, Any]:
        rows = [
            {
                "name": finding.name,
                "level": finding.level,
                "detail": finding.detail,
                "value": finding.value,
                "limits": str(finding.limits) if finding.limits else None,
            }
            for finding in self.findings
        ]
        return {
            "stack": self.stack,
            **_route(self.route),
            "role": ROLE,
            "level": self.level,
            "reason": None,
            "findings": rows,
            "unseen": list(self.unseen),
            "not_for_monitor": list(NOT_FOR_MONITOR),
        }


def status(access: Access, extra: tuple[Finding, ...] = (), *, is_pinned: bool = False) -> Status:
    """Asks the database; `extra` is what was found before it was asked. Raises DatabaseError when it does not answer.

    `is_pinned` says that the host has the table's versions, and process credentials.
    """
    found, unseen = list(extra), []
    with connected(access) as connection:
        connection.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'".encode())

        def asked(name: str, query: str) -> Rows | None:
            try:
                return _rows(connection, query)
            except DatabaseError as error:
                unseen.append(f"{name}: {error}")
                return None

        subjects = (*SUBJECTS, _buffers(connection.info.server_version))
        seen = {name: asked(name, query) for name, query, _ in subjects}
        backups = asked("pgBackRest", PGBACKREST)
        repository = asked("backup repository", REPOSITORY)
    if (server := seen["server"]) is not None:
        found += findings.versions(server, backups, seen["TimescaleDB jobs"], is_pinned=is_pinned)
    for name, _, judge in subjects:
        if (rows := seen[name]) is not None:
            found += judge(rows)
    found = list(findings.against_repository(found, repository or ()))
    found = list(findings.server_beside(found, repository, server, seen["archiver"]))
    if unjudged := findings.unjudged(repository or ()):
        unseen.append(unjudged)
    found.append(certificate(access))
    return Status(stack=access.stack, route=access.route, findings=tuple(found), unseen=tuple(unseen))


def _route(route: str | None) -> dict[str, str | None]:
    # `way` was its key until this release.
    return {"route": route, "way": route}


def unreachable(stack: str, reason: str) -> dict[str, Any]:
    """The document of a database that does not answer: nothing was found, and that is critical."""
    return {
        "stack": stack,
        **_route(None),
        "role": ROLE,
        "level": Level.CRITICAL,
        "reason": reason,
        "findings": [],
        "unseen": [name for name, _, _ in SUBJECTS],
        "not_for_monitor": list(NOT_FOR_MONITOR),
    }


def _buffers(server_version: int) -> tuple[str, str, Callable[[Rows], Iterator[Finding]]]:
    query = BUFFERS if server_version >= SUMMARY_FROM else BUFFERS_OF_15
    return "shared buffers", query, findings.buffers


def _rows(connection: "psycopg.Connection[dict[str, Any]]", query: str) -> Rows:
    import psycopg

    try:
        return connection.execute(query.encode()).fetchall()
    except psycopg.Error as error:
        if connection.closed:
            raise
        raise DatabaseError(_reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def certificate(access: Access) -> Finding:
    """Days for which the server's certificate is still valid; read from a connection of its own."""
    trust = ssl.create_default_context(cafile=str(access.authorities))
    try:
        with socket.create_connection((access.address, access.port), timeout=CONNECT_SECONDS) as plain:
            plain.sendall(SSL_REQUEST)
            if plain.recv(1) != b"S":
                raise DatabaseError(f"{access.host}: offers no TLS")
            with trust.wrap_socket(plain, server_hostname=access.host) as secured:
                shown = secured.getpeercert() or {}
    except OSError as error:
        raise DatabaseError(f"{access.host}: its certificate can't be read: {error}") from error
    ends = str(shown["notAfter"])
    days = (ssl.cert_time_to_seconds(ends) - time.time()) / 86400
    return measured("certificate", days, f"{days:.0f} days left, until {ends}")
