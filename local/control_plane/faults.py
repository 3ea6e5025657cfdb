"""Faults that are put in on purpose, through `/_faults`.

PUT /_faults takes a list of faults, which replaces the earlier one; GET gives it, with how often each will
still come; DELETE ends them all. They end with the process, too; what they have withheld by then stays withheld.
"""

import re
from enum import StrEnum
from threading import Lock
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from local.control_plane.calls import Call


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Answered with `status`, and `retry_after` where one is given."""
    TIMEOUT = "timeout"
    """No answer for `seconds` (60), then the connection is closed."""
    RESET = "reset"
    """The connection is reset in place of an answer."""
    INVISIBLE = "invisible"
    """Accepted, but at the edge and in DNS only after `seconds`; without them, never."""
    PARTIAL_BATCH = "partial_batch"
    """Only the first of several changes is seen at the edge and in DNS; the rest after `seconds`, or never."""
    SLOW = "slow"
    """Answered after `seconds` (1)."""
    CLOCK_SKEW = "clock_skew"
    """The answer's Date is off by `seconds` (3600)."""


class Match(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str | None = None
    path: str = ""
    """Regular expression, found anywhere in the path below /client/v4."""

    @field_validator("path")
    @classmethod
    def _is_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value

    def fits(self, call: Call) -> bool:
        return self.method in (None, call.method) and re.search(self.path, call.path) is not None


class Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    match: Match = Match()
    kind: FaultKind
    status: int = Field(default=503, ge=400, le=599)
    retry_after: int | None = Field(default=None, ge=0)
    """Seconds, in the header Retry-After."""
    seconds: float | None = None
    times: int | None = Field(default=None, ge=1)
    """How often; without it, until it is taken away."""
    applied: bool = False
    """Whether the change is made all the same, with `status`, `timeout` and `reset`."""


ENDS = {FaultKind.STATUS, FaultKind.TIMEOUT, FaultKind.RESET}
HIDES = {FaultKind.INVISIBLE, FaultKind.PARTIAL_BATCH}
_LIST = TypeAdapter(list[Fault])


class Faults:
    """The faults in place; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: list[Fault] = []

    def put(self, document: Any) -> None:
        """Raises pydantic's ValidationError."""
        found = _LIST.validate_python(document, strict=False)
        with self._lock:
            self._left = found

    def shown(self) -> Any:
        with self._lock:
            return _LIST.dump_python(self._left, mode="json")

    def take(self, call: Call) -> dict[FaultKind, Fault]:
        """The first of each kind that this call meets; of those that end it, only the first of all."""
        met: dict[FaultKind, Fault] = {}
        with self._lock:
            for fault in list(self._left):
                is_for_it = fault.match.fits(call) and fault.kind not in met
                is_second_end = fault.kind in ENDS and ENDS & met.keys()
                if not is_for_it or is_second_end or (fault.kind in HIDES and call.method == "GET"):
                    continue
                met[fault.kind] = fault
                self._count(fault)
        return met

    def _count(self, fault: Fault) -> None:
        if fault.times is None:
            return
        index = next(index for index, other in enumerate(self._left) if other is fault)
        rest = [fault.model_copy(update={"times": fault.times - 1})] if fault.times > 1 else []
        self._left[index : index + 1] = rest
