"""Figures of recovery, on a host of its own: what a crash costs, and restores and drills beside a plain copy."""

import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.figure import Figure
from bench.trial_host import PGBENCH, trial_host
from host.common.layout import OWNER, SOCKETS
from local.host import namespace
from tests.host.recovery.site import CLUSTERS, Site, restore
from tests.host.running import HostUnderTest
from tests.waiting import until

SCALE = 68
"""Scale of pgbench: its tables then hold 1 GB."""
SLOWEST = 1.67
"""Most times the duration of a plain copy: 60 % of its speed."""
ARCHIVE_SECONDS = 30
"""archive_timeout for the crash: shorter than declared, so that the figure says what the setting does."""
WRITING_SECONDS = 65
ROUNDS = 3


def recovery_figures() -> Iterator[Figure]:
    """All on one host, in one run."""
    with _site() as site:
        yield from _crash(site)
        yield from _speed(site)


@contextmanager
def _site() -> Iterator[Site]:
    with trial_host() as (host, store):
        host.spec["backup"]["archive_timeout_seconds"] = ARCHIVE_SECONDS
        host.start()
        made = Site(host, store)
        made.done({"act": "backup"})
        yield made


def _crash(site: Site) -> Iterator[Figure]:
    """Kills the host under write load, and counts acknowledged rows that a restore from the archive lacks.

    Restored is what the archive holds at that moment; the server is killed, and not asked to archive its last segment.
    """
    host = site.host
    with host.connect("migrator") as connection:
        connection.execute("CREATE TABLE regulated.acknowledged (id bigint PRIMARY KEY)")
    acknowledged: dict[int, float] = {}
    writer = threading.Thread(target=_write, args=(host, acknowledged))
    writer.start()
    time.sleep(WRITING_SECONDS)
    host.signal_postgres("KILL")
    crashed = time.time()
    # As if the host were gone: a restore would take from its folder what it had not archived.
    log = host.root / CLUSTERS / "main/pg_wal"
    log.rename(log.with_name("away"))
    writer.join()
    start = time.perf_counter()
    cluster = site.done(restore("latest", into="crashed"))["cluster"]
    seconds = time.perf_counter() - start
    found = {int(line) for line in site.copy("SELECT id FROM regulated.acknowledged", cluster).split()}
    lost = sorted(set(acknowledged) - found)
    span = crashed - acknowledged[lost[0]] if lost else 0.0
    site.done({"act": "discard", "name": "crashed"})
    yield Figure(name="rows acknowledged before the host was lost", value=len(acknowledged))
    yield Figure(name="of these rows lost", value=len(lost))
    yield Figure(
        name="rows that nobody acknowledged", value=len(found - set(acknowledged) - {len(acknowledged)}), limit=0
    )
    # A segment is closed when archive_timeout is over, and then still has to get there.
    limit = ARCHIVE_SECONDS + 2
    yield Figure(
        name=f"oldest lost row before, archive_timeout {ARCHIVE_SECONDS} s", value=round(span, 1), unit="s", limit=limit
    )
    yield Figure(name="restore to latest, small database", value=round(seconds, 1), unit="s")
    until(lambda: not host.succeeds("pgrep", "-f", "checkpointer"))
    log.with_name("away").rename(log)
    host.start_postgres()


def _write(host: HostUnderTest, acknowledged: dict[int, float]) -> None:
    """Inserts one row after the other until the server is gone; a row counts once its commit was answered."""
    try:
        with host.connect("app") as connection:
            for number in range(10**9):
                connection.execute("INSERT INTO regulated.acknowledged VALUES (%s)", (number,))
                acknowledged[number] = time.time()
    except psycopg.OperationalError:
        return


def _speed(site: Site) -> Iterator[Figure]:
    """A restore and a drill, and beside them a plain copy of the files that each restore makes."""
    _fill(site)
    site.done({"act": "backup", "kind": "full"})
    rounds = [_round(site) for _ in range(ROUNDS)]
    median = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    yield Figure(name="database", value=round(median["bytes"] / 2**30, 2), unit="GB")
    yield Figure(name="restored and answering", value=round(median["total"], 1), unit="s", limit=90)
    yield Figure(name="of this pgBackRest's own part", value=round(median["restore"], 1), unit="s")
    yield Figure(name="plain copy of the restored files", value=round(median["copy"], 1), unit="s")
    ratio = statistics.median(found["restore"] / found["copy"] for found in rounds)
    yield Figure(name="restore / plain copy", value=round(ratio, 2), unit="×", limit=SLOWEST)
    yield Figure(name="drill, both restores and all checks", value=round(median["drill"], 1), unit="s")
    ratio = statistics.median(found["drill restores"] / (2 * found["copy"]) for found in rounds)
    yield Figure(name="a drill's restores / as many plain copies", value=round(ratio, 2), unit="×", limit=SLOWEST)


def _fill(site: Site) -> None:
    host, database = site.host, site.host.spec["postgres"]["database"]
    connection = ["--host", SOCKETS, "--port", str(host.spec["postgres"]["port"]), "--username", OWNER, database]
    command = ["chroot", f"--userspec={OWNER}:{OWNER}", str(host.root), PGBENCH, "--initialize", "--quiet"]
    argv = [*command, f"--scale={SCALE}", *connection]
    subprocess.run(namespace.enter(host.pid, argv), check=True, capture_output=True, timeout=300)
    while host.superuser("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ 'ready$'") != "0":
        time.sleep(1)


def _round(site: Site) -> dict[str, float]:
    """Seconds of each, and the bytes of the restored cluster."""
    start = time.perf_counter()
    made = site.done(restore("latest", into="timed"))
    total = time.perf_counter() - start
    folder = site.host.root / CLUSTERS
    copied = _timed(lambda: _synced_copy(folder / "timed", folder / "plain"))
    size = sum(path.stat().st_size for path in (folder / "plain").rglob("*") if path.is_file())
    shutil.rmtree(folder / "plain")
    site.done({"act": "discard", "name": "timed"})
    drilled = site.done({"act": "drill"})
    return {
        "total": total,
        "restore": made["seconds"]["restore"],
        "copy": copied,
        "bytes": size,
        "drill": drilled["seconds"],
        "drill restores": sum(leg["seconds"]["restore"] for leg in drilled["restores"]),
    }


def _timed(act: Callable[[], None]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _synced_copy(source: Path, target: Path) -> None:
    """Copies and syncs: as durable as a restore is when it answers."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)
