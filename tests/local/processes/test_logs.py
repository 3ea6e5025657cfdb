"""Reading logs: to their end, and as they grow."""

from itertools import islice
from threading import Timer

import pytest

from local.common.errors import LocalError
from local.common.state import State
from local.processes.supervisor import Supervisor
from tests.local.processes.programs import sleeper


def test_the_log_is_followed_across_rotation(state: State, started: Supervisor) -> None:
    log = state.logs / "chatty.log"
    log.write_text("old\n")
    lines = started.follow("chatty")

    def write() -> None:
        with log.open("a") as file:
            file.write("one\ntwo\n")
        log.rename(log.with_suffix(".log.1"))
        log.write_text("three\n")

    Timer(0.05, write).start()
    assert list(islice(lines, 3)) == ["one", "two", "three"]


def test_following_ends_with_supervisord(started: Supervisor) -> None:
    started.ensure(sleeper())
    Timer(0.05, started.stop).start()
    assert list(started.follow("sleeper")) == []


def test_a_log_that_does_not_exist_is_refused(started: Supervisor) -> None:
    with pytest.raises(LocalError, match=r"pooler: has no log; there are: .*supervisord"):
        started.follow("pooler")


def test_the_tail_of_a_long_log_is_read(state: State, supervisor: Supervisor) -> None:
    (state.logs / "long.log").write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert supervisor.tail("long", 2) == ["line 99998", "line 99999"]
    assert supervisor.tail("none", 2) == []
