"""The process tree, with a real supervisord: starts, changes, crashes, kills, damaged files; and nothing is left."""

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from supervisor import loggers

from local.common.errors import LocalError
from local.common.state import State
from local.processes import logs, processes
from local.processes.processes import Identity
from local.processes.program import PartState, Program
from local.processes.supervisor import Supervisor
from local.processes.supervisord import roll_over
from tests.local.processes.programs import SLEEP, is_ready, shell, sleeper

# Tells when it is ready, then its name on SIGTERM.
TELLS_ITS_END = "trap 'echo $0 >> \"$1\"; exit' TERM; echo ready; while :; do sleep 0.01; done"
Eventually = Callable[..., None]


def test_starting_twice_keeps_the_first(started: Supervisor) -> None:
    pid = started.pid
    started.ensure(sleeper())
    started.start(list)
    assert started.pid == pid
    assert started.status()["sleeper"].is_running


def test_a_part_is_started_once(started: Supervisor) -> None:
    assert started.ensure(sleeper()) == "started"
    pid = started.status()["sleeper"].pid
    assert started.ensure(sleeper()) == "unchanged"
    assert started.status()["sleeper"].pid == pid


@pytest.mark.parametrize(
    "changes",
    [{"command": ("sleep", "1001")}, {"environment": {"A": "b"}}, {"contents": ("new",)}, {"stop_seconds": 2}],
)
def test_a_change_restarts_that_part_alone(started: Supervisor, changes: dict[str, Any]) -> None:
    started.ensure(sleeper())
    started.ensure(sleeper("other"))
    before = started.status()
    assert started.ensure(sleeper(**changes)) == "restarted"
    after = started.status()
    assert after["sleeper"].pid != before["sleeper"].pid
    assert after["other"].pid == before["other"].pid


@pytest.mark.parametrize("name", ["it's", "[a]* ü"])
def test_a_folder_may_have_an_odd_name(tmp_path: Path, name: str) -> None:
    supervisor = Supervisor(State(tmp_path / name))
    supervisor.state.prepare()
    try:
        supervisor.start(list)
        assert supervisor.ensure(sleeper()) == "started"
        assert supervisor.status()["sleeper"].is_running
    finally:
        supervisor.stop()


def test_status_tells_what_a_part_uses(started: Supervisor) -> None:
    started.ensure(shell("sleep 1000 & echo ready; wait"))
    started.wait_ready("shell", is_ready(started, "shell"))
    status = started.status()["shell"]
    alone = processes.memory_bytes([psutil.Process(status.pid)])
    assert status.state is PartState.RUNNING
    assert status.memory_bytes > alone > 0
    assert status.uptime_seconds is not None
    assert status.log.read_text() == "ready\n"


def test_parts_end_in_reverse_order(state: State, started: Supervisor) -> None:
    order = state.folder / "order"
    for name in ("objects", "postgres", "edge"):
        started.ensure(shell(TELLS_ITS_END, str(order), name=name))
        started.wait_ready(name, is_ready(started, name))
    started.restart("objects")
    started.wait_ready("objects", lambda: started.tail("objects").count("ready") == 2)
    order.unlink()
    started.stop()
    assert order.read_text().split() == ["edge", "postgres", "objects"]


@pytest.mark.slow
def test_a_part_that_does_not_end_in_its_time_is_ended(state: State, started: Supervisor) -> None:
    started.ensure(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"))
    started.wait_ready("shell", is_ready(started, "shell"))
    started.stop()
    assert processes.marked(state.folder) == []


def test_stopping_leaves_nothing_and_may_be_repeated(state: State, started: Supervisor) -> None:
    started.ensure(sleeper())
    pids = started.pids()
    assert len(pids) == 2
    started.stop()
    started.stop()
    assert [pid for pid in pids if Identity.of(pid)] == []
    assert started.pid is None
    assert started.status()["sleeper"].state is PartState.STOPPED


def test_stopping_what_never_started_is_fine(tmp_path: Path) -> None:
    Supervisor(State(tmp_path / "never")).stop()
    assert not (tmp_path / "never").exists()


def test_a_restart_is_another_process(started: Supervisor) -> None:
    started.ensure(sleeper())
    before = started.status()["sleeper"].pid
    started.restart("sleeper")
    assert started.status()["sleeper"].pid not in (None, before)


def test_a_signal_reaches_the_part(started: Supervisor, eventually: Eventually) -> None:
    started.ensure(shell("trap 'echo reloaded' HUP; echo ready; while :; do sleep 0.01; done"))
    started.wait_ready("shell", is_ready(started, "shell"))
    started.signal("shell", signal.SIGHUP)
    eventually(lambda: "reloaded" in started.tail("shell"))


def test_a_signal_to_a_part_that_ended_is_refused(started: Supervisor, eventually: Eventually) -> None:
    started.ensure(shell("exit 0"))
    eventually(lambda: not started.status()["shell"].is_running)
    with pytest.raises(LocalError, match="shell: does not run, so it can't be sent SIGHUP"):
        started.signal("shell", signal.SIGHUP)


@pytest.mark.parametrize("action", [Supervisor.restart, lambda it, name: it.signal(name, signal.SIGHUP)])
def test_an_unknown_part_is_refused(started: Supervisor, action: Callable[[Supervisor, str], None]) -> None:
    started.ensure(sleeper())
    with pytest.raises(LocalError, match="pooler: no such part; there are: sleeper"):
        action(started, "pooler")


def test_numbers_are_those_outside_the_namespace(inside: Supervisor) -> None:
    inside.ensure(sleeper())
    pid = inside.status()["sleeper"].pid
    assert psutil.Process(pid).cmdline() == list(SLEEP)
    assert psutil.Process(pid).ppid() == inside.pid
    assert inside.pids() == {pid, inside.pid}


def test_stopping_ends_a_namespace(state: State, inside: Supervisor) -> None:
    inside.ensure(shell("setsid sleep 1000 & echo ready; wait"))
    inside.wait_ready("shell", is_ready(inside, "shell"))
    inside.stop()
    assert processes.marked(state.folder) == []


Launch = Callable[[Sequence[str]], list[str]]


def test_a_part_that_exits_at_once_is_told_with_its_last_output(started: Supervisor) -> None:
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


def test_a_part_that_ends_while_it_is_waited_for_is_started_once_more(state: State, started: Supervisor) -> None:
    started.ensure(sleeper())
    (dying,) = processes.marked(state.folder, "sleeper")

    def is_ready() -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            dying.kill()
        return processes.marked(state.folder, "sleeper") not in ([], [dying])

    assert started.run(sleeper(), is_ready) == "started"


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


@pytest.mark.parametrize("message", ["unshare: Operation not permitted", ""])
def test_a_launch_that_fails_is_told(supervisor: Supervisor, message: str) -> None:
    with pytest.raises(LocalError, match=f"supervisord: can't be started: {message}"):
        supervisor.start(lambda argv: ["sh", "-c", f"echo '{message}' >&2; exit 1"])


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


def test_a_full_disk_ends_neither_supervisord_nor_a_part(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    """None of the logs can be written. Read, they would not end."""
    monkeypatch.setattr(logs, "tail", lambda path, lines: [])
    for name in ("launch", "supervisord", "shell"):
        (supervisor.state.logs / f"{name}.log").symlink_to("/dev/full")
    supervisor.start(list)
    done = tmp_path / "done"
    supervisor.ensure(shell('for n in $(seq 20); do echo $n; sleep 0.01; done; touch "$1"; sleep 1000', str(done)))
    eventually(done.exists)
    supervisor.ensure(sleeper())
    assert [part.is_running for part in supervisor.status().values()] == [True, True]


def test_a_log_that_can_not_be_rotated_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "log"
    path.parent.mkdir()
    handler = loggers.RotatingFileHandler(str(path), maxBytes=1, backupCount=0)
    path.unlink()
    path.parent.rmdir()
    handler.stream.write(b"line")
    handler.stream.flush()
    roll_over(handler)
    assert handler.stream.closed
    path.parent.mkdir()
    roll_over(handler)
    handler.close()
    assert path.exists()
