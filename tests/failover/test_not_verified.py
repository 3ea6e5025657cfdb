"""What is told of an operation whose changes were refused, or that nobody has seen; and what is left for plan B."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from failover.common.terms import Act, Via
from failover.operation.operation import Operation
from failover.operation.outcome import Outcome, Result, outcome_lines
from failover.probe import clients
from tests.failover.world import HOST, RECORD, ROUTE, SCRIPT, World, down, unseen

DOWN = "the Worker is down for good"
READS = down({"match": {"method": "GET"}})


def called(outcome: Outcome, name: str) -> int:
    return [call.name for call in outcome.calls].count(name)


def test_where_both_plans_are_refused_neither_is_named_and_both_faults_are(world: World) -> None:
    world.faults(down(ROUTE), down(RECORD))
    operation = world.operation()
    outcome = operation.execute()
    lines = outcome_lines(outcome)
    assert (outcome.plan, world.script(), world.record()["proxied"]) == ("", SCRIPT, True)
    assert "by no plan: the API has confirmed no change" in lines
    assert [line.split(": ")[:2] for line in lines if line.startswith("fault: ")] == [
        ["fault", f"blank the route {HOST}/*"],
        ["fault", "change the records"],
    ]
    assert not [line for line in lines if "DNS-only" in line or "outvoted" in line]
    assert "By no plan: the API has confirmed no change" in operation.files[1].read_text()


def test_where_only_plan_b_is_refused_plan_a_is_named(world: World) -> None:
    world.faults(unseen(ROUTE), down(RECORD))
    outcome = world.act()
    assert (outcome.result, outcome.plan) == (Result.UNVERIFIED, "A (route); B (DNS) was not confirmed")
    assert "by plan A (route); B (DNS) was not confirmed" in outcome_lines(outcome)


def test_plan_b_that_is_not_seen_is_told_with_what_it_leaves(world: World) -> None:
    world.faults(unseen(RECORD))
    outcome = world.act(via=Via.DNS)
    lines = outcome_lines(outcome)
    assert (outcome.result, outcome.plan) == (Result.UNVERIFIED, "B (DNS)")
    assert "by plan B (DNS)" in lines
    assert "the record is DNS-only now: a restore makes it proxied again" in lines


def test_a_restore_that_is_refused_says_why_on_the_terminal(world: World) -> None:
    world.act()
    world.faults(down(ROUTE))
    outcome = world.act(Act.RESTORE)
    lines = outcome_lines(outcome)
    assert [line for line in lines if line.startswith(f"fault: give the route {HOST}/* its script: 503")]
    assert not [line for line in lines if "by plan" in line]


def test_the_only_resolver_is_not_outvoted(worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "QUERY_SECONDS", 0.05)
    world = worlds(resolvers=({"seconds": 60.0},))
    said = list[str]()
    outcome = world.act(say=said.append)
    assert (outcome.result, world.script()) == (Result.UNVERIFIED, None)
    assert not [line for line in outcome_lines(outcome) if "outvoted" in line or "not counted" in line]
    (line,) = [line for line in said if line.startswith("plan A: ")]
    assert line.endswith("no resolver answers, so it could not be verified; going on with plan B")
    assert outcome.plan == "B (DNS), after A did not hold"
    assert [one for one in outcome.warnings if one.startswith("no resolver answers, so it could not be verified")]


def test_the_changes_are_in_the_json_with_what_the_api_said_of_them(world: World) -> None:
    world.faults(down(ROUTE))
    rows = world.act().document()["changes"]
    assert [(row["step"], row["is_confirmed"]) for row in rows] == [
        (f"route {HOST}/*", False),
        (f"record {HOST}", True),
    ]
    assert json.dumps(rows)


def test_reads_that_fail_leave_plan_b_its_tries(world: World) -> None:
    world.faults(READS, down(ROUTE), down(RECORD, times=2))
    outcome = world.act(force=DOWN)
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS), after A did not hold")
    assert called(outcome, "change the records") == 3


def test_an_api_that_answers_nothing_is_asked_for_plan_b_more_than_once(world: World) -> None:
    world.faults({"kind": "reset"})
    outcome = world.act(force=DOWN)
    assert outcome.result is Result.UNVERIFIED
    assert (called(outcome, "change the records"), len(outcome.calls)) == (3, 10)
    # Also where the calls are used up, the fault itself is told, and who gave it.
    place = world.api.split("/")[2]
    assert all(f"no connection to {place} (" in fault for fault in outcome.faults)
    assert not [one for one in outcome.faults if ": 10 API calls" in one]


def test_an_api_that_is_not_there_is_named(world: World) -> None:
    operation = world.operation(ids=replace(world.ids, api="http://localhost:9/client/v4"))
    found, _, _ = operation.prepare()
    (refusal,) = found.refusals
    assert "read the routes: no connection to localhost:9 (ConnectError)" in str(refusal)


@pytest.mark.usefixtures("patient")
def test_while_it_verifies_it_says_what_it_waits_for_and_how_long(world: World) -> None:
    world.faults(unseen(ROUTE), unseen(RECORD))
    said = list[str]()
    operation: Operation = world.operation(total_seconds=6.0, say=said.append)
    operation.view.say_seconds = 0.4
    operation.execute()
    lines = [line for line in said if line.startswith(f"waiting until vercel answers for {HOST} (")]
    assert len(lines) > 5
    assert "200 from worker" in lines[0]
    seconds = [int(line.rpartition("; at most ")[2].removesuffix(" s more")) for line in lines]
    assert max(seconds) <= 6
    assert seconds[0] > seconds[1] or seconds[0] > seconds[2]


def test_the_timeline_is_in_the_order_in_which_steps_began(world: World) -> None:
    """What is sent once more lies within the step that verifies."""
    world.faults(unseen(ROUTE))
    operation = world.operation()
    outcome = operation.execute()
    moments = [step["at_seconds"] for step in outcome.document()["steps"]]
    assert moments == sorted(moments) != [step.at_seconds for step in outcome.steps]
    rows = operation.files[1].read_text().partition("## API calls")[0].splitlines()
    seen = [float(row.split("|")[1]) for row in rows if row.startswith("| ") and row[2].isdigit()]
    assert len(seen) == len(moments)
    assert seen == sorted(seen)


def test_a_calls_status_stands_once_in_the_evidence(world: World) -> None:
    world.faults(down(ROUTE))
    operation = world.operation()
    operation.execute()
    text = operation.files[1].read_text()
    assert "| 503 " in text
    assert "503 503" not in text
