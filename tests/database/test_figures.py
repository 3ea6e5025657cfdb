"""Moments and figures as people read them."""

from datetime import UTC, datetime

import pytest

from database.figures import counted, duration, exact, size


@pytest.mark.parametrize(
    ("microsecond", "spoken"), [(0, "12:00:00 UTC"), (500_000, "12:00:00.5 UTC"), (5, "12:00:00.000005 UTC")]
)
def test_an_exact_moment_says_what_fraction_there_is(microsecond: int, spoken: str) -> None:
    assert exact(datetime(2026, 11, 21, 12, 0, 0, microsecond, tzinfo=UTC)) == f"2026-11-21 {spoken}"


@pytest.mark.parametrize(
    ("count", "spoken"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 kB"),
        (1024**2 - 1, "1.0 MB"),
        (39 * 1024**2, "39 MB"),
        (5 * 1024**5, "5120 TB"),
    ],
)
def test_sizes(count: int, spoken: str) -> None:
    assert size(count) == spoken


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (60, "1 min"),
        (90.4, "1 min 30 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, spoken: str) -> None:
    assert duration(seconds) == spoken


def test_one_thing_has_no_s() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
