"""What a drill counts of its clients' samples."""

import pytest

from failover.common.terms import Side
from failover.drill.result import Sample, switch_of

W, V = Side.WORKER, Side.VERCEL


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
