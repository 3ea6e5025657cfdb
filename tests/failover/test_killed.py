"""kill -9 at every line of the journal: the next run finishes or backs out, and what clients get is never worse."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from failover.common.terms import Act, Side, Via
from failover.drill import drill as drill_module
from failover.drill.drill import drill
from failover.drill.result import DrillResult
from failover.operation.journal import Journal
from failover.operation.operation import Operation
from failover.operation.outcome import Result
from tests.failover.quick import PAUSE_SECONDS
from tests.failover.world import HOST, ROUTE, SCRIPT, STANDBY_NAME, TOKENS, World, unseen

ROOT = Path(__file__).resolve().parents[2]
# begin; lock begin, done; change begin, done; unlock begin, done; done.
LINES = 8
# The route is blanked and sent once more, then the record: begin and done of each.
FALL_LINES = 12
# The script is given, once more, and taken away again.
BACK_OUT_LINES = 12
# Its own begin and done around a rollback and a restore.
DRILL_LINES = 18

Run = Callable[..., dict[str, Any]]


def points(lines: int, *variants: str, group: str = "") -> pytest.MarkDecorator:
    """Kill points before and after each line, in each variant; outside the soak before and after by turns.

    The first variant is met before the odd lines and after the even ones, the second the other way round. With `group`
    each variant can be another worker's.
    """
    found = [
        pytest.param(
            *([variant] if variants else []),
            number,
            when,
            marks=[
                *([pytest.mark.xdist_group(f"{group}: {variant}")] if group else []),
                *([] if (number + turn + (when == "before")) % 2 == 0 else [pytest.mark.soak]),
            ],
        )
        for turn, variant in enumerate(variants or ("",))
        for number in range(1, lines + 1)
        for when in ("before", "after")
    ]
    return pytest.mark.parametrize((*(["variant"] if variants else []), "number", "when"), found)


@pytest.fixture(scope="module")
def killer() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.failover.killed"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        assert process.stdin
        process.stdin.close()
        process.wait(timeout=20)


@pytest.fixture
def kill(killer: subprocess.Popen[str], world: World) -> Run:
    """Runs an act in a process that kills itself at that line; returns how it ended."""

    def run(number: int, when: str, act: str, via: str = "route") -> dict[str, Any]:
        point = {"number": number, "when": when, "act": act, "via": via}
        point |= {"ids": str(world.folder / "failover.json"), "token": TOKENS["rollback"][0]}
        assert killer.stdin
        assert killer.stdout
        killer.stdin.write(json.dumps(point) + "\n")
        killer.stdin.flush()
        answer: dict[str, Any] = json.loads(killer.stdout.readline())
        return answer

    return run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_module, "SETTLE_SECONDS", PAUSE_SECONDS)


def drilled(world: World) -> DrillResult:
    def make(wish: Act, part_of: str | None) -> Operation:
        return world.operation(wish, is_drill=True, drill=part_of)

    return drill(make, Via.ROUTE, 1, lambda _: None)


def answers(world: World) -> Side:
    """Who answers clients: it has to be one of the two, whatever was killed."""
    record = world.record()
    is_past = record["content"] == STANDBY_NAME and not record["proxied"]
    status, headers = world.outside.at_standby() if is_past else world.outside.at_edge(HOST)
    assert status == 200
    return Side(headers["x-served-by"])


def assert_rolled_back(world: World) -> None:
    assert (answers(world), world.locks()) == (Side.VERCEL, [])
    assert Journal(world.paths.journal).unfinished() is None


def assert_restored(world: World, declared: dict[str, Any]) -> None:
    assert (answers(world), world.script(), world.locks()) == (Side.WORKER, SCRIPT, [])
    assert {**world.record(), "modified_on": ""} == {**declared, "modified_on": ""}
    assert Journal(world.paths.journal).unfinished() is None


def restored(world: World, declared: dict[str, Any]) -> None:
    assert world.act(Act.RESTORE).result in (Result.SWITCHED, Result.ALREADY)
    assert_restored(world, declared)


@pytest.mark.parametrize(
    ("wish", "via", "lines"),
    [("rollback", "route", LINES), ("rollback", "dns", LINES), ("drill", "route", DRILL_LINES)],
)
def test_there_are_as_many_lines_as_are_tried_here(kill: Run, wish: str, via: str, lines: int) -> None:
    assert kill(99, "after", wish, via) == {"signal": 0, "code": 0, "lines": lines}


def test_a_restore_has_as_many_lines_as_are_tried_here(kill: Run, world: World) -> None:
    world.act()
    assert kill(99, "after", "restore")["lines"] == 2 * LINES
    world.faults(unseen(ROUTE))
    assert kill(99, "after", "rollback")["lines"] == 2 * LINES + FALL_LINES


def test_a_restore_that_backs_out_has_as_many_lines_as_are_tried_here(kill: Run, world: World) -> None:
    world.act()
    world.outside.worker_status = 503
    assert kill(99, "after", "restore")["lines"] == LINES + BACK_OUT_LINES


@pytest.mark.slow
@points(LINES, "route", "dns")
def test_the_next_run_finishes_a_rollback_that_was_killed(
    kill: Run, world: World, variant: str, number: int, when: str
) -> None:
    declared = world.record()
    assert kill(number, when, "rollback", variant)["signal"] == signal.SIGKILL
    answers(world)
    outcome = world.act(via=Via(variant))
    assert outcome.result in (Result.SWITCHED, Result.ALREADY)
    assert_rolled_back(world)
    assert (world.script(), world.record()["proxied"]) == ((None, True) if variant == "route" else (SCRIPT, False))
    if number > 1 and (number, when) != (LINES, "after"):
        assert outcome.continues
    restored(world, declared)


@pytest.mark.slow
@points(LINES)
def test_the_next_run_backs_out_of_a_rollback_that_was_killed(kill: Run, world: World, number: int, when: str) -> None:
    declared = world.record()
    assert kill(number, when, "rollback")["signal"] == signal.SIGKILL
    answers(world)
    restored(world, declared)


@pytest.mark.slow
@pytest.mark.xdist_group("plans that fall and are killed")
@points(FALL_LINES)
def test_a_fall_to_plan_b_that_was_killed_is_finished_and_restored(
    kill: Run, world: World, number: int, when: str
) -> None:
    """Plan A was accepted and not seen: what it has left behind is there as well."""
    declared = world.record()
    world.faults(unseen(ROUTE))
    assert kill(number, when, "rollback")["signal"] == signal.SIGKILL
    answers(world)
    world.faults()
    if when == "before":
        # At this edge the change of the route is never seen, so plan B has to follow again.
        assert world.act().result in (Result.SWITCHED, Result.ALREADY)
        assert_rolled_back(world)
    restored(world, declared)


@pytest.mark.slow
@pytest.mark.xdist_group("restores that are killed")
@points(LINES, "finish", "back out")
def test_a_restore_that_was_killed_is_finished_or_backed_out(
    kill: Run, world: World, variant: str, number: int, when: str
) -> None:
    declared = world.record()
    world.act()
    assert kill(number, when, "restore")["signal"] == signal.SIGKILL
    answers(world)
    if variant == "back out":
        assert world.act().result in (Result.SWITCHED, Result.ALREADY)
        assert_rolled_back(world)
    restored(world, declared)


@pytest.mark.slow
@pytest.mark.xdist_group("restores that are killed")
@points(BACK_OUT_LINES)
def test_a_restore_that_was_killed_while_it_backed_out_can_be_rolled_back(
    kill: Run, world: World, number: int, when: str
) -> None:
    declared = world.record()
    world.act()
    world.outside.worker_status = 503
    assert kill(number, when, "restore")["signal"] == signal.SIGKILL
    assert world.act().result in (Result.SWITCHED, Result.ALREADY)
    assert_rolled_back(world)
    world.outside.worker_status = 200
    restored(world, declared)


@pytest.mark.slow
@points(DRILL_LINES, "the next drill", "restore", group="drills that are killed")
def test_a_drill_that_was_killed_is_backed_out(kill: Run, world: World, variant: str, number: int, when: str) -> None:
    declared = world.record()
    assert kill(number, when, "drill")["signal"] == signal.SIGKILL
    answers(world)
    is_open = number > 1 or when == "after"
    is_done = (number, when) == (DRILL_LINES, "after")
    assert (Journal(world.paths.journal).unfinished() is not None) == (is_open and not is_done)
    if variant == "restore":
        restored(world, declared)
    else:
        assert drilled(world).is_passed
        assert_restored(world, declared)


def test_a_torn_last_line_does_not_count_and_does_not_spoil_the_next(world: World) -> None:
    world.act()
    with world.paths.journal.open("ab") as file:
        file.write(b'{"at": "2026-11-21T00:00:00.000Z", "operation": "0123')
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    lines = Journal(world.paths.journal).lines()
    assert [line["act"] for line in lines if (line["step"], line["phase"]) == ("operation", "begin")] == [*Act]


def test_plan_tells_what_was_cut_short(kill: Run, world: World) -> None:
    kill(5, "before", "rollback")
    operation = world.operation()
    _, changes, unfinished = operation.prepare()
    assert changes == []
    assert f"was cut short, in step 'route {HOST}/*'" in str(unfinished)
