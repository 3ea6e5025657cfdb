"""Time that no wrong clock can spoil: budgets count monotonic seconds, the API's Date header tells the hour."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

TOTAL_SECONDS = 300.0
# A deadline that never comes.
NEVER = float("inf")
# The preflight's: the API, the sides and the lock. What does not answer in this time is not there.
PREFLIGHT_SHARE = 0.1
PREFLIGHT_LEAST_SECONDS = 10.0
# Plan A's, the preflight included. Routes are edge configuration and take seconds where they are taken up at all; each
# further second is taken from plan B, whose clients may hold the old address for another 300 s.
PLAN_A_SHARE = 0.3
# The Date header has whole seconds, and an answer takes a while.
SKEW_LIMIT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Shares of the time that an operation has."""

    total_seconds: float = TOTAL_SECONDS
    started: float = field(default_factory=time.monotonic)

    @property
    def preflight_until(self) -> float:
        """A share of the budget; where that is short, still long enough for a busy machine."""
        share = max(self.total_seconds * PREFLIGHT_SHARE, min(PREFLIGHT_LEAST_SECONDS, self.total_seconds / 3))
        return self.started + share

    @property
    def plan_a_until(self) -> float:
        return self.started + self.total_seconds * PLAN_A_SHARE

    @property
    def until(self) -> float:
        return self.started + self.total_seconds

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started


def left(deadline: float) -> float:
    """Seconds until a monotonic deadline; never negative."""
    return max(0.0, deadline - time.monotonic())


@dataclass
class ApiClock:
    """The hour by the API's clock, because this machine's may be wrong, and two operators' may differ."""

    skew_seconds: float | None = None
    """This machine's clock minus the API's; None until the API has answered."""
    _latest: datetime = field(default=datetime.min.replace(tzinfo=UTC), repr=False)

    def learn(self, date: datetime) -> None:
        """The header's second has begun some time ago: of all answers the one that says the latest hour is closest."""
        seconds = (datetime.now(UTC) - date).total_seconds()
        if self.skew_seconds is None and abs(seconds) > SKEW_LIMIT_SECONDS:
            # What it has said by a wrong clock binds it to nothing.
            self._latest = datetime.min.replace(tzinfo=UTC)
        self.skew_seconds = seconds if self.skew_seconds is None else min(self.skew_seconds, seconds)

    def now(self) -> datetime:
        """Never earlier than before, once the API has answered: the journal's and the evidence's times are in order."""
        self._latest = max(self._latest, datetime.now(UTC) - timedelta(seconds=self.skew_seconds or 0.0))
        return self._latest

    def warning(self) -> str | None:
        if self.skew_seconds is None or abs(self.skew_seconds) <= SKEW_LIMIT_SECONDS:
            return None
        side = "ahead of" if self.skew_seconds > 0 else "behind"
        return (
            f"this machine's clock is {abs(self.skew_seconds):.0f} s {side} the API's: "
            "times in the evidence are the API's, seconds are not affected"
        )


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
