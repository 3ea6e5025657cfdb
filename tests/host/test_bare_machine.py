"""A bare instance becomes a server, and is back after what may befall it: a real boot under systemd."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.host.bare_machine import DISK, MARKS, BareMachine
from tests.host.declared_machine import declared, with_process_credentials
from tests.host.specs import spec
from tests.run.soak import IS_SOAK
from tests.waiting import LIMIT_SECONDS, until

pytestmark = MARKS

APPLICATION_SECONDS = 180
AGAIN_SECONDS = 15
POSTGRES = "postgresql@17-main.service"


@pytest.fixture(scope="module")
def machine(converged: BareMachine) -> Iterator[BareMachine]:
    with converged.booted():
        report = converged.converge(declared())
        assert report["exit"] == 0, report["stderr"]
        yield converged


def test_a_bare_machine_becomes_a_server_within_three_minutes_though_it_was_killed_twice(machine: BareMachine) -> None:
    assert (machine.first["exit"], machine.first["failed"]) == (0, []), machine.first["stderr"]
    assert machine.first["processor_seconds"] < APPLICATION_SECONDS


def test_a_second_application_changes_nothing(machine: BareMachine) -> None:
    report = machine.converge(declared())
    assert (report["changed"], report["failed"], report["exit"]) == ({}, [], 0)
    assert report["processor_seconds"] < AGAIN_SECONDS


def test_a_dry_run_says_what_would_change_and_changes_nothing(machine: BareMachine) -> None:
    changed = declared(network={"ssh_networks": [], "database_networks": []})
    assert machine.converge(changed, "--dry")["changed"] == {"machine": ["firewall rules", "firewall"]}
    assert machine.converge(declared(), "--dry")["changed"] == {}


def test_no_unit_fails(machine: BareMachine) -> None:
    # Until the machine is registered it has no credentials to hand on.
    failed = machine.told("systemctl", "--failed", "--no-legend", "--plain").splitlines()
    assert {line.split()[0] for line in failed} <= {CREDENTIALS_UNIT}


def through_pooler(machine: BareMachine, query: str, specification: dict[str, Any] | None = None) -> str:
    password = app(specification or spec())["password"]
    address = f"host=127.0.0.1 port={spec()['pooler']['port']} dbname=clinic user=app sslmode=require"
    return machine.told("env", f"PGPASSWORD={password}", "psql", "-XqAt", address, "--command", query)


def app(specification: dict[str, Any]) -> dict[str, Any]:
    roles: list[dict[str, Any]] = specification["postgres"]["roles"]
    return next(role for role in roles if role["name"] == "app")


def test_postgresql_answers_through_the_pooler(machine: BareMachine) -> None:
    assert through_pooler(machine, "SELECT extname FROM pg_extension WHERE extname = 'timescaledb'") == "timescaledb"


def test_the_cluster_is_on_the_data_disk(machine: BareMachine) -> None:
    assert machine.told("findmnt", "--noheadings", "--output", "SOURCE,FSTYPE", "/var/lib/postgresql").split() == [
        DISK,
        "ext4",
    ]
    fstab = machine.told("cat", "/etc/fstab")
    assert "LABEL=hybrid-data /var/lib/postgresql ext4 defaults,noatime,nofail" in fstab
    assert int(machine.told("stat", "--format=%s", "/var/lib/postgresql/ballast")) > 100_000_000


def test_the_repository_has_a_first_backup(machine: BareMachine) -> None:
    assert machine.first["changed"]["backups"][-2:] == ["backup repository", "first backup"]
    assert [backup["type"] for backup in backups(machine)] == ["full"]


def test_the_databases_packages_are_held(machine: BareMachine) -> None:
    held = machine.told("apt-mark", "showhold").split()
    assert {"postgresql-17", "postgresql-17-timescaledb", "pgbackrest", "pgbouncer"} <= set(held)


def test_secrets_are_readable_by_root_alone(machine: BareMachine) -> None:
    assert machine.told("stat", "--format=%a %U", "/run/hybrid/specification.json") == "600 root"
    assert machine.told("stat", "--format=%a %U", "/var/lib/hybrid/good/pooler") == "700 root"


def test_rules_that_are_gone_are_loaded_again(machine: BareMachine) -> None:
    machine.told("nft", "flush", "ruleset")
    assert machine.converge(declared())["changed"] == {"machine": ["firewall"]}
    assert "policy drop" in machine.told("nft", "list", "chain", "inet", "hybrid", "input")


def test_a_killed_server_comes_back_by_itself(machine: BareMachine) -> None:
    before = machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES)
    machine.told("kill", "-KILL", before)
    until(lambda: machine.run("pg_isready", "--quiet", "--port", str(spec()["postgres"]["port"])).returncode == 0)
    assert machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES) != before


def test_a_setting_that_stops_the_server_is_taken_back(machine: BareMachine) -> None:
    """Valid as such, and more than this machine can give: seen only as the server starts."""
    more = declared()
    more["postgres"]["memory_mb"] = 4_000_000
    report = machine.converge(more)
    assert report["exit"] == 1
    assert "those before are back, and it runs with them" in report["failed"][0]["error"]
    assert through_pooler(machine, "SELECT 1") == "1"
    start = machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES)
    assert "refused before" in machine.converge(more)["failed"][0]["error"]
    assert machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES) == start
    assert machine.converge(declared())["exit"] == 0


def test_settings_that_are_taken_back_bring_no_withdrawn_password(machine: BareMachine) -> None:
    rotated = declared()
    app(rotated)["password"] = "rotated-Password-1"
    assert machine.converge(rotated)["exit"] == 0
    # A port that the pooler's user may not take: seen only as it starts.
    rotated["pooler"]["port"] = 70
    assert "those before are back" in str(machine.converge(rotated)["failed"])
    assert through_pooler(machine, "SELECT 1", rotated) == "1"
    with pytest.raises(AssertionError, match="authentication failed"):
        through_pooler(machine, "SELECT 1")
    assert machine.converge(declared())["exit"] == 0


def test_a_log_that_is_rotated_goes_on(machine: BareMachine) -> None:
    """Only PostgreSQL's: the pooler writes into the journal."""
    log = "/var/log/postgresql/postgresql-17-main.log"
    as_superuser(machine, "SELECT before_rotation")
    assert "before_rotation" in machine.told("cat", log)
    machine.told("logrotate", "--force", "/etc/logrotate.d/postgresql-common")
    as_superuser(machine, "SELECT after_rotation")
    assert "before_rotation" in machine.told("cat", f"{log}.1")
    # From its start: a writer that kept its place would leave zeros before it.
    assert "after_rotation" in machine.told("head", "--bytes=2000", log)
    assert "before_rotation" not in machine.told("cat", log)


def test_the_journal_takes_up_its_limits(machine: BareMachine) -> None:
    output = machine.first["journal"]
    assert "max 500M" in output.splitlines()[-1]
    assert "hybrid.conf" not in output


def as_superuser(machine: BareMachine, query: str) -> subprocess.CompletedProcess[str]:
    address = f"host=/run/postgresql port={spec()['postgres']['port']} dbname=clinic"
    return machine.run("runuser", "-u", "postgres", "--", "psql", "-XqAt", address, "--command", query)


# Taken and not written: the disk is full, and gigabytes need not go to this machine's.
FILL = """cd /var/lib/postgresql && mkdir fill && cd fill
for size in 1G 128M 16M 2M 256K; do
    while fallocate --length $size "$(ls | wc -l)" 2>/dev/null; do :; done
done
dd if=/dev/zero of=rest bs=4k 2>/dev/null || true
"""


def test_a_full_disk_is_written_to_again_once_the_ballast_is_gone(machine: BareMachine) -> None:
    """Word for word docs/runbooks/database.md, "Full disk"."""
    grow = "CREATE TABLE IF NOT EXISTS grown (t text); INSERT INTO grown SELECT repeat('x', 999) FROM {}"
    rows = "generate_series(1, 100000)"
    machine.told("sh", "-c", FILL)
    refused = as_superuser(machine, grow.format(rows))
    assert refused.returncode != 0
    # Or a process of the server's own met it before, and the server is starting again.
    log = machine.told("sh", "-c", "tail -n 50 /var/log/postgresql/*.log")
    assert "No space left on device" in refused.stderr + log
    machine.told("rm", "/var/lib/postgresql/ballast")
    machine.told("systemctl", "reset-failed", POSTGRES)
    machine.told("systemctl", "start", POSTGRES)
    until(lambda: as_superuser(machine, grow.format("generate_series(1, 100)")).returncode == 0)
    assert as_superuser(machine, "SELECT count(*) FROM grown").stdout.strip() == "100"
    machine.told("rm", "-r", "/var/lib/postgresql/fill")
    assert as_superuser(machine, "DROP TABLE grown").returncode == 0
    assert machine.converge(declared())["changed"] == {"machine": ["ballast"]}


CREDENTIALS_UNIT = "hybrid-backup-credentials.service"


def test_backups_without_credentials_are_one_clear_failure(machine: BareMachine) -> None:
    machine.run("rm", "--force", "/root/.aws/credentials", "/run/hybrid/backup-credentials.json")
    assert machine.apply("machine", with_process_credentials())["exit"] == 0
    (failure,) = machine.apply("backups", with_process_credentials())["failed"]
    assert failure["operation"] == "credentials for backups"
    assert "once the host is registered" in failure["error"]


def test_the_hosts_credentials_reach_the_backups_user_alone(machine: BareMachine) -> None:
    written = "[default]\naws_access_key_id = key-1\naws_secret_access_key = secret-1\naws_session_token = token-1\n"
    machine.told("mkdir", "--parents", "/root/.aws")
    machine.run("sh", "-c", "umask 077; cat >/root/.aws/credentials", stdin=written)
    path = "/run/hybrid/backup-credentials.json"
    assert machine.apply("machine", with_process_credentials())["exit"] == 0
    machine.told("rm", "--force", path)
    assert "credentials for backups" in machine.apply("backups", with_process_credentials())["changed"]
    assert machine.told("stat", "--format=%a %U", path) == "600 postgres"
    assert '"SessionToken": "token-1"' in machine.told("runuser", "-u", "postgres", "--", "cat", path)


BACKUP_UNITS = ("hybrid-backup-full", "hybrid-backup-diff", "hybrid-verify")
ALARM_UNIT = "hybrid-backup-alarm"
ANSWERS = "/var/lib/hybrid/backups"


def timers(machine: BareMachine) -> set[str]:
    """Units whose timers are active, and will be after a reboot."""
    asked = {name: machine.run("systemctl", "show", f"{name}.timer").stdout for name in (*BACKUP_UNITS, ALARM_UNIT)}
    return {
        name for name, told in asked.items() if {"ActiveState=active", "UnitFileState=enabled"} <= set(told.split())
    }


def test_backups_are_on_the_schedule_of_the_host_that_serves(machine: BareMachine) -> None:
    assert timers(machine) == {*BACKUP_UNITS, ALARM_UNIT}
    resting = declared()
    resting["postgres"]["is_serving"] = False
    assert machine.apply("backups", resting)["failed"] == []
    assert timers(machine) == {ALARM_UNIT}
    assert machine.apply("backups", resting)["changed"] == []
    assert machine.apply("backups", declared())["failed"] == []
    assert timers(machine) == {*BACKUP_UNITS, ALARM_UNIT}


def backups(machine: BareMachine) -> list[dict[str, Any]]:
    (stanza,) = json.loads(machine.told("runuser", "-u", "postgres", "--", "pgbackrest", "--output=json", "info"))
    found: list[dict[str, Any]] = stanza["backup"]
    return found


def test_the_daily_unit_takes_a_differential_backup(machine: BareMachine) -> None:
    before = len(backups(machine))
    machine.told("systemctl", "start", "hybrid-backup-diff")
    found = backups(machine)
    assert (len(found), found[-1]["type"], "next-xid" in found[-1]["annotation"]) == (before + 1, "diff", True)
    answer = json.loads(machine.told("cat", f"{ANSWERS}/hybrid-backup-diff.json"))
    assert answer["backup"]["label"] == found[-1]["label"]


def test_the_weekly_unit_verifies_the_repository(machine: BareMachine) -> None:
    machine.told("systemctl", "start", "hybrid-verify")
    assert json.loads(machine.told("cat", f"{ANSWERS}/hybrid-verify.json"))["is_sound"] is True


def test_a_backup_waits_for_the_one_before(machine: BareMachine) -> None:
    hold = machine.command("flock", "/run/hybrid/backup.lock", "sleep", "60")
    with subprocess.Popen(hold) as holder:
        until(lambda: machine.run("flock", "--nonblock", "/run/hybrid/backup.lock", "true").returncode)
        before = len(backups(machine))
        machine.told("systemctl", "start", "--no-block", "hybrid-backup-diff")
        until(lambda: "flock" in " ".join(machine.command_lines().values()))
        assert machine.run("systemctl", "is-active", "hybrid-backup-diff").stdout.strip() == "activating"
        assert len(backups(machine)) == before
        machine.run("pkill", "sleep")
        holder.wait(LIMIT_SECONDS)
    until(lambda: len(backups(machine)) > before)
    until(lambda: machine.run("systemctl", "is-active", "hybrid-backup-diff").stdout.strip() == "inactive")


def test_a_backup_that_fails_is_told_by_the_alarm_until_one_succeeds(machine: BareMachine) -> None:
    working = machine.release_python.read_text()
    machine.release_python.write_text("#!/bin/sh\nexit 1\n")
    assert machine.run("systemctl", "start", "hybrid-backup-diff").returncode != 0
    until(lambda: machine.run("test", "-e", f"{ANSWERS}/hybrid-backup-diff.failed").returncode == 0)
    machine.told("systemctl", "start", ALARM_UNIT)
    journal = ["journalctl", "--boot", "--output=cat", "--priority=crit", f"--unit={ALARM_UNIT}"]
    until(lambda: "the last run of hybrid-backup-diff failed" in machine.told(*journal))
    machine.release_python.write_text(working)
    machine.told("systemctl", "start", "hybrid-backup-diff")
    assert machine.run("test", "-e", f"{ANSWERS}/hybrid-backup-diff.failed").returncode != 0


ARCHIVE_SECONDS = 60 if IS_SOAK else 30
SPARE_SECONDS = 15
WRITE_SECONDS = 0.5


def archived(machine: BareMachine) -> str:
    """The newest segment in the repository."""
    (stanza,) = json.loads(machine.told("runuser", "-u", "postgres", "--", "pgbackrest", "--output=json", "info"))
    newest: str = stanza["archive"][-1]["max"]
    return newest


def test_a_rebooted_machine_serves_by_itself_and_archives_in_time(machine: BareMachine) -> None:
    wanted = declared()
    wanted["backup"]["archive_timeout_seconds"] = ARCHIVE_SECONDS
    as_superuser(machine, "CREATE TABLE public.written (at timestamptz DEFAULT now())")
    # Grants what roles may do with it.
    assert machine.converge(wanted)["exit"] == 0
    machine.told("sync")
    machine.power_off()
    with machine.booted():
        until(lambda: machine.run("pg_isready", "--quiet", "--port", str(spec()["pooler"]["port"])).returncode == 0)
        assert through_pooler(machine, "SELECT count(*) FROM pg_extension") != "0"
        assert "policy drop" in machine.told("nft", "list", "chain", "inet", "hybrid", "input")
        assert timers(machine) == {*BACKUP_UNITS, ALARM_UNIT}
        write = "INSERT INTO public.written DEFAULT VALUES"
        assert as_superuser(machine, write).returncode == 0
        acknowledged = time.monotonic()
        segment = as_superuser(machine, "SELECT pg_walfile_name(pg_current_wal_lsn())").stdout.strip()
        while as_superuser(machine, "SELECT last_archived_wal FROM pg_stat_archiver").stdout.strip() < segment:
            assert time.monotonic() - acknowledged < ARCHIVE_SECONDS + SPARE_SECONDS
            # What goes on is no reason to wait any longer.
            as_superuser(machine, write)
            time.sleep(WRITE_SECONDS)
        assert archived(machine) >= segment
        assert machine.converge(wanted)["changed"] == {}
        does_not_start_beside_a_promoted_host(machine)


def does_not_start_beside_a_promoted_host(machine: BareMachine) -> None:
    """It asked as it booted, and has to ask again."""
    machine.told("rm", "/run/hybrid/repository-asked")
    repository = ("runuser", "-u", "postgres", "--", "pgbackrest", "--stanza=main-17")
    history = "archive/main-17/17-1/0000000F.history"
    assert machine.run(*repository, "repo-put", history, stdin="1\t0/1\tno recovery target\n").returncode == 0
    assert machine.run("systemctl", "restart", POSTGRES).returncode != 0
    said = machine.told("journalctl", "--boot", "--output=cat", "--priority=crit", f"--unit={POSTGRES}")
    assert "another host was promoted meanwhile, for timeline 0000000F is archived and this one has 00000001" in said
    # Nor did it wait in vain as it booted.
    assert "can't be read" not in said
    assert as_superuser(machine, "SELECT 1").returncode != 0
    machine.told(*repository, "repo-rm", history)
    machine.told("systemctl", "reset-failed", POSTGRES)
    machine.told("systemctl", "start", POSTGRES)
    until(lambda: as_superuser(machine, "SELECT 1").returncode == 0)
