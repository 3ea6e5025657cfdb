"""A local stack whose `up` meets a taken port, is interrupted or is killed."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import namespace
from tests.local.stack_under_test import StackUnderTest, copy_project, request, until

pytestmark = [pytest.mark.local, pytest.mark.slow]

if namespace.faults():
    pytest.skip(f"no local stack here: {'; '.join(namespace.faults())}", allow_module_level=True)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[StackUnderTest]:
    """A stack that was never up."""
    made = StackUnderTest(copy_project(tmp_path))
    try:
        yield made
    finally:
        made.run("down", "--remove")


def test_a_taken_port_is_named_with_its_holder(fresh: StackUnderTest) -> None:
    with socket.create_server(("127.0.0.1", fresh.first_port + 3)):
        answer = fresh.run("up")
    assert answer.returncode == 1
    assert f"port {fresh.first_port + 3} (pooler): taken by" in answer.stderr
    assert f"process {os.getpid()}" in answer.stderr
    assert fresh.processes() == []


def test_ctrl_c_stops_everything(fresh: StackUnderTest) -> None:
    process = fresh.start("up")
    assert process.stderr
    until(lambda: "postgres " in process.stderr.readline())  # type: ignore[union-attr]
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (fresh.processes(), fresh.mounts(), fresh.listens()) == ([], [], [])


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can't remove the root file system by hand")
def test_down_ends_a_stack_whose_folder_was_removed(fresh: StackUnderTest) -> None:
    fresh.up()
    shutil.rmtree(fresh.state)
    assert fresh.listens()
    assert fresh.run("down").stderr == "stopped\n"
    assert (fresh.processes(), fresh.listens()) == ([], [])


@pytest.mark.parametrize("step", ["recorded", "root", "postgres", "backups"])
def test_up_works_after_an_up_that_was_killed(step: str, fresh: StackUnderTest) -> None:
    process = fresh.start("up")
    until(lambda: step in process.stderr.readline())  # type: ignore[union-attr]
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    if step != "backups":
        assert fresh.run("status").returncode == 1
    fresh.up()
    assert request(fresh.first_port, "GET", "/api/health")[0] == 200
    assert fresh.run("down", "--remove").returncode == 0
    assert not fresh.state.exists()
