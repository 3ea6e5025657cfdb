"""The process tree, with a real supervisord: what starts, what changes, and that nothing is left."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.common.errors import LocalError
from local.common.state import State
from local.processes import processes
from local.processes.processes import Identity
from local.processes.program import PartState
from local.processes.supervisor import Supervisor
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
