"""One command at a time, and never one that is dead."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.common import lock
from local.common.errors import LocalError
from local.common.state import State

PROJECT = Path(__file__).parents[3]
HOLDER = """
import sys
from pathlib import Path
from local.common import lock
from local.common.state import State
with lock.hold(State(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(state: State) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the stack."""
    command = [sys.executable, "-c", HOLDER, str(state.folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_command_is_told_who_holds_the_stack(state: State, holder: "subprocess.Popen[str]") -> None:
    with (
        pytest.raises(LocalError, match=rf"in use by `-c .*` \(process {holder.pid}, since 20\d\d-.*\); wait for it"),
        lock.hold(state),
    ):
        pass


def test_the_kernel_lets_go_when_the_holder_is_killed(state: State, holder: "subprocess.Popen[str]") -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(timeout=10)
    with lock.hold(state):
        pass


def test_it_is_free_again_after_an_error(state: State) -> None:
    with pytest.raises(RuntimeError), lock.hold(state):
        raise RuntimeError
    with lock.hold(state):
        pass


def test_two_holders_in_one_process_exclude_each_other(state: State) -> None:
    with lock.hold(state), pytest.raises(LocalError, match=f"process {os.getpid()}"), lock.hold(state):
        pass


@pytest.mark.parametrize("text", ["", "{half", "[]", '{"pid": 1}'])
def test_an_unreadable_lock_file_is_still_a_lock(state: State, text: str) -> None:
    with lock.hold(state):
        state.lock_file.write_text(text)
        with pytest.raises(LocalError, match="in use by another command"), lock.hold(state):
            pass


def test_a_started_program_does_not_keep_the_lock(state: State) -> None:
    with lock.hold(state):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with lock.hold(state):
            pass
    finally:
        child.kill()
        child.wait(timeout=10)


def test_a_lock_file_deleted_with_its_folder_is_recreated(state: State) -> None:
    with lock.hold(state):
        state.lock_file.unlink()
        with lock.hold(state):
            assert state.lock_file.exists()
