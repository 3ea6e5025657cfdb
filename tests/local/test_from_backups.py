"""Backups that outlive a local stack: kept over down, read as they were, and a lost database restored from them."""

import json
import os
import signal
import time
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from local.common.errors import LocalError
from local.host import root_filesystem
from local.stack.up import Wish
from tests.local.stack_under_test import StackUnderTest, add_entry, descriptions
from tests.waiting import LIMIT_SECONDS, seen, until

# The database is lost and restored, and lost again.
pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.random_order(disabled=True)]


@pytest.fixture(scope="module")
def stack(own_stack: StackUnderTest) -> StackUnderTest:
    return own_stack


def test_backups_outlive_down_and_a_killed_store(stack: StackUnderTest) -> None:
    before = stack.backups()
    stack.stop()
    assert "backups" not in stack.bring_up()
    stack.kill("objects")
    assert stack.bring_up() == ["objects"]
    assert stack.backups() == before


def test_a_database_that_is_there_is_not_restored_over(stack: StackUnderTest) -> None:
    answer = stack.told("local", "up", "--from-backups")
    assert answer.returncode == 1
    assert "--from-backups: this stack has a database, which it does not replace" in answer.stderr


def test_the_repository_is_copied_to_the_other_region(stack: StackUnderTest) -> None:
    host = stack.host()["backup"]
    stack.psql("SELECT pg_switch_wal()")
    client = stack.store().client(host["region"])

    def states() -> set[str]:
        keys = [found["Key"] for found in client.list_objects_v2(Bucket=host["bucket"])["Contents"]]
        return {client.head_object(Bucket=host["bucket"], Key=key).get("ReplicationStatus") for key in keys}

    until(lambda: states() == {"COMPLETED"})


def test_a_database_is_restored_from_the_copy(stack: StackUnderTest) -> None:
    add_entry(stack, "is in the copy too")
    archive(stack)
    known = stack.backups()
    until(lambda: listed(stack, "--from", "copy")["archive"] == listed(stack)["archive"])
    found = listed(stack, "--from", "copy")
    assert [one["label"] for one in found["backups"]] == known
    assert entries(stack, "is in the copy too", "--from", "copy") == 1


def test_a_repository_that_was_destroyed_is_restored_as_it_was(stack: StackUnderTest) -> None:
    """As after ransomware: everything overwritten or deleted, with the host's own rights."""
    add_entry(stack, "before it was destroyed")
    archive(stack)
    host = stack.host()["backup"]
    known = stack.backups()
    # S3's times, and pgBackRest's, are whole seconds.
    time.sleep(1.1)
    then = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    time.sleep(1.1)
    client = stack.store().client(host["region"])
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=host["bucket"])["Contents"]]
    client.delete_objects(Bucket=host["bucket"], Delete={"Objects": [{"Key": key} for key in keys]})
    for key in keys[::3]:
        client.put_object(Bucket=host["bucket"], Key=key, Body=b"pay")
    try:
        assert stack.told("backup", "list").returncode == 1
        found = listed(stack, "--as-of", then)
        assert [one["label"] for one in found["backups"]] == known
        assert entries(stack, "before it was destroyed", "--as-of", then) == 1
    finally:
        bring_back(client, host["bucket"])
    assert stack.backups() == known


def test_up_refuses_where_backups_are_all_that_is_left(stack: StackUnderTest) -> None:
    add_entry(stack, "restored from the archive")
    folder = "/var/lib/postgresql/after-the-backup"
    assert stack.run("exec", "--", "mkdir", "-m", "700", folder).returncode == 0
    # The backup does not have it, and its folder is lost with the host.
    stack.psql(f"CREATE TABLESPACE late LOCATION '{folder}'")
    stack.psql("CREATE TABLE public.late TABLESPACE late AS SELECT 'is there' AS word")
    archive(stack)
    lose_database(stack)
    answer = stack.told("local", "up")
    assert answer.returncode == 1
    fault = answer.stderr.splitlines()[-1]
    assert "holds backups of a database that this stack no longer has" in fault
    assert "`./hybrid local up --from-backups`" in fault
    assert "`make clean`" in fault
    assert not (stack.state / "root").exists()


def test_a_lost_database_is_restored_also_by_a_command_that_was_killed(stack: StackUnderTest) -> None:
    process = stack.start("up", "--from-backups")
    seen(process, "objects ")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    refused_without_the_newest_backups_own_log(stack)
    answer = stack.told("local", "up", "--from-backups")
    assert answer.returncode == 0, answer.stderr
    assert "restored up to the last commit at 2" in answer.stderr
    assert "restored from the archive" in descriptions(stack)
    assert stack.psql("SELECT word FROM public.late") == "is there"
    add_entry(stack, "written after the restore")
    archive(stack)
    assert stack.bring_up() == []
    assert stack.told("local", "up", "--from-backups").stderr.splitlines()[-1] == "nothing to change"
    assert stack.run("exec", "--", "test", "-e", "/etc/hybrid/promote-without-mark").returncode == 1


def refused_without_the_newest_backups_own_log(stack: StackUnderTest) -> None:
    host = stack.host()["backup"]
    client = stack.store().client(host["region"])
    keys = sorted(found["Key"] for found in client.list_objects_v2(Bucket=host["bucket"])["Contents"])
    first = [key for key in keys if key.endswith(".backup")][-1].rpartition("/")[2][:24]
    (key,) = [key for key in keys if f"/{first}-" in key]
    content = client.get_object(Bucket=host["bucket"], Key=key)["Body"].read()
    client.delete_object(Bucket=host["bucket"], Key=key)
    answer = stack.told("local", "up", "--from-backups")
    client.put_object(Bucket=host["bucket"], Key=key, Body=content)
    assert answer.returncode == 1
    assert f"archive: {first}, with which backup " in answer.stderr.splitlines()[-1]


@pytest.mark.soak
def test_what_was_restored_can_be_lost_and_restored_again(stack: StackUnderTest) -> None:
    lose_database(stack)
    with pytest.raises(LocalError, match="holds backups of a database"):
        stack.bring_up()
    stack.bring_up(wish=Wish(from_backups=True))
    assert "written after the restore" in descriptions(stack)


def test_without_a_backup_there_is_nothing_to_restore(stack: StackUnderTest) -> None:
    lose_database(stack)
    for path in sorted(stack.store().state.store.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    answer = stack.told("local", "up", "--from-backups")
    assert answer.returncode == 1
    assert "holds no backup of main-17; `./hybrid local up` makes a new database" in answer.stderr
    assert "backups" in stack.bring_up()
    assert stack.run("down", "--remove").returncode == 0
    assert "secrets.json is missing" in stack.told("local", "up", "--from-backups").stderr


def listed(stack: StackUnderTest, *options: str) -> dict[str, Any]:
    answer = stack.told("backup", "list", "--json", *options)
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def entries(stack: StackUnderTest, description: str, *options: str) -> int:
    """How many entries of this description a restore beside the database has."""
    answer = stack.told("restore", "--to", "latest", "--into", "saved", "--apply", "--json", *options)
    assert answer.returncode == 0, answer.stderr
    port = json.loads(answer.stdout)["cluster"]["port"]
    query = f"SELECT count(*) FROM regulated.ledger_entries WHERE description = '{description}'"
    found = stack.psql(query, port=port)
    assert stack.told("restore", "--discard", "saved", "--apply").returncode == 0
    return int(found)


def lose_database(stack: StackUnderTest) -> None:
    """As a host is lost: nothing of it is stopped first."""
    supervisor = psutil.Process(stack.here.supervisor.pid)
    found = [supervisor, *supervisor.children(recursive=True)]
    supervisor.kill()
    _, alive = psutil.wait_procs(found, LIMIT_SECONDS)
    assert alive == []
    root_filesystem.remove(stack.state / "root")


def archive(stack: StackUnderTest) -> None:
    """Returns when the store has all of the log that was written so far."""
    name = stack.psql("SELECT pg_walfile_name(pg_switch_wal())")
    until(lambda: stack.psql(f"SELECT last_archived_wal >= '{name}' FROM pg_stat_archiver") == "t")


def bring_back(client: Any, bucket: str) -> None:
    """Removes what was written last of every key, until no garbage and no delete marker is on top."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        harm = [row for row in page.get("Versions", []) if row["Size"] == len(b"pay")] + page.get("DeleteMarkers", [])
        for row in harm:
            client.delete_object(
                Bucket=bucket, Key=row["Key"], VersionId=row["VersionId"], BypassGovernanceRetention=True
            )
