"""kill -9 at every line of the journal: the next run finishes or backs out, and what clients get is never worse."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from failover.changes import Act
from failover.journal import Journal
from failover.outcome import Result
from failover.sides import Side
from tests.failover.world import HOST, SCRIPT, TOKENS, World

ROOT = Path(__file__).resolve().parents[2]
# begin; lock begin, done; change begin, done; unlock begin, done; done.
LINES = 8
STEPS = [(number, when) for number in range(1, LINES + 1) for when in ("before", "after")]


def run(world: World, number: int, when: str, act: Act, via: str = "route") -> subprocess.CompletedProcess[str]:
    arguments = [str(number), when, str(act), via, str(world.folder / "failover.json"), TOKENS["rollback"][0]]
    return subprocess.run(
        [sys.executable, "-m", "tests.failover.killed", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answers(world: World) -> str | None:
    """Who answers at the edge: it has to be one of the two, whatever was killed."""
    status, headers = world.outside.at_edge(HOST)
    assert status == 200
    return headers["x-served-by"]


def test_an_operation_has_as_many_lines_as_are_tried_here(world: World) -> None:
    done = run(world, 99, "after", Act.ROLLBACK)
    assert done.stdout == f"journal lines: {LINES}\n", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "when"), STEPS)
def test_the_next_run_finishes_a_rollback_that_was_killed(world: World, number: int, when: str) -> None:
    assert run(world, number, when, Act.ROLLBACK).returncode == -signal.SIGKILL
    assert answers(world) in tuple(Side)
    outcome = world.act()
    assert outcome.result in (Result.SWITCHED, Result.ALREADY)
    assert (world.script(), world.locks()) == (None, [])
    assert Journal(world.place.journal).unfinished() is None
    if number > 1 and (number, when) != (LINES, "after"):
        assert outcome.continues


@pytest.mark.slow
@pytest.mark.parametrize(("number", "when"), [(3, "after"), (5, "before"), (5, "after"), (7, "before")])
def test_the_next_run_backs_out_of_a_rollback_that_was_killed(world: World, number: int, when: str) -> None:
    before = world.record()
    run(world, number, when, Act.ROLLBACK)
    world.act(Act.RESTORE)
    assert (world.script(), world.locks()) == (SCRIPT, [])
    assert world.record() == before
    assert Journal(world.place.journal).unfinished() is None


@pytest.mark.slow
@pytest.mark.parametrize(("number", "when"), [(4, "after"), (5, "before"), (7, "before")])
def test_plan_b_and_its_restore_survive_it_too(world: World, number: int, when: str) -> None:
    run(world, number, when, Act.ROLLBACK, via="dns")
    world.act(Act.RESTORE)
    assert (world.record()["proxied"], world.locks()) == (True, [])
    run(world, number, when, Act.RESTORE)
    assert world.act(Act.RESTORE).result in (Result.SWITCHED, Result.ALREADY)
    assert (world.script(), world.record()["proxied"], world.locks()) == (SCRIPT, True, [])


def test_a_torn_last_line_does_not_count_and_does_not_spoil_the_next(world: World) -> None:
    world.act()
    with world.place.journal.open("ab") as file:
        file.write(b'{"at": "2026-11-21T00:00:00.000Z", "operation": "0123')
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    lines = Journal(world.place.journal).lines()
    assert [line["act"] for line in lines if (line["step"], line["phase"]) == ("operation", "begin")] == [*Act]


def test_plan_tells_what_was_cut_short(world: World) -> None:
    run(world, 5, "before", Act.ROLLBACK)
    operation = world.operation()
    _, changes, unfinished = operation.prepare()
    assert changes == []
    assert f"was cut short, in step 'route {HOST}/*'" in str(unfinished)
