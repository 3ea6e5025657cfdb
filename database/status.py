"""How a database is: asked as role `monitor`, subject by subject, so that one that can't be seen hides no other."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from database import findings, queries
from database.access import CONNECT_SECONDS, Access, connected
from database.errors import DatabaseError
from database.findings import Finding, Rows, measured
from database.thresholds import SEVERITY, THRESHOLDS, Level

if TYPE_CHECKING:
    import psycopg

ROLE = "monitor"
STATEMENT_SECONDS = 10
# As libpq numbers PostgreSQL 16.0.
SUMMARY_FROM = 160000
# The first message of a client that wants TLS (PostgreSQL manual, 53.7, SSLRequest).
SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
NOT_FOR_MONITOR = (
    "rows of any table",
    "commands and messages of cron jobs, messages of TimescaleDB's jobs: they may hold rows' values (see `db psql`)",
    "pgBackRest's repository",
)
SUBJECTS: tuple[tuple[str, str, Callable[[Rows], Iterator[Finding]]], ...] = (
    ("server", queries.SERVER, findings.server),
    ("extensions", queries.EXTENSIONS, findings.extensions),
    ("disk", queries.DISK, findings.disk),
    ("WAL", queries.WAL, findings.wal),
    ("archiver", queries.ARCHIVER, findings.archiver),
    ("dropped WAL", queries.DROPPED_WAL, findings.dropped),
    ("markers", queries.MARKERS, findings.markers),
    ("replication slots", queries.SLOTS, findings.slots),
    ("transactions", queries.TRANSACTIONS, findings.transactions),
    ("blocked sessions", queries.BLOCKED, findings.blocked),
    ("connections", queries.CONNECTIONS, findings.connections),
    ("cron jobs", queries.CRON, findings.cron),
    ("TimescaleDB jobs", queries.TIMESCALEDB, findings.timescaledb),
    ("cache", queries.CACHE, findings.cache),
    ("transaction ids", queries.TRANSACTION_IDS, findings.transaction_ids),
)


@dataclass(frozen=True, kw_only=True)
class Status:
    """All findings, and what could not be seen and why."""

    stack: str
    way: str
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]

    @property
    def level(self) -> Level:
        return max((finding.level for finding in self.findings), key=SEVERITY.index)

    def document(self) -> dict[str, Any]:
        rows = [
            {**asdict(finding), "limits": str(THRESHOLDS[finding.name]) if finding.name in THRESHOLDS else None}
            for finding in self.findings
        ]
        return {
            "stack": self.stack,
            "way": self.way,
            "role": ROLE,
            "level": self.level,
            "reason": None,
            "findings": rows,
            "unseen": list(self.unseen),
            "not_for_monitor": list(NOT_FOR_MONITOR),
        }


def status(access: Access, extra: tuple[Finding, ...] = (), *, is_pinned: bool = False) -> Status:
    """Asks the database; `extra` is what was found on the way to it. Raises DatabaseError when it does not answer.

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
        backups = asked("pgBackRest", queries.PGBACKREST)
    if (server := seen["server"]) is not None:
        found += findings.versions(server, backups, seen["TimescaleDB jobs"], is_pinned=is_pinned)
    for name, _, judge in subjects:
        if (rows := seen[name]) is not None:
            found += judge(rows)
    found.append(certificate(access))
    return Status(stack=access.stack, way=access.way, findings=tuple(found), unseen=tuple(unseen))


def unreachable(stack: str, reason: str) -> dict[str, Any]:
    """The document of a database that does not answer: nothing was found, and that is critical."""
    return {
        "stack": stack,
        "way": None,
        "role": ROLE,
        "level": Level.CRITICAL,
        "reason": reason,
        "findings": [],
        "unseen": [name for name, _, _ in SUBJECTS],
        "not_for_monitor": list(NOT_FOR_MONITOR),
    }


def _buffers(server_version: int) -> tuple[str, str, Callable[[Rows], Iterator[Finding]]]:
    query = queries.BUFFERS if server_version >= SUMMARY_FROM else queries.BUFFERS_OF_15
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
    """How long the certificate is valid that the server shows; read from a connection of its own."""
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
