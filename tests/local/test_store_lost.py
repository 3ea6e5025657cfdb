"""A local stack whose S3 lost its folder while PostgreSQL archives."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.local.stack_under_test import StackUnderTest, add_entry, descriptions
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]


@pytest.fixture(scope="module")
def stack(own_stack: StackUnderTest) -> StackUnderTest:
    return own_stack


def test_the_log_that_is_pushed_meanwhile_keeps_up_from_nothing(stack: StackUnderTest) -> None:
    stack.kill("objects")
    shutil.rmtree(stack.store().state.store)
    add_entry(stack, "written while there is no store")
    with switching(stack):
        assert "backups" in stack.bring_up()
    assert stack.backups()
    assert "written while there is no store" in descriptions(stack)
    assert stack.bring_up() == []


def test_a_log_file_from_before_the_repository_keeps_up_from_nothing(stack: StackUnderTest) -> None:
    """As it lands there when its upload outlasts the store."""
    host = stack.host()["backup"]
    client = stack.store().client(host["region"])
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=host["bucket"])["Contents"]]
    log = next(key for key in keys if f"/archive/{host['stanza']}/17-1/" in f"/{key}")
    for key in keys:
        if key != log:
            client.delete_object(Bucket=host["bucket"], Key=key)
    assert would_be_lost(stack) == "critical"
    assert stack.bring_up() == ["backups"]
    assert stack.backups()
    assert would_be_lost(stack) == "ok"
    add_entry(stack, "archived again")
    stack.psql("SELECT pg_switch_wal()")
    until(lambda: waiting(stack) == "0")


def would_be_lost(stack: StackUnderTest) -> str:
    document = json.loads(stack.told("db", "status", "--json").stdout)
    return next(str(one["level"]) for one in document["findings"] if one["name"] == "would be lost")


def waiting(stack: StackUnderTest) -> str:
    return stack.psql("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ 'ready$'")


@contextmanager
def switching(stack: StackUnderTest) -> Iterator[None]:
    """One log file after another is to be pushed while the block lasts."""
    done = threading.Event()

    def switch() -> None:
        while not done.wait(0.3):
            stack.psql("SELECT pg_create_restore_point('next'); SELECT pg_switch_wal()")

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
