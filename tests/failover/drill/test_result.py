"""What a drill counts of its clients' samples, what it needs to pass, and how the last one is found."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from failover.cloudflare.transport import Call
from failover.common.terms import Act, Side, Via
from failover.drill.result import (
    DrillResult,
    Limits,
    Round,
    Sample,
    Switch,
    last_drill,
    last_switch_seconds,
    lines,
    markdown,
    switch_of,
)
from failover.operation.journal import Paths
from failover.operation.outcome import Outcome, Result
from tests.failover.world import HOST, World

W, V = Side.WORKER, Side.VERCEL
LOCAL = Limits(switch_seconds=3.0, unanswered=0)


def seen(**changes: Any) -> Switch:
    return Switch(**{"seconds": 0.5, "wrong": 0, "unanswered": 0, "downtime_seconds": 0.0, "probes": 9, **changes})


def drilled(limits: Limits = LOCAL, result: Result = Result.SWITCHED, calls: int = 5, **changes: Any) -> DrillResult:
    outcome = Outcome(
        operation="0123abcd",
        act=Act.ROLLBACK,
        via=Via.ROUTE,
        stack="local",
        hosts=[HOST],
        who="eve",
        started_at=datetime.now(UTC),
        budget_seconds=300.0,
        result=result,
        calls=[Call(name="x", request="GET /", attempt=1, status=200, seconds=0.1)] * calls,
    )
    rounds = [
        Round(act=act, outcome=outcome, seen=seen(**changes) if act is Act.ROLLBACK else seen(), began=0.0)
        for act in Act
    ]
    return DrillResult(
        id="0" * 8, stack="local", via=Via.ROUTE, started_at=datetime.now(UTC), limits=limits, count=1, rounds=rounds
    )


def test_a_drill_within_its_limits_passes() -> None:
    assert (drilled().missed, drilled().is_passed) == ([], True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": 3.1}, "a switch took 3.1 s until every client saw it, over 3 s"),
        ({"seconds": None}, "a switch was not seen by every client"),
        ({"wrong": 1}, "1 wrong answers, over 0"),
        ({"unanswered": 1}, "1 probes without an answer, over 0"),
        ({"downtime_seconds": 1.0}, "a client went 1.0 s without an answer, not under 1 s"),
        ({"calls": 11}, "11 API calls for a switch, over 10"),
        ({"result": Result.UNVERIFIED}, "rollback 0123abcd: unverified"),
    ],
)
def test_a_limit_that_is_not_kept_is_named_everywhere(changes: dict[str, Any], message: str) -> None:
    found = drilled(**changes)
    assert (found.is_passed, found.missed[0]) == (False, message)
    assert message in found.document()["missed"]
    assert f"missed: {message}" in lines(found)
    assert f"* missed: {message}" in markdown(found)


def test_the_limits_are_in_the_output() -> None:
    found = drilled()
    assert found.document()["limits"] == {
        "switch_seconds": 3.0, "unanswered": 0, "wrong": 0, "downtime_seconds": 1.0, "calls": 10
    }  # fmt: skip
    text = "\n".join(lines(found))
    assert "switch seen by every client after at most 0.5 s (limit 3 s)" in text
    assert "0 without an answer (limit 0), longest downtime of a client 0.0 s (limit: under 1 s)" in text


def test_limits_are_the_promised_ones_locally_and_the_budget_elsewhere(worlds: Callable[..., World]) -> None:
    ids = worlds(hosts={HOST: "worker", "docs.example.test": "pages"}).ids
    worker = ids.chosen([HOST])
    cloud = dataclasses.replace(worker, api="https://api.cloudflare.com/client/v4")
    assert Limits.of(worker, Via.ROUTE, 300.0) == LOCAL
    assert Limits.of(worker, Via.DNS, 300.0).switch_seconds == 10.0
    assert Limits.of(ids, Via.ROUTE, 300.0).switch_seconds == 10.0
    assert Limits.of(cloud, Via.ROUTE, 250.0) == Limits(switch_seconds=250.0, unanswered=None)
    many = drilled(Limits(switch_seconds=250.0, unanswered=None), unanswered=9, seconds=249.0)
    assert many.is_passed
    assert not drilled(Limits(switch_seconds=250.0, unanswered=None), seconds=251.0).is_passed


def test_a_later_drill_by_dns_or_of_another_stack_hides_no_drill_by_route(tmp_path: Path) -> None:
    place = Paths.of(tmp_path / "ids.json", stack="prod")
    place.evidence.mkdir()
    for name, stack, via, seconds in (
        # As earlier versions named it, before the stack was in the name.
        ("20261101-120000Z", "prod", "route", 0.4),
        ("prod-20261102-120000Z", "prod", "dns", 9.0),
        ("dev-20261103-120000Z", "dev", "route", 0.1),
    ):
        evidence = {"started_at": name, "stack": stack, "via": via, "slowest_switch_seconds": seconds}
        (place.evidence / f"failover-drill-{name}.json").write_text(json.dumps(evidence))
    assert last_switch_seconds(place) == 0.4
    assert (last_drill(place) or {})["via"] == "dns"
    assert last_drill(Paths.of(tmp_path / "ids.json", stack="third")) is None


def row(*sides: Side | str | None) -> list[Sample]:
    """One sample each tenth of a second; `wrong` is an answer of neither side."""
    return [
        Sample(at / 10, at / 10 + 0.05, None if side == "wrong" else side, side == "wrong")  # type: ignore[arg-type]
        for at, side in enumerate(sides)
    ]


def test_a_switch_is_over_when_the_last_client_is_over() -> None:
    seen = switch_of([row(W, V, V, V), row(W, W, V, V)], 0.0, 1.0, V)
    assert seen.seconds == 0.25
    assert (seen.wrong, seen.unanswered, seen.downtime_seconds, seen.probes) == (0, 0, 0.0, 8)


def test_a_switch_that_swings_back_is_not_over() -> None:
    assert switch_of([row(W, V, V, W)], 0.0, 1.0, V).seconds is None
    assert switch_of([row(W, V, W, V)], 0.0, 1.0, V).seconds == pytest.approx(0.35)


def test_wrong_and_missing_answers_are_counted_apart() -> None:
    seen = switch_of([row(W, "wrong", None, V), row(W, V, V, V)], 0.0, 1.0, V)
    assert (seen.wrong, seen.unanswered) == (1, 1)
    assert seen.downtime_seconds == pytest.approx(0.25)


def test_only_what_was_asked_in_between_counts() -> None:
    assert switch_of([row("wrong", W, V, V, "wrong")], 0.1, 0.4, V).wrong == 0


def test_an_answer_that_met_the_next_switch_is_not_held_against_this_one() -> None:
    late = [*row(W, V, V), Sample(0.38, 0.7, W, False)]
    assert switch_of([late], 0.0, 0.5, V).seconds == pytest.approx(0.15)
    assert switch_of([late], 0.0, 1.0, V).seconds is None


def test_a_gap_that_goes_on_after_a_switch_is_one_gap() -> None:
    seen = switch_of([row(V, V, None, None, None, None, W)], 0.0, 0.4, V)
    assert seen.unanswered == 2
    assert seen.downtime_seconds == pytest.approx(0.45)
    assert switch_of([row(V, V, None, V, None)], 0.0, 0.4, V).downtime_seconds == pytest.approx(0.15)
