"""A real host: each extension does its work, and monitoring sees what it needs."""

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.host.running import HostUnderTest
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_distances_are_measured_on_the_globe(host: HostUnderTest) -> None:
    montreal, quebec = "POINT(-73.5674 45.5019)", "POINT(-71.2080 46.8139)"
    metres = host.one("app", f"SELECT ST_Distance('{montreal}'::geography, '{quebec}'::geography)")
    assert 230_000 < metres < 236_000


def test_the_nearest_vector_is_found_through_its_index(host: HostUnderTest) -> None:
    with host.connect("migrator") as connection:
        connection.execute("CREATE TABLE public.embedding (id int PRIMARY KEY, at vector(3))")
        connection.execute("CREATE INDEX ON public.embedding USING hnsw (at vector_l2_ops)")
        connection.execute(
            "INSERT INTO public.embedding SELECT n, ARRAY[n, n, n]::vector FROM generate_series(1, 50) n"
        )
        connection.execute("SET enable_seqscan = off")
        nearest = "SELECT id FROM public.embedding ORDER BY at <-> '[7,7,8]' LIMIT 1"
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {nearest}"))
        assert "embedding_at_idx" in plan
        assert connection.execute(nearest).fetchone() == (7,)


def test_a_hypertable_is_counted_by_bucket(host: HostUnderTest) -> None:
    with host.connect("migrator") as connection:
        connection.execute("CREATE TABLE public.reading (at timestamptz NOT NULL, value int)")
        connection.execute("SELECT create_hypertable('public.reading', by_range('at'))")
        connection.execute(
            "INSERT INTO public.reading SELECT '2026-01-01'::timestamptz + n * interval '1 hour', n"
            " FROM generate_series(0, 47) n"
        )
    buckets = "SELECT count(*) FROM (SELECT time_bucket('1 day', at) FROM public.reading GROUP BY 1) AS day"
    assert host.one("public_read", buckets) == 2


def test_a_scheduled_job_runs(host: HostUnderTest) -> None:
    with host.connect("migrator") as connection:
        job = connection.execute("SELECT cron.schedule('tick', '1 second', 'SELECT 1')").fetchone()
        status = "SELECT status FROM cron.job_run_details WHERE status NOT IN ('starting', 'running') LIMIT 1"
        assert until(lambda: connection.execute(status).fetchone()) == ("succeeded",)
        connection.execute("SELECT cron.unschedule(%s::bigint)", job)


def test_no_background_job_fails(host: HostUnderTest) -> None:
    assert "threw an error" not in host.log.read_text()
    assert "failed to start a background worker" not in host.log.read_text()


def test_statements_are_counted_for_the_monitor(host: HostUnderTest) -> None:
    host.one("app", "SELECT 4242 AS marker")
    assert host.one("monitor", "SELECT calls FROM pg_stat_statements WHERE query LIKE '%AS marker'") >= 1


def test_the_monitor_sees_the_disk_even_where_it_may_not_write(host: HostUnderTest) -> None:
    with host.connect("monitor", options="-c default_transaction_read_only=on") as connection:
        rows = connection.execute("SELECT * FROM monitoring.disk()").fetchall()
    assert [row[0] for row in rows] == ["data", "wal"]
    for _, total, used, available in rows:
        assert 0 < used < total
        assert 0 < available <= total - used


def test_the_monitor_sees_the_jobs_of_other_roles_and_no_command(host: HostUnderTest) -> None:
    with host.connect("migrator") as connection:
        connection.execute("SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 42')")
    with host.connect("monitor", row_factory=dict_row) as connection:
        (job,) = connection.execute("SELECT * FROM monitoring.cron_jobs() WHERE name = 'nightly'").fetchall()
    assert (job["role_name"], job["is_active"], job["runs_day"]) == ("owner", True, 0)
    assert "command" not in job


@pytest.mark.parametrize("function", ["disk", "backup_version", "cron_jobs", "unarchived"])
@pytest.mark.parametrize("role", ["app", "migrator", "read_only"])
def test_nobody_else_calls_the_monitoring_functions(host: HostUnderTest, role: str, function: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        host.one(role, f"SELECT count(*) FROM monitoring.{function}()")


def test_the_monitor_reads_no_file_system_by_itself(host: HostUnderTest) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        host.one("monitor", "SELECT * FROM monitoring.file_system")


def test_functions_of_an_older_playbook_are_replaced_and_keep_their_rights(host: HostUnderTest) -> None:
    host.superuser("COMMENT ON FUNCTION monitoring.disk() IS 'hybrid of before'")
    assert host.apply("database")["changed"] == ["monitoring functions", "privileges"]
    assert host.apply("database")["changed"] == []
    assert host.one("monitor", "SELECT count(*) FROM monitoring.disk()") == 2


def test_buffers_are_summed_up_for_the_monitor(host: HostUnderTest) -> None:
    assert host.one("monitor", "SELECT buffers_used FROM pg_buffercache_summary()") > 0


def test_jobs_that_the_edition_may_not_run_are_off_again_after_a_dump_brought_them(host: HostUnderTest) -> None:
    on = "SELECT count(*) FROM _timescaledb_config.bgw_job WHERE scheduled AND id < 1000"
    host.superuser("UPDATE _timescaledb_config.bgw_job SET scheduled = true WHERE id < 1000")
    assert host.apply("database")["changed"] == ["extension timescaledb"]
    assert host.superuser(on).strip() == "0"
    assert host.apply("database")["changed"] == []
