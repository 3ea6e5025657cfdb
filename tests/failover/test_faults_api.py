"""What the API may do in the middle of a rollback; each fault is put into the emulated one."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from failover.common import clock
from failover.common.errors import FailoverError, RefusedError
from failover.common.terms import Act, Via
from failover.operation.journal import Journal
from failover.operation.outcome import Result
from tests.failover.world import BATCH, HOST, RECORD, ROUTE, SCRIPT, STANDBY_NAME, World, down, unseen

OTHER = "docs.example.test"


def put(kind: str, **more: Any) -> dict[str, Any]:
    return {**ROUTE, "kind": kind, **more}


@pytest.mark.parametrize(
    "fault",
    [
        down(ROUTE, 500, times=1),
        down(ROUTE, 502, times=1, applied=True),
        put("reset", times=1),
        put("reset", times=1, applied=True),
        put("slow", seconds=0.5, times=1),
    ],
    ids=["500", "502 applied", "reset", "reset applied", "slow"],
)
def test_what_passes_is_tried_again(world: World, fault: dict[str, object]) -> None:
    world.faults(fault)
    outcome = world.act()
    assert (outcome.result, outcome.plan, world.script()) == (Result.SWITCHED, "A (route)", None)


def test_a_429_is_waited_out_for_as_long_as_it_says(world: World) -> None:
    world.faults(down(ROUTE, 429, retry_after=1, times=1))
    started = time.monotonic()
    outcome = world.act()
    assert time.monotonic() - started >= 1
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "A (route)")


def test_a_429_that_outlasts_plan_a_leads_to_plan_b(world: World) -> None:
    world.faults(down(ROUTE, 429, retry_after=290))
    outcome = world.act()
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS), after A did not hold")
    assert outcome.seconds < 6
    assert "asked to wait 290 s" in outcome.faults[0]
    assert world.record()["proxied"] is False


@pytest.mark.parametrize("fault", [down(ROUTE), put("reset"), put("timeout", seconds=30)])
def test_plan_b_follows_where_the_route_can_not_be_changed(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: dict[str, object]
) -> None:
    monkeypatch.setattr(clock, "PLAN_A_SHARE", 0.02)
    world.faults(fault)
    outcome = world.act()
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS), after A did not hold")


def test_a_lost_answer_is_not_done_twice_over(world: World) -> None:
    """A timeout of a change that was made: the same whole value is sent again."""
    world.faults(put("timeout", seconds=1, times=1, applied=True))
    outcome = world.act()
    assert outcome.result is Result.SWITCHED
    assert world.script() is None


def test_a_change_that_is_never_seen_at_the_edge_leads_to_plan_b(world: World) -> None:
    world.faults(unseen(ROUTE))
    outcome = world.act()
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS), after A did not hold")
    assert world.record()["content"] == STANDBY_NAME


@pytest.mark.usefixtures("patient")
def test_a_change_that_is_seen_late_needs_no_plan_b(world: World) -> None:
    world.faults(unseen(ROUTE, seconds=1))
    from local.control_plane.publisher import Publisher

    publisher = Publisher(world.control_plane)
    publisher.start()
    outcome = world.act()
    publisher.stop()
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "A (route)")


def test_what_of_a_batch_is_not_seen_is_sent_once_more(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    world.faults({**BATCH, "kind": "partial_batch"})
    outcome = world.act(via=Via.DNS)
    assert outcome.result is Result.SWITCHED
    requests = [call.request.split()[0] for call in outcome.calls if call.name == "change the records"]
    assert requests == ["POST", "PATCH"]


def test_a_batch_that_stays_seen_in_part_is_not_called_done(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    world.faults({**BATCH, "kind": "partial_batch"}, unseen(RECORD))
    outcome = world.act(via=Via.DNS)
    assert outcome.result is Result.UNVERIFIED
    assert any(OTHER in sighting and "worker" in sighting for sighting in outcome.sightings)


def test_ten_calls_are_not_exceeded_where_every_change_fails(world: World) -> None:
    world.faults(down(ROUTE), down(RECORD))
    outcome = world.act()
    assert outcome.result is Result.UNVERIFIED
    assert len(outcome.calls) == 10
    assert (world.script(), world.locks()) == (SCRIPT, [])


def test_nothing_is_changed_where_the_api_does_not_answer(world: World) -> None:
    world.faults(down({}))
    world.refuses(r"refused \(api\): the state can't be read: read the routes: 503")
    assert not world.paths.journal.exists()


def test_with_force_it_acts_without_having_looked(world: World) -> None:
    world.faults(down({"match": {"method": "GET"}}))
    outcome = world.act(force="the API's reads are down, its writes are not")
    assert outcome.result is Result.SWITCHED
    assert world.script() is None
    assert outcome.overridden[0].startswith("api: the state can't be read")


@pytest.mark.parametrize("token", ["expired", "unknown"])
def test_a_token_that_is_wrong_or_expired_is_refused_at_once(world: World, token: str) -> None:
    operation = world.operation(token="expired") if token == "expired" else world.operation()
    if token == "unknown":
        operation.transport.sdk.api_token = "made-up-" + "nobody"
    with pytest.raises(RefusedError, match=r"refused \(token\): read the routes: the token is refused"):
        operation.execute()
    assert len(operation.transport.calls) == 1


def test_a_token_that_can_not_change_routes_still_has_plan_b(world: World) -> None:
    outcome = world.act(token="dns")
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS), after A did not hold")
    assert "the token is refused: 403 (10000: Authentication error)" in outcome.faults[0]


def test_a_token_that_can_not_leave_a_lock_still_rolls_back(world: World) -> None:
    outcome = world.act(token="routes")
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "A (route)")
    assert any(warning.startswith("no lock that other operators see") for warning in outcome.warnings)


def test_a_token_that_can_only_read_changes_nothing_and_says_so(world: World) -> None:
    outcome = world.act(token="reader")
    assert outcome.result is Result.UNVERIFIED
    assert len([fault for fault in outcome.faults if "token is refused" in fault]) == 2
    assert (world.script(), world.record()["proxied"]) == (SCRIPT, True)


def test_no_message_shows_the_token(world: World) -> None:
    operation = world.operation(token="reader")
    text = repr(operation.execute().document()) + repr(operation) + repr(operation.transport)
    assert operation.token not in text


def test_a_near_rate_limit_is_refused(world: World) -> None:
    world.control_plane.rate.limit = 6
    said = r"refused \(rate limit\): the API allows 1 more calls for now and 4 may still be"
    world.refuses(said, force="does not help here")


def test_a_wrong_clock_is_told_and_spoils_nothing(world: World) -> None:
    world.faults({"kind": "clock_skew", "seconds": 7200})
    outcome = world.act()
    assert outcome.result is Result.SWITCHED
    assert outcome.seconds < 5
    assert any("clock is 7" in warning and "s behind the API's" in warning for warning in outcome.warnings)
    assert outcome.clock_skew_seconds == pytest.approx(-7200, abs=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"route": {"id": "c" * 32}}, "app.example.test/*: no route c"),
        ({"record": {"id": "d" * 32}}, "app.example.test: no record d"),
        ({"route": {"pattern": "www.example.test/*"}}, "is now for app.example.test/*, not for www.example.test/*"),
    ],
)
def test_stale_ids_are_refused_even_with_force(world: World, changes: dict[str, Any], message: str) -> None:
    world.change_ids(**changes)
    said = "\n".join(world.refuses(r"refused \(ids stale\)", force="does not help here"))
    assert message in said


def test_a_renamed_record_is_refused(world: World) -> None:
    world.ask("PATCH", f"/zones/{'b' * 32}/dns_records/{world.ids.hosts[0].record.id}", {"name": "old.example.test"})
    world.refuses("no record")


def test_a_restore_that_does_not_hold_is_backed_out(world: World) -> None:
    world.act()
    world.outside.worker_status = 503
    outcome = world.act(Act.RESTORE)
    assert outcome.result is Result.BACKED_OUT
    assert world.script() is None


def test_a_journal_that_can_not_be_written_stops_the_act_before_it_begins(world: World) -> None:
    world.paths.journal.mkdir()
    with pytest.raises(FailoverError, match="journal"):
        world.act()
    assert world.script() == SCRIPT


def test_a_disk_that_fills_up_on_the_way_does_not_stop_a_rollback(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, count = Journal.write, 0

    def full(journal: Journal, *arguments: str, **details: Any) -> None:
        nonlocal count
        count += 1
        if count > 3:
            raise FailoverError("the journal can't be written (No space left on device)")
        write(journal, *arguments, **details)

    monkeypatch.setattr(Journal, "write", full)
    world.paths.evidence.write_text("in the way")
    outcome = world.act()
    assert (outcome.result, world.script(), world.locks()) == (Result.SWITCHED, None, [])
    assert [warning for warning in outcome.warnings if "No space left" in warning]
    assert [warning for warning in outcome.warnings if "drills" in warning]
