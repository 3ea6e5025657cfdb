"""What an operation did, as data: what the evidence, the terminal and a drill read."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from failover.cloudflare.transport import Call
from failover.common.active_setting import Setting
from failover.common.clock import stamp
from failover.operation.changes import Act, Via


class Result(StrEnum):
    """How it ended."""

    SWITCHED = "switched"
    """Verified from outside."""
    ALREADY = "already"
    """There was nothing to change, and clients see the wanted side."""
    BACKED_OUT = "backed out"
    """A restore that did not hold; the stand-by answers again."""
    UNVERIFIED = "unverified"
    """Changed as far as the API allowed; not every host was seen on the wanted side in time."""

    @property
    def is_done(self) -> bool:
        return self in (Result.SWITCHED, Result.ALREADY)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step, in seconds since the operation began."""

    name: str
    at_seconds: float
    seconds: float
    detail: str = ""
    fault: str | None = None


@dataclass(kw_only=True)
class Outcome:
    operation: str
    act: Act
    via: Via
    """As asked for."""
    stack: str
    hosts: list[str]
    who: str
    started_at: datetime
    budget_seconds: float
    result: Result = Result.UNVERIFIED
    plan: str = ""
    """Which plan the API has confirmed, or `restore`; empty where it has confirmed none."""
    seconds: float = 0.0
    switched_after_seconds: float | None = None
    """From the operation's start until the side held for every host."""
    steps: list[Step] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    """What was sent to the API, in this order, and whether it has confirmed it."""
    calls: list[Call] = field(default_factory=list)
    sightings: list[str] = field(default_factory=list)
    dissent: list[str] = field(default_factory=list)
    """Resolvers that said something else than most, or nothing."""
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    overridden: list[str] = field(default_factory=list)
    """Refusals that --force put aside."""
    force: str | None = None
    """The reason given with --force."""
    continues: str | None = None
    """The operation that was cut short and that this one has finished or backed out."""
    clock_skew_seconds: float | None = None
    setting: Setting | None = None

    @property
    def in_order(self) -> list[Step]:
        """By when they began: a step is noted when it ends, and one may lie within another."""
        return sorted(self.steps, key=lambda step: step.at_seconds)

    def document(self) -> dict[str, Any]:
        """For JSON; no secret is in it."""
        rest = {
            key: value
            for key, value in self.__dict__.items()
            if key not in ("started_at", "steps", "calls", "setting", "act", "via", "result")
        }
        return {
            **rest,
            "act": str(self.act),
            "via": str(self.via),
            "result": str(self.result),
            "started_at": stamp(self.started_at),
            "steps": [step.__dict__ for step in self.in_order],
            "calls": [call.document() for call in self.calls],
            "setting": str(self.setting) if self.setting else None,
        }
