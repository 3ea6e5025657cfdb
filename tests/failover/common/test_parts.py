"""What can be judged without a network: waiting, the setting, lock comments, what a drill counts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from failover.cloudflare.api import LONGEST_COMMENT, held_lock, lock_comment
from failover.cloudflare.export import STRING, _quoted
from failover.cloudflare.transport import LONGEST_SECONDS, pause, retry_after
from failover.common.ids import Side
from failover.drill import result
from failover.drill.result import Sample, switch_of
from failover.operation.active_setting import Active, changed_text
from failover.operation.journal import Paths
from failover.probe.clients import side_of

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
W, V = Side.WORKER, Side.VERCEL


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Sat, 21 Nov 2026 12:00:09 GMT", 9.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(attempt=st.integers(1, 40), chance=st.floats(0, 1))
def test_a_pause_grows_to_its_limit_and_never_beyond(attempt: int, chance: float) -> None:
    assert 0 < pause(attempt, None, chance) <= LONGEST_SECONDS
    assert 5 <= pause(attempt, 5, chance) <= 5.2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("config:\n  hybrid:failoverActive: worker\n", "config:\n  hybrid:failoverActive: vercel\n"),
        ('config:\n  "hybrid:failoverActive": worker # x\n', 'config:\n  "hybrid:failoverActive": vercel # x\n'),
        ("# a\nconfig:  # b\n  hybrid:x: 1\n", "# a\nconfig:  # b\n  hybrid:failoverActive: vercel\n  hybrid:x: 1\n"),
        (
            "config:\n  # hybrid:failoverActive: worker\n",
            "config:\n  hybrid:failoverActive: vercel\n  # hybrid:failoverActive: worker\n",
        ),
        ("config:\n  hybrid:failoverActive: worker\n  hybrid:failoverActive: worker\n", None),
        ("config: {}\n", None),
        ("", None),
    ],
)
def test_one_line_of_the_settings_is_changed_or_none(before: str, after: str | None) -> None:
    assert changed_text(before, Active.VERCEL) == after


@given(who=st.text(max_size=200), seconds=st.integers(0, 10**9))
def test_a_lock_comment_fits_and_is_read_back(who: str, seconds: int) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    comment = lock_comment("0123abcd", moment, who)
    found = held_lock("1", "name", comment)
    assert len(comment) <= LONGEST_COMMENT
    assert (found.operation, found.at) == ("0123abcd", moment)
    assert found.is_stale(moment + timedelta(seconds=601))
    assert not found.is_stale(moment + timedelta(seconds=599))


@given(comment=st.text(max_size=120))
def test_a_comment_of_somebody_else_is_no_fault(comment: str) -> None:
    assert held_lock("1", "name", comment).name == "name"


@pytest.mark.parametrize(
    ("header", "side"), [("worker", W), ("Vercel", V), ("pages", W), ("", None), ("vercel, worker", None)]
)
def test_a_side_is_named_by_one_word(header: str, side: Side | None) -> None:
    assert side_of({"x-served-by": header}) is side


@example("x" * (STRING - 1) + '"' + "y")
@given(text=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=700))
@settings(deadline=None)
def test_a_text_record_is_cut_into_strings_that_fit(text: str) -> None:
    import dns.rdata

    found = dns.rdata.from_text("IN", "TXT", _quoted(text))
    assert b"".join(found.strings).decode() == text  # type: ignore[attr-defined]
    assert all(len(part) <= STRING for part in found.strings)  # type: ignore[attr-defined]


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
    assert result.last_switch_seconds(place) == 0.4
    assert (result.last_drill(place) or {})["via"] == "dns"
    assert result.last_drill(Paths.of(tmp_path / "ids.json", stack="third")) is None


def test_an_answer_that_met_the_next_switch_is_not_held_against_this_one() -> None:
    late = [*row(W, V, V), Sample(0.38, 0.7, W, False)]
    assert switch_of([late], 0.0, 0.5, V).seconds == pytest.approx(0.15)
    assert switch_of([late], 0.0, 1.0, V).seconds is None


def test_a_gap_that_goes_on_after_a_switch_is_one_gap() -> None:
    seen = switch_of([row(V, V, None, None, None, None, W)], 0.0, 0.4, V)
    assert seen.unanswered == 2
    assert seen.downtime_seconds == pytest.approx(0.45)
    assert switch_of([row(V, V, None, V, None)], 0.0, 0.4, V).downtime_seconds == pytest.approx(0.15)
