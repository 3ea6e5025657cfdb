"""The hour by the API's clock: whole seconds are all that it says, and times must stay in order."""

from datetime import UTC, datetime, timedelta

import pytest

from failover.common import clock
from failover.common.clock import ApiClock

BEGAN = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


class Machine(datetime):
    """This machine's clock: so many seconds after the beginning."""

    seconds = 0.0

    @classmethod
    def now(cls, _: object = None) -> datetime:  # type: ignore[override]
        return BEGAN + timedelta(seconds=cls.seconds)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    monkeypatch.setattr(clock, "datetime", Machine)
    monkeypatch.setattr(Machine, "seconds", 0.0)
    return Machine


@pytest.mark.parametrize("ahead", [0.0, 3.0, 7200.0, -7200.0])
def test_times_do_not_run_backwards_whenever_the_api_answers(machine: type[Machine], ahead: float) -> None:
    found, seen = ApiClock(), list[datetime]()
    for tenths in range(60):
        machine.seconds = tenths / 10 + 0.016
        truth = machine.now() - timedelta(seconds=ahead)
        found.learn(truth.replace(microsecond=0))
        seen.append(found.now())
        # The first answer is less than a second old, and better ones follow.
        assert abs(seen[-1] - truth) <= timedelta(seconds=1)
    assert seen == sorted(seen)
    assert abs(seen[-1] - truth) < timedelta(seconds=0.1)


def test_a_first_answer_of_about_the_same_hour_does_not_set_it_back(machine: type[Machine]) -> None:
    found = ApiClock()
    machine.seconds = 0.9
    before = found.now()
    found.learn(BEGAN)
    assert found.now() >= before


def test_a_wrong_hour_that_was_said_before_the_first_answer_binds_nobody(machine: type[Machine]) -> None:
    found = ApiClock()
    machine.seconds = 7200.0
    assert found.now() == BEGAN + timedelta(hours=2)
    found.learn(BEGAN)
    assert found.now() == BEGAN
