"""What the process tree makes of crashes, kills, and damaged or missing files."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from local.common.errors import LocalError
from local.common.state import State
from local.processes import processes
from local.processes.processes import Identity
from local.processes.program import PartState, Program
from local.processes.supervisor import Supervisor
from tests.local.processes.programs import is_ready, shell, sleeper

Eventually = Callable[..., None]
Launch = Callable[[Sequence[str]], list[str]]


def test_a_part_that_exits_at_once_is_told_with_its_last_words(started: Supervisor) -> None:
    started.ensure(shell("echo no such database; exit 3"))
    with pytest.raises(LocalError, match=r"shell: ended \(exit code 3\):\n  no such database"):
        started.wait_ready("shell", lambda: False)


def test_a_missing_program_is_told(started: Supervisor) -> None:
    started.ensure(Program(name="absent", command=("/nowhere/program",)))
    with pytest.raises(LocalError, match="/nowhere/program: can't be started: No such file"):
        started.wait_ready("absent", lambda: False)


def test_a_part_that_is_not_ready_in_time_is_told(started: Supervisor) -> None:
    started.ensure(shell("echo still loading; exec sleep 1000"))
    with pytest.raises(LocalError, match=r"shell: not ready after 0\.5 s:\n  still loading"):
        started.wait_ready("shell", lambda: False, seconds=0.5)


def test_a_killed_part_is_seen_and_healed(started: Supervisor, eventually: Eventually) -> None:
    started.ensure(sleeper())
    pid = started.status()["sleeper"].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: started.status()["sleeper"].state is PartState.EXITED)
    assert started.status()["sleeper"].exit_code == -signal.SIGKILL
    assert started.status()["sleeper"].end == "killed by signal 9"
    assert started.ensure(sleeper()) == "started"
    assert started.status()["sleeper"].is_running


def test_what_a_killed_part_leaves_is_ended_before_it_starts_again(
    state: State, started: Supervisor, eventually: Eventually
) -> None:
    part = shell("sleep 4242 & echo ready; wait")
    started.ensure(part)
    started.wait_ready("shell", is_ready(started, "shell"))
    status = started.status()["shell"]
    assert status.pid
    (left,) = psutil.Process(status.pid).children()
    os.kill(status.pid, signal.SIGKILL)
    eventually(lambda: not started.status()["shell"].is_running)
    assert left.is_running()
    assert started.ensure(part) == "started"
    assert Identity.of(left.pid) is None


def test_a_damaged_specification_heals(state: State, started: Supervisor) -> None:
    started.ensure(sleeper())
    (state.supervisor / "parts" / "sleeper.json").write_text("{half")
    assert started.ensure(sleeper()) == "unchanged"
    assert started.status()["sleeper"].is_running


def test_a_killed_run_between_writing_and_restarting_heals(state: State, started: Supervisor) -> None:
    started.ensure(sleeper())
    changed = sleeper(contents=("new",))
    started._files.write(changed)
    assert started.ensure(changed) == "restarted"


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["socket gone", "identity gone", "both gone"])
def test_stop_finds_the_tree_without_its_files(state: State, started: Supervisor, damage: str) -> None:
    started.ensure(sleeper())
    pids = started.pids()
    for name, said in (("socket", ("socket gone", "both gone")), ("process.json", ("identity gone", "both gone"))):
        if damage in said:
            (state.supervisor / name).unlink()
    started.stop()
    assert [pid for pid in pids if Identity.of(pid)] == []


@pytest.mark.slow
def test_start_heals_a_supervisord_without_its_socket(state: State, started: Supervisor) -> None:
    started.ensure(sleeper())
    before = started.pids()
    (state.supervisor / "socket").unlink()
    started.start(list)
    assert [pid for pid in before if Identity.of(pid)] == []
    assert started.ensure(sleeper()) == "started"


@pytest.mark.parametrize("text", ["{half", "[]", "{}", '{"pid": PID, "started": "another boot:1"}'])
def test_a_stale_identity_is_never_taken_for_ours(state: State, supervisor: Supervisor, text: str) -> None:
    (state.supervisor / "process.json").write_text(text.replace("PID", str(os.getpid())))
    assert supervisor.pid is None
    supervisor.stop()
    supervisor.start(list)
    assert supervisor.pid not in (None, os.getpid())


def test_orphans_of_a_killed_supervisord_are_ended(state: State, started: Supervisor) -> None:
    started.ensure(sleeper())
    pid = started.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    started.start(list)
    assert started.ensure(sleeper()) == "started"
    assert len(processes.marked(state.folder, "sleeper")) == 1


def test_a_killed_supervisord_takes_its_namespace_with_it(
    state: State, inside: Supervisor, namespaced: Launch, eventually: Eventually
) -> None:
    inside.ensure(shell("setsid sleep 1000 & echo ready; wait"))
    inside.wait_ready("shell", is_ready(inside, "shell"))
    pid = inside.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: processes.marked(state.folder) == [])
    assert inside.status()["shell"].state is PartState.STOPPED
    inside.start(namespaced)
    assert inside.ensure(sleeper()) == "started"


@pytest.mark.parametrize("words", ["unshare: Operation not permitted", ""])
def test_a_launch_that_fails_is_told(supervisor: Supervisor, words: str) -> None:
    with pytest.raises(LocalError, match=f"supervisord: can't be started: {words}"):
        supervisor.start(lambda argv: ["sh", "-c", f"echo '{words}' >&2; exit 1"])


def test_a_socket_path_that_is_too_long_is_refused(tmp_path: Path) -> None:
    state = State(tmp_path / ("x" * 100))
    state.prepare()
    with pytest.raises(LocalError, match="longer than a unix socket's path may be"):
        Supervisor(state).start(list)


@pytest.mark.parametrize("name", ["50%", "a #1", "a ;b"])
def test_a_folder_that_supervisord_cannot_use_is_refused(tmp_path: Path, name: str) -> None:
    state = State(tmp_path / name)
    state.prepare()
    with pytest.raises(LocalError, match="supervisord can't use a path with"):
        Supervisor(state).start(list)
