"""After every kind of start the newest acknowledged row is in the repository within archive_timeout and little more."""

import time
from collections.abc import Callable

import pytest

from tests.host.recovery.site import Site
from tests.host.running import HostUnderTest
from tests.host.test_crashes import kill
from tests.run.soak import trials
from tests.waiting import until

pytestmark = pytest.mark.slow

ARCHIVE_SECONDS = 30
SPARE_SECONDS = 45
"""For what a busy machine takes to hand a file over; what is wrong takes minutes."""
WRITE_SECONDS = 0.2
WRITTEN = "INSERT INTO public.trial VALUES (0) RETURNING pg_walfile_name(pg_current_wal_insert_lsn())"
ARCHIVED = "SELECT last_archived_wal FROM pg_stat_archiver"
STARTED = "SELECT pg_postmaster_start_time()"


def kill_a_process(host: HostUnderTest) -> None:
    """The server goes on, and has all its processes recover."""
    started = host.superuser(STARTED)
    (checkpointer,) = host.inside(["pgrep", "--full", "^postgres: checkpointer"]).stdout.split()
    assert host.inside(["kill", "-KILL", checkpointer]).returncode == 0
    until(lambda: checkpointer not in host.inside(["pgrep", "--full", "^postgres: checkpointer"]).stdout.split())
    until(host.answers)
    assert host.superuser(STARTED) == started


KINDS: dict[str, Callable[[HostUnderTest], None]] = {
    "kill -9 of a process": kill_a_process,
    "kill -9 of the server": kill,
    "restart": HostUnderTest.restart_postgres,
}


@pytest.mark.parametrize("kind", list(KINDS)[: trials(1, len(KINDS))])
@pytest.mark.parametrize("trial", range(trials(1, 10)))
def test_the_newest_row_is_in_the_repository_in_time(site: Site, kind: str, trial: int) -> None:
    host = site.host
    host.spec["backup"]["archive_timeout_seconds"] = ARCHIVE_SECONDS
    host.apply("files")
    host.signal_postgres("HUP")
    host.superuser("INSERT INTO public.trial SELECT generate_series(1, 10000)")
    KINDS[kind](host)
    start = time.monotonic()
    segment = host.superuser(WRITTEN).split()[0]
    while host.superuser(ARCHIVED) < segment:
        assert time.monotonic() - start < ARCHIVE_SECONDS + SPARE_SECONDS, trial
        # What goes on is no reason to wait any longer.
        host.superuser(WRITTEN)
        time.sleep(WRITE_SECONDS)
