"""A real host: the playbook applied to a root file system, seen by clients from outside."""

import copy
import json
from typing import Any

import pytest

from tests.host.running import HostUnderTest

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]


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


def applied(host: HostUnderTest, *, spec: dict[str, Any] | None = None) -> list[list[str]]:
    """What each stage changed, of both in one process."""
    answer = host.inside(host.apply_argv("files", "--stage", "database", spec=spec))
    assert answer.returncode == 0
    return [json.loads(line)["changed"] for line in answer.stdout.splitlines()]


def test_a_stage_follows_in_the_same_process_where_there_was_nothing_to_do(host: HostUnderTest) -> None:
    assert applied(host) == [[], []]
    assert applied(host, spec=with_postgres(host, memory_mb=2048)) == [["PostgreSQL settings"]]
    assert applied(host) == [["PostgreSQL settings"]]
    host.inside(["touch", "-d", "2020-01-01", f"{host.root}/etc/postgresql/17/main/postgresql.conf"])
    assert applied(host) == [[], []]


def test_a_dry_run_changes_nothing(host: HostUnderTest) -> None:
    spec = with_postgres(host, memory_mb=2048)
    assert host.apply("files", "--dry", spec=spec)["changed"] == ["PostgreSQL settings"]
    assert host.apply("files")["changed"] == []


def test_more_memory_changes_only_the_settings(host: HostUnderTest) -> None:
    report = host.apply("files", spec=with_postgres(host, memory_mb=2048))
    assert (report["changed"], report["restart"]) == (["PostgreSQL settings"], ["postgres"])
    assert host.apply("files")["changed"] == ["PostgreSQL settings"]


@pytest.mark.parametrize("origin", ["new", "backup"])
def test_a_data_directory_that_is_gone_is_not_replaced(host: HostUnderTest, origin: str) -> None:
    main = f"{host.root}/var/lib/postgresql/17/main"
    assert host.inside(["mv", main, f"{main}.away"]).returncode == 0
    try:
        (failure,) = host.apply("files", spec=with_postgres(host, origin=origin))["failed"]
    finally:
        assert host.inside(["mv", "-T", f"{main}.away", main]).returncode == 0
    assert "17/main: the cluster that was here is gone, and nothing takes its place unasked" in failure["error"]
    assert host.apply("files")["changed"] == []


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
    with pytest.raises(AssertionError, match=r"spec\.postgres\.port: input should be greater"):
        host.apply("files", spec=with_postgres(host, port=0))


def test_no_secret_is_in_a_log_a_report_or_the_statistics(host: HostUnderTest) -> None:
    passwords = [role["password"] for role in host.spec["postgres"]["roles"] if role["password"]]
    told = host.log.read_text() + str(host.first)
    told += str(host.one("monitor", "SELECT string_agg(query, ' ') FROM pg_stat_statements"))
    assert not [password for password in passwords if password in told]
    assert "SCRAM-SHA-256$" not in told


def test_secrets_are_readable_by_their_user_alone(host: HostUnderTest) -> None:
    for path in (
        "etc/pgbackrest.conf",
        "etc/pgbouncer/userlist.txt",
        "etc/hybrid/tls/server.key",
    ):
        mode = host.inside(["stat", "--dereference", "--format=%a", str(host.root / path)]).stdout.strip()
        assert mode == "600", path
