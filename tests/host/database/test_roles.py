"""A real host: each role can do what is declared for it, and nothing else."""

import copy
from typing import Any

import psycopg
import pytest

from tests.host.running import HostUnderTest

pytestmark = pytest.mark.slow


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


READ = "SELECT count(*) FROM regulated.patient"
WRITE = "INSERT INTO regulated.patient (seen, name) VALUES (now(), 'Eve')"


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("public_read", READ),
        ("public_read", "CREATE TABLE public.mine (id int)"),
        ("public_read", "CREATE TEMP TABLE mine (id int)"),
        ("public_read", "CREATE SCHEMA mine"),
        ("read_only", WRITE),
        ("read_only", "DELETE FROM regulated.patient"),
        ("read_only", "CREATE TABLE public.mine (id int)"),
        ("monitor", READ),
        ("app", "CREATE TABLE public.mine (id int)"),
        ("app", "ALTER TABLE regulated.patient ADD COLUMN mine int"),
        ("app", "DROP TABLE regulated.patient"),
        ("app", "TRUNCATE regulated.patient"),
        ("app", "SET ROLE owner"),
        ("app", "SELECT cron.schedule('mine', '1 second', 'SELECT 1')"),
        ("app", "SELECT pg_read_file('postgresql.conf')"),
        ("app", "COPY regulated.patient TO PROGRAM 'cat'"),
        ("migrator", "SET ROLE postgres"),
        ("migrator", "CREATE ROLE mine"),
        ("migrator", "CREATE EXTENSION dblink"),
        ("migrator", "COPY regulated.patient TO '/tmp/patients'"),
        ("monitor", "SELECT pg_backup_start('mine')"),
    ],
)
def test_a_role_is_refused_what_it_must_not(host: HostUnderTest, patient_table: str, role: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        host.one(role, statement)


def test_read_only_reads_both_classes(host: HostUnderTest, patient_table: str) -> None:
    assert host.one("read_only", READ) >= 1


def test_the_app_sees_no_statement_of_another_role(host: HostUnderTest) -> None:
    host.one("read_only", "SELECT 4343 AS of_another")
    assert host.one("monitor", "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%of_another'") == 1
    assert host.one("app", "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%of_another'") == 0


def test_what_the_migrator_makes_is_the_owners(host: HostUnderTest, patient_table: str) -> None:
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'regulated' AND tablename = 'patient'"
    assert host.one("migrator", owner) == "owner"
    assert host.one("migrator", "SELECT current_user || ' ' || session_user") == "owner migrator"
    assert host.superuser("SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'regulated'") == "owner"


def test_what_the_migrator_made_before_becomes_the_owners(host: HostUnderTest) -> None:
    with host.connect("migrator") as connection:
        connection.execute("SET ROLE NONE")
        connection.execute("CREATE TABLE public.early AS SELECT 1 AS id")
    assert host.apply("database")["changed"] == ["owners", "privileges"]
    assert host.apply("database")["changed"] == []
    assert host.one("app", "SELECT id FROM public.early") == 1
    assert host.one("migrator", "SELECT tableowner FROM pg_tables WHERE tablename = 'early'") == "owner"


@pytest.mark.parametrize("password", [None, "a-guess-of-it"])
def test_the_owner_cannot_log_in_at_all(host: HostUnderTest, password: str | None) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        host.connect("owner", password=password)
    with pytest.raises(AssertionError, match=r"no pg_hba\.conf entry"):
        host.psql("owner", "SELECT 1")
    assert host.superuser("SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'owner'") == "t"


def test_only_the_backup_role_comes_over_the_socket_without_a_password(host: HostUnderTest) -> None:
    assert host.psql("backup", "SELECT current_user") == "backup"
    for role in ("migrator", "monitor"):
        with pytest.raises(AssertionError, match=r"no pg_hba\.conf entry"):
            host.psql(role, "SELECT 1")
    # As the pooler connects.
    with pytest.raises(AssertionError, match="no password supplied"):
        host.psql("app", "SELECT 1")


@pytest.mark.parametrize(
    "statement",
    [
        READ,
        "SELECT pg_promote()",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT lo_import('/etc/passwd')",
        "CREATE TABLE public.mine (id int)",
        "SELECT rolpassword FROM pg_authid",
        "SELECT pg_reload_conf()",
        "SET ROLE owner",
    ],
)
def test_the_backup_role_is_refused_all_but_backups(host: HostUnderTest, patient_table: str, statement: str) -> None:
    with pytest.raises(AssertionError, match="permission denied"):
        host.psql("backup", statement)


def test_a_changed_password_is_the_only_change(host: HostUnderTest) -> None:
    spec = copy.deepcopy(host.spec)
    next(role for role in spec["postgres"]["roles"] if role["name"] == "monitor")["password"] = "another-password"
    assert host.apply("database", spec=spec)["changed"] == ["role monitor"]
    assert host.one("monitor", "SELECT 1", password="another-password") == 1
    assert host.apply("database")["changed"] == ["role monitor"]


def test_only_roles_that_serve_requests_have_a_time_limit(host: HostUnderTest) -> None:
    limits = {role: host.one(role, "SHOW statement_timeout") for role in ("app", "public_read", "migrator")}
    assert limits == {"app": "10s", "public_read": "10s", "migrator": "0"}
