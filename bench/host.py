"""Figures of a database host of its own: playbook, crashes, pooler against direct connections."""

import os
import random
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil
import psycopg

from bench.figure import Figure
from bench.trial_host import PGBENCH, trial_host
from host.apply import STAGES
from host.common.layout import AUTHORITIES
from local.host import namespace
from tests.host.running import HostUnderTest, members, pid_namespace
from tests.waiting import until

KILLS = 20
WRITERS = 4
CLIENTS = 10
# Even, so that each goes first equally often.
ROUNDS = 8
ROUND_SECONDS = 4
SCALE = 10


def host_figures() -> Iterator[Figure]:
    """All on one host, in one run."""
    with trial_host() as (host, _):
        _widen(host.spec)
        yield from _playbook(host)
        yield from _pooled_against_direct(host)
        yield from _crashes(host)


def _widen(spec: dict[str, Any]) -> None:
    """Allows as many server connections as the declared stack does, so that no client waits for one."""
    spec["pooler"]["pool_size"] = 20
    for role in spec["postgres"]["roles"]:
        role["connection_limit"] = 40


def _playbook(host: HostUnderTest) -> Iterator[Figure]:
    start = time.perf_counter()
    host.start()
    yield Figure(name="playbook, fresh root", value=round(time.perf_counter() - start, 1), unit="s", limit=180)
    start = time.perf_counter()
    reports = [host.apply(stage) for stage in STAGES]
    seconds = round(time.perf_counter() - start, 1)
    yield Figure(name="playbook, second time", value=seconds, unit="s", limit=15)
    changed = sum(len(report["changed"]) + len(report["failed"]) for report in reports)
    yield Figure(name="playbook, second time: changes", value=changed, limit=0)


def _crashes(host: HostUnderTest) -> Iterator[Figure]:
    """kill -9 under write load, again and again; what was acknowledged is looked for afterwards."""
    with host.connect("migrator") as connection:
        connection.execute("CREATE TABLE regulated.acknowledged (id bigint PRIMARY KEY)")
    acknowledged: list[int] = []
    slowest = 0.0
    for number in range(KILLS):
        writers = [
            threading.Thread(target=_write, args=(host, acknowledged, (number * WRITERS + writer) * 10**6))
            for writer in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        time.sleep(random.uniform(0.2, 0.6))
        host.signal_postgres("KILL")
        start = time.perf_counter()
        for writer in writers:
            writer.join()
        until(lambda: not _servers(host))
        host.start_postgres()
        slowest = max(slowest, time.perf_counter() - start)
    found = set(_ids(host))
    yield Figure(name=f"rows acknowledged before {KILLS} kills", value=len(acknowledged))
    yield Figure(name="of these rows found", value=len(found & set(acknowledged)))
    yield Figure(name="of these rows lost", value=len(set(acknowledged) - found), limit=0)
    yield Figure(name="slowest recovery", value=round(slowest, 1), unit="s")


def _write(host: HostUnderTest, acknowledged: list[int], first: int) -> None:
    """Inserts rows until the server is gone; a row counts once its commit was answered."""
    try:
        with host.connect("app") as connection:
            for number in range(first, first + 10**6):
                connection.execute("INSERT INTO regulated.acknowledged VALUES (%s)", (number,))
                acknowledged.append(number)
    except psycopg.OperationalError:
        return


def _servers(host: HostUnderTest) -> list[int]:
    """PostgreSQL's processes; the children of one that was killed end a moment later."""
    found = []
    for pid in members(pid_namespace(host.pid)):
        try:
            found += [pid] if psutil.Process(pid).name() == "postgres" else []
        except psutil.Error:
            continue
    return found


def _ids(host: HostUnderTest) -> Iterator[int]:
    with host.connect("app") as connection:
        for row in connection.execute("SELECT id FROM regulated.acknowledged"):
            yield row[0]


def _pooled_against_direct(host: HostUnderTest) -> Iterator[Figure]:
    """Measured in turns, so that a machine that is busy for a while slows both; the median of the rounds' ratios."""
    postgres, pooler = host.spec["postgres"]["port"], host.spec["pooler"]["port"]
    _pgbench(host, "migrator", postgres, "--initialize", "--quiet", f"--scale={SCALE}")
    # Its WAL goes to the repository first: that takes a core.
    until(lambda: host.superuser("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ 'ready$'") == "0")
    load = (f"--client={CLIENTS}", "--jobs=2", f"--time={ROUND_SECONDS}", "--no-vacuum")
    direct: list[float] = []
    pooled: list[float] = []
    for number in range(ROUNDS):
        turns = [(postgres, direct), (pooler, pooled)]
        # The other first each time: what slows the machine for longer than a turn then slows both alike.
        for port, measured in turns if number % 2 else reversed(turns):
            measured.append(_pgbench(host, "app", port, *load))
    ratio = statistics.median(there / here for here, there in zip(direct, pooled, strict=True))
    yield Figure(name=f"pgbench direct, {CLIENTS} clients", value=round(statistics.median(direct)), unit="tps")
    yield Figure(
        name=f"pgbench through PgBouncer, {CLIENTS} clients", value=round(statistics.median(pooled)), unit="tps"
    )
    yield Figure(name="PgBouncer slower by", value=round(100 * (1 - ratio), 1), unit="%", limit=15)


def _pgbench(host: HostUnderTest, role: str, port: int, *arguments: str) -> float:
    """Transactions a second (TPC-B-like) of a client on the host, with TLS verified to the full."""
    password = next(one["password"] for one in host.spec["postgres"]["roles"] if one["name"] == role)
    variables = {
        "PGHOST": "localhost",
        "PGPORT": str(port),
        "PGUSER": role,
        "PGPASSWORD": password,
        "PGDATABASE": host.spec["postgres"]["database"],
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": AUTHORITIES,
        "HOME": "/nonexistent",
    }
    command = ["chroot", "--userspec=postgres:postgres", str(host.root), PGBENCH, *arguments]
    answer = subprocess.run(
        namespace.enter(host.pid, command),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found = re.search(r"tps = ([\d.]+)", answer.stdout)
    return float(found[1]) if found else 0.0
