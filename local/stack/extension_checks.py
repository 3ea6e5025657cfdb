"""Each extension used for what it is there for; a check returns what it found and raises when that is wrong.

Tables are made in a transaction that is rolled back, so nothing stays behind.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from host.specification.model import Spec
from local.common.errors import LocalError
from local.host.database import conninfo
from local.processes.stack import Stack

TICK_SECONDS = 15
Connection = psycopg.Connection[Any]


@contextmanager
def _connected(stack: Stack, host: Spec, role: str) -> Iterator[Connection]:
    with psycopg.connect(conninfo(stack, host, role, stack.ports.postgres), autocommit=True) as connection:
        yield connection


@contextmanager
def _scratch(stack: Stack, host: Spec) -> Iterator[Connection]:
    with _connected(stack, host, "migrator") as connection, connection.transaction(force_rollback=True):
        yield connection


def _value(connection: Connection, query: str, parameters: tuple[Any, ...] = ()) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    if row is None:
        raise LocalError("no row came back")
    return row[0]


def postgis(stack: Stack, host: Spec) -> str:
    """Distance between Montreal and Toronto on the spheroid."""
    with _scratch(stack, host) as connection:
        metres = _value(
            connection,
            "SELECT ST_Distance('POINT(-73.5674 45.5019)'::geography, 'POINT(-79.3832 43.6532)'::geography)",
        )
    if not 500_000 < metres < 510_000:
        raise LocalError(f"Montreal to Toronto came out as {metres:.0f} m")
    return f"Montreal to Toronto: {metres / 1000:.1f} km"


def vector(stack: Stack, host: Spec) -> str:
    """Nearest neighbour by an HNSW index."""
    with _scratch(stack, host) as connection:
        connection.execute("CREATE TABLE regulated.verify_vectors (id int, embedding vector(3))")
        connection.execute(
            "INSERT INTO regulated.verify_vectors SELECT i, ARRAY[i, i * 2, 1]::vector FROM generate_series(1, 200) i"
        )
        connection.execute("CREATE INDEX ON regulated.verify_vectors USING hnsw (embedding vector_l2_ops)")
        connection.execute("SET LOCAL enable_seqscan = off")
        nearest = "SELECT id FROM regulated.verify_vectors ORDER BY embedding <-> '[42,84,1]' LIMIT 1"
        explained = connection.execute(f"EXPLAIN {nearest}".encode()).fetchall()
        found = _value(connection, nearest)
    if found != 42 or not any("Index Scan" in row[0] for row in explained):
        raise LocalError(f"the nearest of 200 vectors came out as {found}, or without the index")
    return "nearest of 200 vectors found by HNSW index"


def timescaledb(stack: Stack, host: Spec) -> str:
    """Hours counted in a hypertable."""
    with _scratch(stack, host) as connection:
        connection.execute("CREATE TABLE regulated.verify_readings (at timestamptz NOT NULL, value int)")
        connection.execute("SELECT create_hypertable('regulated.verify_readings', 'at')")
        connection.execute(
            "INSERT INTO regulated.verify_readings"
            " SELECT '2026-01-01'::timestamptz + i * interval '10 minutes', i FROM generate_series(0, 143) i"
        )
        hours = _value(
            connection,
            "SELECT count(*) FROM (SELECT time_bucket('1 hour', at) FROM regulated.verify_readings GROUP BY 1) b",
        )
    if hours != 24:
        raise LocalError(f"a day came out as {hours} hours")
    return "144 readings of a hypertable in 24 hourly buckets"


def pg_cron(stack: Stack, host: Spec) -> str:
    """A job that runs every second, until its first success."""
    with _connected(stack, host, "migrator") as connection:
        job = _value(connection, "SELECT cron.schedule('verify-tick', '1 second', 'SELECT 1')")
        try:
            started = time.monotonic()
            while not _has_ticked(connection, job):
                if time.monotonic() - started > TICK_SECONDS:
                    raise LocalError(f"no job ran within {TICK_SECONDS} s")
                time.sleep(0.05)
        finally:
            connection.execute("SELECT cron.unschedule(%s::bigint)", (job,))
            connection.execute("DELETE FROM cron.job_run_details WHERE jobid = %s", (job,))
    return f"job ran after {time.monotonic() - started:.1f} s"


def _has_ticked(connection: Connection, job: int) -> bool:
    query = "SELECT count(*) FROM cron.job_run_details WHERE jobid = %s AND status = 'succeeded'"
    return bool(_value(connection, query, (job,)))


def pg_stat_statements(stack: Stack, host: Spec) -> str:
    """A statement's calls, as the monitor sees them."""
    # Equal but for constants and names is one statement to it, kept under its first text: so none that others use.
    statement = "SELECT min(id) FROM regulated.ledger_entries WHERE amount_cents BETWEEN {} AND {} AND currency <> {}"
    counted = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements WHERE query = %s"
    with _connected(stack, host, "app") as application, _connected(stack, host, "monitor") as monitor:
        normalised = (statement.format("$1", "$2", "$3"),)
        before = _value(monitor, counted, normalised)
        for number in range(3):
            application.execute(statement.format(number, number + 1, "'CAD'").encode())
        calls = _value(monitor, counted, normalised) - before
    if calls != 3:
        raise LocalError(f"3 calls were counted as {calls}")
    return f"{calls} calls counted"


def cached_role(stack: Stack, host: Spec) -> str:
    """The role behind the cached Hyperdrive reads public data and is refused regulated data."""
    with _connected(stack, host, "public_read") as connection:
        rates = _value(connection, "SELECT count(*) FROM public.exchange_rates")
        try:
            connection.execute("SELECT 1 FROM regulated.ledger_entries")
        except psycopg.errors.InsufficientPrivilege:
            return f"reads {rates} public rows, is refused regulated ones"
    raise LocalError("public_read can read regulated data")
