"""The stand-by, the resolvers and other operators, when they are not as they should be."""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from failover.common.errors import RefusedError
from failover.common.lock import machine_lock
from failover.common.terms import Act, Via
from failover.operation.journal import Journal, Paths
from failover.operation.operation import Operation
from failover.operation.outcome import Result
from tests.failover.outside import EDGE, NOWHERE, STANDBY
from tests.failover.world import ADMIN, BATCH, HOST, ROUTE, ZONE, World, unseen

REASON = "the Worker is down for good"


@pytest.mark.parametrize(
    "changes",
    [{"standby_status": 503}, {"standby_status": 404}, {"standby_header": "worker"}, {"standby_header": ""}],
    ids=["503", "404", "another side's name", "no name"],
)
def test_a_standby_that_does_not_answer_as_it_should_is_refused(world: World, changes: dict[str, object]) -> None:
    vars(world.outside).update(changes)
    world.refuses(r"refused \(stand-by\).*--force REASON overrides this")
    assert world.locks() == []
    assert not world.paths.journal.exists()


def test_force_overrides_it_and_the_reason_is_recorded(world: World) -> None:
    world.outside.standby_status = 404
    operation = world.operation(force=REASON)
    operation.execute()
    assert world.script() is None
    assert f"Forced, because: {REASON}" in operation.files[1].read_text()
    assert REASON in world.paths.journal.read_text()
    assert operation.outcome.overridden[0].startswith("stand-by: ")


def test_two_builds_are_refused_and_can_be_forced(world: World) -> None:
    world.outside.standby_build = "b0"
    world.refuses("the stand-by has build b0, the Worker b1")
    assert world.act(force=REASON).result is Result.SWITCHED


def test_a_worker_that_is_down_names_no_build_and_does_not_stop_a_rollback(world: World) -> None:
    world.outside.worker_status, world.outside.worker_build = 503, ""
    outcome = world.act()
    assert outcome.result is Result.SWITCHED
    assert any("the Worker names no build" in warning for warning in outcome.warnings)


def test_every_refusal_is_told_at_once(world: World) -> None:
    world.outside.standby_build = "b0"
    with machine_lock(world.paths.lock, "0" * 8):
        said = world.refuses()
    assert [line.split(":")[0] for line in said] == ["refused (parity)", "refused (lock)"]


def test_a_second_operation_on_this_machine_is_refused(world: World) -> None:
    with machine_lock(world.paths.lock, "0123abcd"):
        world.refuses(r"operation 0123abcd .* this machine")
    assert world.act().result is Result.SWITCHED


def test_another_machines_lock_is_refused_and_stays(world: World) -> None:
    world.leave_lock("00c0ffee", 30)
    world.refuses(r"operation 00c0ffee of eve@far since .* holds the lock")
    assert "00c0ffee" in world.locks()[0]


def test_another_machines_lock_can_be_forced(world: World) -> None:
    world.leave_lock("00c0ffee", 30)
    outcome = world.act(force=REASON)
    assert (outcome.result, world.locks()) == (Result.SWITCHED, [])
    assert outcome.overridden[0].startswith("lock: operation 00c0ffee")


def test_a_lock_that_nobody_can_mean_any_more_is_taken_over(world: World) -> None:
    world.leave_lock("00c0ffee", 900)
    outcome = world.act()
    assert any("eve@far" in one and "it is stale, so it is taken over" in one for one in outcome.warnings)
    assert world.locks() == []


def test_of_two_operators_who_both_looked_before_either_locked_one_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.overtaken(world.operation(), lambda: world.leave_lock("00c0ffee"), monkeypatch)
    assert "00c0ffee" in world.locks()[0]
    assert Journal(world.paths.journal).unfinished() is None


def test_two_operators_at_once_on_two_machines_end_as_one_rollback(world: World, tmp_path: Path) -> None:
    far = Paths.of(tmp_path / "failover.json", tmp_path / "far" / "journal.jsonl", stack="local")
    ends: list[str] = []

    def run(operation: Operation) -> None:
        try:
            ends.append(operation.execute().result)
        except RefusedError as error:
            ends.append(str(error))

    operations = [world.operation(), world.operation(paths=far)]
    threads = [threading.Thread(target=run, args=(operation,)) for operation in operations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("lock" if "refused (lock)" in end else end for end in ends) == ["lock", "switched"]
    assert (world.script(), world.locks()) == (None, [])


def test_a_lock_whose_answer_got_lost_is_still_given_back(world: World) -> None:
    world.faults({**BATCH, "kind": "reset", "times": 1, "applied": True})
    outcome = world.act()
    assert (outcome.result, world.locks()) == (Result.SWITCHED, [])


def test_a_resolver_that_lies_is_named_and_outvoted(worlds: Callable[..., World]) -> None:
    world = worlds(resolvers=({}, {"lie": NOWHERE}, {}))
    outcome = world.act(via=Via.DNS)
    assert outcome.result is Result.SWITCHED
    (message,) = outcome.dissent
    assert world.resolvers[1].name in message
    assert f"the others say {STANDBY}: wrong, or an answer kept for its TTL; outvoted" in message


def test_a_liar_among_two_is_not_believed(worlds: Callable[..., World]) -> None:
    world = worlds(resolvers=({"lie": STANDBY}, {"lie": EDGE}))
    outcome = world.act(via=Via.DNS)
    assert outcome.result is Result.UNVERIFIED


def test_a_slow_resolver_is_named_and_does_not_hold_up_the_rest(worlds: Callable[..., World]) -> None:
    world = worlds(resolvers=({}, {"seconds": 4.0}, {}))
    outcome = world.act()
    assert outcome.result is Result.SWITCHED
    assert outcome.seconds < 6
    (message,) = outcome.dissent
    assert world.resolvers[1].name in message
    assert "not counted" in message


def test_an_old_answer_in_most_caches_is_not_called_done(worlds: Callable[..., World]) -> None:
    world = worlds(resolvers=({}, {"lie": EDGE}, {"lie": EDGE}))
    outcome = world.act(via=Via.DNS)
    assert outcome.result is Result.UNVERIFIED
    assert any(HOST in one and "worker" in one for one in outcome.sightings)


def test_a_rollback_that_nobody_sees_is_not_taken_for_done(world: World) -> None:
    """The API says that it is rolled back, clients say that it is not."""
    world.faults(unseen(ROUTE))
    route = world.ids.hosts[0].route
    assert route
    httpx.put(
        f"{world.api}/zones/{ZONE}/workers/routes/{route.id}",
        json={"pattern": route.pattern, "script": None},
        headers={"authorization": f"Bearer {ADMIN}"},
    ).raise_for_status()
    outcome = world.act()
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS), after A did not hold")


def test_a_restore_asks_nothing_of_the_standby(world: World) -> None:
    world.act()
    world.outside.standby_status = 503
    assert world.act(Act.RESTORE).result is Result.SWITCHED


def test_of_two_who_take_over_a_stale_lock_one_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.leave_lock("00c0ffee", 900)

    def first_comes() -> None:
        row = next(row for row in world.ask("GET", f"/zones/{ZONE}/dns_records") if row["type"] == "TXT")
        world.ask("DELETE", f"/zones/{ZONE}/dns_records/{row['id']}")
        world.leave_lock("00c0ffe1")

    world.overtaken(world.operation(), first_comes, monkeypatch)
