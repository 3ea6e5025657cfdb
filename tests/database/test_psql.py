"""What psql is given: nothing secret on its command line, nothing of the operator's own set-up."""

from pathlib import Path

from database import psql
from database.access import Access

ACCESS = Access(
    stack="dev",
    role="app",
    database="clinic",
    host="db.example.ca",
    address="127.0.0.1",
    port=5,
    authorities=Path("/made/authorities.crt"),
    route="directly",
    password="hunter2-long",
)


def test_the_password_is_in_the_environment_only() -> None:
    argv = psql.arguments(["SELECT 1"], ["-At"])
    assert argv == ["psql", "--no-password", "--command", "SELECT 1", "-At"]
    assert psql.environment(ACCESS, {})["PGPASSWORD"] == "hunter2-long"
    assert "hunter2" not in repr(ACCESS)


def test_the_servers_certificate_is_checked_to_the_full() -> None:
    found = psql.environment(ACCESS, {})
    assert (found["PGSSLMODE"], found["PGHOST"], found["PGHOSTADDR"]) == ("verify-full", "db.example.ca", "127.0.0.1")
    assert found["PGSSLROOTCERT"] == "/made/authorities.crt"


def test_the_operators_own_libpq_settings_are_left_out() -> None:
    found = psql.environment(ACCESS, {"PGSERVICE": "other", "PGOPTIONS": "-c role=x", "PAGER": "less"})
    assert not {"PGSERVICE", "PGOPTIONS"} & set(found)
    assert found["PAGER"] == "less"
