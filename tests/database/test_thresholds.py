"""The one table of limits."""

import pytest

from database.thresholds import THRESHOLDS, Level, Threshold


@pytest.mark.parametrize(
    ("value", "level"),
    [(0, "ok"), (74.9, "ok"), (75, "warning"), (89.9, "warning"), (90, "critical"), (100, "critical")],
)
def test_a_value_that_reaches_a_limit_has_its_level(value: float, level: str) -> None:
    assert THRESHOLDS["disk"].level(value) == level


@pytest.mark.parametrize(
    ("days", "level"), [(400, "ok"), (30, "warning"), (7.1, "warning"), (7, "critical"), (-1, "critical")]
)
def test_a_floor_is_reached_from_above(days: float, level: str) -> None:
    assert THRESHOLDS["certificate"].level(days) == level


def test_a_limit_that_is_none_is_never_reached() -> None:
    assert Threshold(unit="%", warning=None, critical=None).level(1e9) is Level.OK


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_limit_has_a_unit_and_warns_before_it_is_critical(name: str) -> None:
    limit = THRESHOLDS[name]
    assert limit.unit
    if limit.warning is not None and limit.critical is not None:
        assert (limit.warning > limit.critical) == limit.is_floor
