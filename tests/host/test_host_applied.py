"""A real host: the playbook applied to a root file system, seen by clients from outside."""

import copy
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.host.running import HostUnderTest, until

pytestmark = pytest.mark.slow


def with_postgres(host: HostUnderTest, **changes: Any) -> dict[str, Any]:
    spec = copy.deepcopy(host.spec)
    spec["postgres"] |= changes
    return spec


def test_the_first_application_succeeds(host: HostUnderTest) -> None:
    assert [report["failed"] for report in host.first.values()] == [[], []]
    assert host.first["files"]["restart"] == ["pooler", "postgres"]


@pytest.mark.parametrize("stage", ["files", "database"])
def test_the_second_application_changes_nothing(host: HostUnderTest, stage: str) -> None:
    report = host.apply(stage)
    assert (report["changed"], report["failed"], report["restart"], report["exit"]) == ([], [], [], 0)
    assert report["unchanged"] > 10


def test_a_dry_run_changes_nothing(host: HostUnderTest) -> None:
    spec = with_postgres(host, memory_mb=2048)
    assert host.apply("files", "--dry", spec=spec)["changed"] == ["PostgreSQL settings"]
    assert host.apply("files")["changed"] == []


def test_more_memory_changes_only_the_settings(host: HostUnderTest) -> None:
    report = host.apply("files", spec=with_postgres(host, memory_mb=2048))
    assert (report["changed"], report["restart"]) == (["PostgreSQL settings"], ["postgres"])
    assert host.apply("files")["changed"] == ["PostgreSQL settings"]


def test_settings_that_are_not_loaded_yet_ask_for_a_restart_again(host: HostUnderTest) -> None:
    settings = "/etc/postgresql/17/main/postgresql.conf"
    host.inside(["touch", f"{host.root}{settings}"])
    report = host.apply("files")
    assert (report["changed"], report["restart"]) == ([], ["postgres"])
    host.inside(["touch", "-d", "2020-01-01", f"{host.root}{settings}"])


def test_settings_that_postgres_refuses_do_not_replace_good_ones(host: HostUnderTest) -> None:
    path = host.root / "etc/postgresql/17/main/postgresql.conf"
    good = path.read_text()
    # PostgreSQL takes at most 262143 connections' worth of worker processes.
    report = host.apply("files", spec=with_postgres(host, cpus=300_000))
    assert report["exit"] == 1
    assert report["failed"][0]["operation"] == "PostgreSQL settings"
    assert "max_worker_processes" in report["failed"][0]["error"]
    assert path.read_text() == good


def test_a_server_that_does_not_run_is_named(host: HostUnderTest) -> None:
    report = host.apply("database", spec=with_postgres(host, port=1))
    assert report["exit"] == 1
    (failure,) = report["failed"]
    assert failure["operation"] == "reading the host's state"
    assert "Is the server running" in failure["error"]


def test_a_specification_that_is_refused_changes_nothing(host: HostUnderTest) -> None:
    with pytest.raises(AssertionError, match=r"spec\.postgres\.port: 0 is no port"):
        host.apply("files", spec=with_postgres(host, port=0))


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


def test_tls_is_verified_by_name_and_by_address(host: HostUnderTest) -> None:
    used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert host.one("app", used) is True
    assert host.one("app", used, host="127.0.0.1") is True


def test_a_client_that_trusts_another_authority_does_not_connect(host: HostUnderTest, tmp_path: Path) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        host.connect("app", sslrootcert="system")


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong-password"},
        {"sslmode": "disable"},
        {"user": "postgres"},
        {"dbname": "postgres"},
        {"dbname": "template1"},
    ],
    ids=lambda changes: "-".join(next(iter(changes.items()))),
)
def test_what_is_not_declared_does_not_connect(host: HostUnderTest, changes: dict[str, Any]) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"authentication failed|no pg_hba.conf entry"):
        host.connect("app", **changes)


@pytest.fixture(scope="module")
def patient_table(host: HostUnderTest) -> str:
    """A regulated hypertable and its chunk, made by the role that makes tables."""
    with host.connect("migrator") as connection:
        connection.execute("CREATE TABLE regulated.patient (id bigserial, seen timestamptz NOT NULL, name text)")
        connection.execute("SELECT create_hypertable('regulated.patient', by_range('seen'))")
        connection.execute("INSERT INTO regulated.patient (seen, name) VALUES (now(), 'Ada')")
        chunk = connection.execute("SELECT show_chunks('regulated.patient')::text").fetchone()
    return str(chunk[0]) if chunk else ""


def test_the_app_reads_and_writes_regulated_rows(host: HostUnderTest, patient_table: str) -> None:
    with host.connect("app") as connection:
        connection.execute("INSERT INTO regulated.patient (seen, name) VALUES (now(), 'Grace')")
        assert connection.execute("SELECT count(*) FROM regulated.patient").fetchone() == (2,)


def test_public_read_reads_no_regulated_row(host: HostUnderTest, patient_table: str) -> None:
    for source in ("regulated.patient", patient_table):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            host.one("public_read", f"SELECT * FROM {source}")


def test_a_grant_on_a_regulated_table_is_taken_back(host: HostUnderTest, patient_table: str) -> None:
    with host.connect("migrator") as connection:
        connection.execute("GRANT SELECT ON regulated.patient TO public_read")
    assert host.apply("database")["changed"] == ["privileges"]
    has = "SELECT has_table_privilege('public_read', 'regulated.patient', 'SELECT')"
    assert host.one("migrator", has) is False
    assert host.apply("database")["changed"] == []


def test_public_read_writes_nothing(host: HostUnderTest) -> None:
    for statement in (
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE mine (id int)",
        "CREATE SCHEMA mine",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            host.one("public_read", statement)


def test_a_changed_password_is_the_only_change(host: HostUnderTest) -> None:
    spec = copy.deepcopy(host.spec)
    spec["postgres"]["roles"][-1]["password"] = "another-password"
    assert host.apply("database", spec=spec)["changed"] == ["role monitor"]
    assert host.one("monitor", "SELECT 1", password="another-password") == 1
    assert host.apply("database")["changed"] == ["role monitor"]


def test_only_roles_that_serve_requests_have_a_time_limit(host: HostUnderTest) -> None:
    limits = {role: host.one(role, "SHOW statement_timeout") for role in ("app", "public_read", "migrator")}
    assert limits == {"app": "10s", "public_read": "10s", "migrator": "0"}


@pytest.mark.parametrize("role", ["app", "public_read"])
@pytest.mark.parametrize("sslmode", ["verify-full", "disable"])
def test_the_pooler_serves_its_roles(host: HostUnderTest, role: str, sslmode: str) -> None:
    used = "SELECT current_user || (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())"
    assert host.one(role, used, through_pooler=True, sslmode=sslmode) == f"{role}true"


def test_the_pooler_refuses_a_wrong_password_and_other_roles(host: HostUnderTest) -> None:
    for role, changes in (("app", {"password": "wrong-password"}), ("migrator", {})):
        with pytest.raises(psycopg.OperationalError, match="SASL authentication failed"):
            host.connect(role, through_pooler=True, **changes)


def test_prepared_statements_of_two_clients_do_not_meet_in_the_pooler(host: HostUnderTest) -> None:
    one = host.connect("app", through_pooler=True, prepare_threshold=0)
    other = host.connect("app", through_pooler=True, prepare_threshold=0)
    with one, other:
        for n in range(3):
            assert one.execute("SELECT %s::int", (n,)).fetchone() == (n,)
            assert other.execute("SELECT %s::int * 2", (n,)).fetchone() == (2 * n,)


def test_no_secret_is_in_a_log_a_report_or_the_statistics(host: HostUnderTest) -> None:
    passwords = [role["password"] for role in host.spec["postgres"]["roles"]]
    told = host.log.read_text() + str(host.first)
    told += str(host.one("monitor", "SELECT string_agg(query, ' ') FROM pg_stat_statements"))
    assert not [password for password in passwords if password in told]
    assert "SCRAM-SHA-256$" not in told


def test_secrets_are_readable_by_their_user_alone(host: HostUnderTest) -> None:
    for path in (
        "etc/pgbackrest.conf",
        "etc/pgbouncer/userlist.txt",
        "etc/hybrid/server.key",
        "etc/hybrid/ca/ca.key",
    ):
        mode = host.inside(["stat", "--format=%a", str(host.root / path)]).stdout.strip()
        assert mode == "600", path
