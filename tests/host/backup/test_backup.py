"""A real host backs up into an S3 store on loopback, as a role that can do just that."""

import json

import pytest

from tests.host.running import HostUnderTest
from tests.waiting import until

pytestmark = pytest.mark.slow


def test_a_full_backup_is_taken_and_the_log_is_archived(host: HostUnderTest) -> None:
    host.pgbackrest("stanza-create")
    host.pgbackrest("check")
    host.pgbackrest("--type=full", "backup")
    (stanza,) = json.loads(host.pgbackrest("--output=json", "info"))
    assert stanza["backup"][-1]["type"] == "full"
    assert stanza["cipher"] == "aes-256-cbc"
    assert host.one("monitor", "SELECT archived_count FROM pg_stat_archiver") > 0


def test_backups_come_as_the_backup_role(host: HostUnderTest) -> None:
    host.superuser("ALTER ROLE backup NOLOGIN")
    with pytest.raises(AssertionError, match='role "backup" is not permitted to log in'):
        host.pgbackrest("check")
    assert host.apply("database")["changed"] == ["role backup"]
    host.pgbackrest("check")


@pytest.mark.parametrize(
    "right",
    [
        "EXECUTE ON FUNCTION pg_backup_start",
        "EXECUTE ON FUNCTION pg_backup_stop",
        "EXECUTE ON FUNCTION pg_switch_wal",
        "EXECUTE ON FUNCTION pg_create_restore_point",
        "pg_read_all_settings",
    ],
)
def test_a_backup_needs_each_right_that_the_role_has(host: HostUnderTest, right: str) -> None:
    host.superuser(f"REVOKE {right} FROM backup")
    command = ["check"] if "switch_wal" in right or "restore_point" in right else ["--type=incr", "backup"]
    with pytest.raises(AssertionError, match=r"permission denied|unable to select some rows from pg_settings"):
        host.pgbackrest(*command)
    changed = "role backup" if right.startswith("pg_") else "privileges"
    assert host.apply("database")["changed"] == [changed]
    until(lambda: host.pgbackrest("check") == "")
