"""What a drill leaves when it is cut short, and whose operations it backs out."""

import dataclasses
import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from failover.cli.status import status
from failover.common.errors import FailoverError, RefusedError
from failover.common.lock import machine_lock
from failover.common.terms import Act, Via
from failover.drill import drill as module
from failover.drill.drill import drill
from failover.drill.result import DrillResult
from failover.operation.journal import Journal, Paths
from failover.operation.operation import Operation
from failover.operation.outcome import Outcome, Result
from failover.operation.preflight import plan_lines
from tests.failover.world import HOST, ROUTE, SCRIPT, World, down

# Drill begin; eight of the rollback; eight of the restore; drill done.
LINES = 18


pytestmark = pytest.mark.usefixtures("long_waits")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.12)


def run(world: World, via: Via = Via.ROUTE, count: int = 1, **changes: Any) -> DrillResult:
    def make(act: Act, drill: str | None) -> Operation:
        return world.operation(act, via=via, is_drill=True, drill=drill, **changes)

    return drill(make, via, count, lambda _: None)


def cut_short(world: World, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Cuts a drill short as kill -9 after a line of the journal does: nothing runs any more that could restore."""
    write, count = Journal.write, 0

    def stopping(journal: Journal, *arguments: str, **details: Any) -> None:
        nonlocal count
        count += 1
        if count > number:
            raise OSError("killed")
        write(journal, *arguments, **details)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", stopping)
        with pytest.raises(OSError, match="killed"):
            run(world)


def test_a_slow_switch_misses_a_drill(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("failover.drill.result.LOCAL_ROUTE_SECONDS", 0.01)
    found = run(world)
    assert [one.outcome.result for one in found.rounds] == [Result.SWITCHED] * 2
    assert "until every client saw it, over 0.01 s" in found.missed[0]


def test_the_journal_knows_a_drill_until_it_is_done(world: World) -> None:
    assert run(world).is_passed
    rows = Journal(world.paths.journal).lines()
    assert len(rows) == LINES
    assert [(rows[at]["step"], rows[at]["phase"]) for at in (0, -1)] == [("drill", "begin"), ("drill", "done")]
    assert {row["drill"] for row in rows if "drill" in row} == {rows[0]["operation"]}
    assert Journal(world.paths.journal).unfinished() is None


@pytest.mark.parametrize("by", ["the next drill", "restore"])
def test_a_drill_that_was_cut_short_between_its_halves_is_backed_out(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    cut_short(world, monkeypatch, 9)
    assert world.script() is None
    operation = world.operation()
    look, changes, unfinished = operation.prepare()
    told = plan_lines(Act.ROLLBACK, Via.ROUTE, look, changes, unfinished, None)[0]
    assert told.startswith("drill ")
    assert "was cut short, after its rollback: `restore --execute` backs it out, and so does the next drill" in told
    assert any("was cut short, after its rollback" in one for one in status(world.operation()).faults)
    if by == "restore":
        assert world.act(Act.RESTORE).result is Result.SWITCHED
    else:
        assert run(world).is_passed
    assert (world.script(), world.locks()) == (SCRIPT, [])
    assert Journal(world.paths.journal).unfinished() is None


def test_a_drill_whose_restore_fails_says_so_and_stays_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_short(world, monkeypatch, 9)
    world.outside.worker_status = 503
    with pytest.raises(RefusedError, match=r"was cut short, .*: its restore ended backed out; first: restore"):
        run(world)
    assert world.script() is None


def test_a_drill_that_can_not_restore_says_so_and_stays_open(world: World) -> None:
    world.faults(down(ROUTE, 403))
    world.outside.worker_status = 503
    found = run(world)
    assert (found.is_passed, found.is_restored) == (False, False)
    assert "it is NOT restored: `restore --execute`, or the next drill does it" in found.missed
    open_one = Journal(world.paths.journal).unfinished()
    assert open_one
    assert open_one.is_drill
    world.faults()
    world.outside.worker_status = 200
    assert run(world).is_passed
    assert (world.script(), world.record()["proxied"]) == (SCRIPT, True)


def test_a_drill_leaves_an_operation_that_was_meant_alone(world: World) -> None:
    Journal(world.paths.journal).write(
        "0123abcd", "operation", "begin", moment=datetime.now(UTC), act="rollback", hosts=[HOST], stack="local"
    )
    with pytest.raises(RefusedError, match=r"rollback 0123abcd .* finish it or back it out before a drill"):
        run(world)
    world.act()
    with pytest.raises(RefusedError, match="a drill begins with worker as the active side"):
        run(world)
    assert world.script() is None


def test_nobody_rolls_back_on_this_machine_while_a_drill_runs(world: World) -> None:
    def meanwhile(message: str) -> None:
        if " rollback: " in message:
            world.refuses(r"refused \(lock\): operation [0-9a-f]{8} .* is still running;")

    def make(act: Act, part_of: str | None) -> Operation:
        return world.operation(act, is_drill=True, drill=part_of)

    assert drill(make, Via.ROUTE, 1, meanwhile).is_passed
    with machine_lock(world.paths.lock, "0123abcd"), pytest.raises(RefusedError, match="0123abcd"):
        run(world)


def test_a_drill_of_one_stack_never_touches_another(worlds: Callable[..., World], monkeypatch: Any) -> None:
    """Both files of ids lie in one folder, as on-call has them."""
    other = "api.example.test"
    world = worlds(hosts={HOST: "worker", other: "worker"})
    dev: dict[str, Any] = {"ids": dataclasses.replace(world.ids.chosen([HOST]), stack="dev")}
    prod: dict[str, Any] = {"ids": dataclasses.replace(world.ids.chosen([other]), stack="prod")}
    for one, name in ((dev, "dev"), (prod, "prod")):
        one["paths"] = Paths.of(world.folder / f"{name}.json", stack=name)
    world.act(**prod)
    write = Journal.write

    def stopping(journal: Journal, operation: str, step: str, phase: str, **details: Any) -> None:
        write(journal, operation, step, phase, **details)
        if step == "operation" and phase == "done":
            raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", stopping)
        with pytest.raises(OSError, match="killed"):
            run(world, **dev)
    assert (world.script(), world.script(other)) == (SCRIPT, None)
    before = world.operation(**prod)
    assert before.prepare()[2] is None
    assert not [one for one in status(world.operation(**prod)).faults if "cut short" in one]
    with pytest.raises(RefusedError, match="a drill begins with worker as the active side"):
        run(world, **prod)
    assert world.script(other) is None


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Enables Ctrl-C as in a terminal, also where the tests themselves run in the background."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.slow
@pytest.mark.xdist_group("drills that are interrupted")
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(
    ("number", "times"),
    [
        # Once and twice by turns, and at the last line, where all is done, both.
        pytest.param(number, times, marks=[] if (number + times) % 2 == 0 or number == LINES else pytest.mark.soak)
        for number in range(1, LINES + 1)
        for times in (1, 2)
    ],
)
def test_ctrl_c_at_any_line_of_the_journal_restores_and_reports(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, times: int
) -> None:
    write, count = Journal.write, 0

    def interrupting(journal: Journal, *arguments: str, **details: Any) -> None:
        nonlocal count
        write(journal, *arguments, **details)
        count += 1
        # The second time it comes while the first is being seen to.
        if number <= count < number + times:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Journal, "write", interrupting)
    found = run(world)
    # With its last line all was done.
    is_late = number == LINES
    assert (found.is_interrupted, found.is_restored, found.is_passed) == (not is_late, True, is_late)
    assert ("it was interrupted" in found.missed) != is_late
    assert (world.script(), world.record()["proxied"], world.locks()) == (SCRIPT, True, [])
    assert Journal(world.paths.journal).unfinished() is None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_fault_in_the_middle_is_reported_and_restored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = Operation.execute

    def failing(operation: Operation) -> Outcome:
        outcome = execute(operation)
        if operation.act is Act.ROLLBACK:
            raise FailoverError("the disk is full")
        return outcome

    monkeypatch.setattr(Operation, "execute", failing)
    found = run(world)
    assert "the disk is full" in found.missed
    assert (found.is_restored, world.script()) == (True, SCRIPT)
    assert json.dumps(found.document())
