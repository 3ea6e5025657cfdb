"""A local stack whose S3 lost its folder while PostgreSQL archives."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local import certificates, namespace
from local.objects import Objects
from local.state import State
from tests.local.stack_under_test import StackUnderTest, add_entry, copy_project, descriptions, until

pytestmark = [pytest.mark.local, pytest.mark.slow]

if namespace.faults():
    pytest.skip(f"no local stack here: {'; '.join(namespace.faults())}", allow_module_level=True)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    made = StackUnderTest(copy_project(tmp_path_factory.mktemp("project")))
    try:
        made.up()
        yield made
    finally:
        made.run("down", "--remove")
    assert made.processes() == []


def test_the_log_that_is_pushed_meanwhile_keeps_up_from_nothing(stack: StackUnderTest) -> None:
    os.kill(stack.parts()["objects"]["pid"], signal.SIGKILL)
    until(lambda: stack.parts()["objects"]["state"] != "running")
    shutil.rmtree(store(stack).state.store)
    add_entry(stack, "written while there is no store")
    with switching(stack):
        assert "backups" in stack.up().splitlines()[-1]
    assert backups(stack)
    assert "written while there is no store" in descriptions(stack)
    assert stack.up().splitlines()[-1] == "nothing to change"


def test_a_log_file_from_before_the_repository_keeps_up_from_nothing(stack: StackUnderTest) -> None:
    """As it lands there when its way to the store outlasts the store."""
    host = json.loads((stack.state / "host.json").read_text())["backup"]
    client = store(stack).client(host["region"])
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=host["bucket"])["Contents"]]
    log = next(key for key in keys if f"/archive/{host['stanza']}/17-1/" in f"/{key}")
    for key in keys:
        if key != log:
            client.delete_object(Bucket=host["bucket"], Key=key)
    assert stack.up().splitlines()[-1] == "changed: backups"
    assert backups(stack)
    add_entry(stack, "archived again")
    stack.run("exec", "--", "psql", "-c", "SELECT pg_switch_wal()")
    until(lambda: waiting(stack) == "0")


def store(stack: StackUnderTest) -> Objects:
    state = State(stack.state)
    tls, _ = certificates.ensure(state)
    return Objects(state=state, port=stack.first_port + 4, tls=tls)


def backups(stack: StackUnderTest) -> list[Any]:
    stanza = json.loads((stack.state / "host.json").read_text())["backup"]["stanza"]
    answer = stack.run("exec", "--", "pgbackrest", f"--stanza={stanza}", "info", "--output=json")
    found: list[Any] = json.loads(answer.stdout)[0]["backup"]
    return found


def waiting(stack: StackUnderTest) -> str:
    query = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ 'ready$'"
    return stack.run("exec", "--", "psql", "-Atc", query).stdout.strip()


@contextmanager
def switching(stack: StackUnderTest) -> Iterator[None]:
    """One log file after another is to be pushed while the block lasts."""
    done = threading.Event()
    query = "SELECT pg_create_restore_point('next'); SELECT pg_switch_wal()"

    def switch() -> None:
        while not done.wait(0.3):
            stack.run("exec", "--", "psql", "-c", query)

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
