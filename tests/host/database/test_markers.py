"""Markers on a real host: written by a job, seen by nobody who serves requests, and never too many."""

import psycopg
import pytest

from tests.host.running import HostUnderTest
from tests.waiting import until

pytestmark = pytest.mark.slow

# A marker is kept for longer than any backup.
KEPT, OLD = "now() - interval '379 days'", "now() - interval '381 days'"
# One in a hundred clears up.
MANY = 2000


def test_a_job_of_the_monitor_writes_markers(host: HostUnderTest) -> None:
    job = "SELECT schedule, command, username, active FROM cron.job WHERE jobname = 'hybrid-marker'"
    assert host.superuser(job) == "30 seconds|SELECT monitoring.mark()|monitor|t"
    # The run is noted a moment after its marker is there.
    until(lambda: host.superuser("SELECT count(*) FROM cron.job_run_details WHERE status = 'succeeded'") != "0")
    assert host.superuser("SELECT count(*) FROM monitoring.marker") != "0"


def test_a_marker_has_the_time_and_the_number_of_its_transaction(host: HostUnderTest) -> None:
    with host.connect("monitor") as connection, connection.transaction():
        row = connection.execute("SELECT monitoring.mark(), pg_current_xact_id()::text").fetchone()
    assert row
    written, xid = row
    assert host.superuser(f"SELECT xid FROM monitoring.marker WHERE written_at = '{written.isoformat()}'") == xid
    assert host.one("monitor", "SELECT monitoring.newest_marker()") >= written


def test_the_job_is_made_once(host: HostUnderTest) -> None:
    assert host.apply("database")["changed"] == []
    host.superuser("UPDATE cron.job SET active = false WHERE jobname = 'hybrid-marker'")
    assert host.apply("database")["changed"] == ["marker job"]
    assert host.superuser("SELECT active FROM cron.job WHERE jobname = 'hybrid-marker'") == "t"


@pytest.mark.parametrize("role", ["app", "read_only", "public_read", "migrator", "monitor"])
def test_nobody_reads_or_changes_the_table(host: HostUnderTest, role: str) -> None:
    for query in ("SELECT * FROM monitoring.marker", "DELETE FROM monitoring.marker"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            host.one(role, query)


@pytest.mark.parametrize("role", ["app", "read_only", "public_read", "migrator"])
@pytest.mark.parametrize("function", ["mark", "newest_marker", "dropped_wal"])
def test_only_the_monitor_calls_the_functions(host: HostUnderTest, role: str, function: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        host.one(role, f"SELECT monitoring.{function}()")


def test_what_is_old_is_cleared_up(host: HostUnderTest) -> None:
    host.superuser(f"INSERT INTO monitoring.marker VALUES ({KEPT}), ({OLD})")
    host.superuser(
        "INSERT INTO cron.job_run_details (jobid, runid, username, start_time)"
        " VALUES (1, 0, 'monitor', now() - interval '8 days')"
    )
    host.one("monitor", f"SELECT count(monitoring.mark()) FROM generate_series(1, {MANY})")
    assert host.superuser("SELECT count(*) FROM monitoring.marker WHERE written_at < now() - interval '60 days'") == "1"
    assert host.superuser("SELECT count(*) FROM cron.job_run_details WHERE runid = 0") == "0"
    assert int(host.superuser("SELECT count(*) FROM monitoring.marker")) >= MANY
