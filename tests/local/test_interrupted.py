"""A local stack whose `up` meets a taken port, is interrupted or is killed."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.snapshot import stopped_stack
from tests.local.stack_under_test import StackUnderTest, removed, request, skip_without_stack
from tests.waiting import seen

pytestmark = [pytest.mark.local, pytest.mark.slow]


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """A stack that was never up."""
    skip_without_stack()
    with removed(StackUnderTest(tmp_path_factory.mktemp("stack") / "state")) as made:
        yield made


@pytest.fixture
def stopped(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """A stack that was up before."""
    with stopped_stack(snapshot, tmp_path_factory.mktemp("stack") / "state") as made:
        yield made


def test_a_taken_port_is_named_with_its_holder(fresh: StackUnderTest) -> None:
    with socket.create_server(("127.0.0.1", fresh.first_port + 3)):
        answer = fresh.told("local", "up")
    assert answer.returncode == 1
    assert f"port {fresh.first_port + 3} (pooler): taken by" in answer.stderr
    assert f"process {os.getpid()}" in answer.stderr
    assert fresh.processes() == []


def test_ctrl_c_stops_everything(stopped: StackUnderTest) -> None:
    process = stopped.start("up")
    assert process.stderr
    seen(process, "postgres ")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (stopped.processes(), stopped.mounts(), stopped.listens()) == ([], [], [])


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user can't remove the root file system by hand")
def test_down_ends_a_stack_whose_folder_was_removed(stopped: StackUnderTest) -> None:
    stopped.bring_up()
    shutil.rmtree(stopped.state)
    assert stopped.listens()
    assert stopped.run("down").stderr == "stopped\n"
    assert (stopped.processes(), stopped.listens()) == ([], [])


KILL_POINTS = ("declares", "root", "postgres", "backups")


def test_up_works_after_ups_that_were_killed(fresh: StackUnderTest) -> None:
    """Each goes on from where the one before was killed."""
    for step in KILL_POINTS:
        kill_up_at(step, fresh)
    assert_up_works(fresh)


@pytest.mark.soak
@pytest.mark.parametrize("step", KILL_POINTS)
def test_up_works_after_an_up_that_was_killed(step: str, fresh: StackUnderTest) -> None:
    kill_up_at(step, fresh)
    assert_up_works(fresh)


def kill_up_at(step: str, stack: StackUnderTest) -> None:
    with stack.start("up") as process:
        try:
            seen(process, step)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    if step != "backups":
        assert stack.told("local", "status").returncode == 1


def assert_up_works(stack: StackUnderTest) -> None:
    answer = stack.told("local", "up")
    assert answer.returncode == 0, answer.stderr
    assert request(stack.first_port, "GET", "/api/health")[0] == 200
    assert stack.run("down", "--remove").returncode == 0
    assert not stack.state.exists()
