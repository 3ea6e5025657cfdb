"""What the engine is asked to do: read from JSON, with every fault named at once."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from host.recovery.errors import RecoveryError
from host.spec_models import Line, matching

MAIN = "main"
"""The cluster that serves."""
LSN = r"[0-9A-F]{1,8}/[0-9A-F]{1,8}"
LABEL = r"[0-9]{8}-[0-9]{6}F(_[0-9]{8}-[0-9]{6}[DI])?"
TIME = "a time such as 2026-11-21T09:30:00Z, with its zone"
LARGEST = {"xid": 2**64 - 1, "timeline": 2**32 - 1}


def _time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("form", "is no " + TIME) from None
    if found.tzinfo is None:
        raise PydanticCustomError("form", "is no " + TIME)
    return found.astimezone(UTC)


Time = Annotated[datetime, BeforeValidator(_time)]
ClusterName = Annotated[str, matching(r"[a-z][a-z0-9_-]{0,40}", "is no name: lower case letters, digits, _ and -")]
FolderName = Annotated[
    str, matching(r"[a-z][a-z0-9_-]{0,40}(\.[a-z0-9-]{1,40})?", "is no name such as main.before-20261121-093000")
]
Label = Annotated[str, matching(LABEL, "is no backup's label such as 20261121-093000F")]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Source(Part):
    """Which repository is read, and as it was when."""

    repository: Literal["primary", "copy"] = "primary"
    as_of: Time | None = None


class Target(Part):
    kind: Literal["latest", "time", "lsn", "xid", "name"]
    value: Line | None = None
    is_exclusive: bool = False
    """Stop before the transaction that is named, not after it."""
    timeline: int | None = Field(default=None, ge=1, le=LARGEST["timeline"])
    label: Label | None = Field(default=None, alias="set")

    @model_validator(mode="after")
    def _fits(self) -> "Target":
        fault = _target_fault(self)
        if fault:
            raise PydanticCustomError("form", fault)
        return self

    @property
    def time(self) -> datetime:
        """The value of a target of kind time."""
        return datetime.fromisoformat(self.value or "").astimezone(UTC)


class List(Part):
    act: Literal["list"]
    source: Source = Source()


class Backup(Part):
    act: Literal["backup"]
    kind: Literal["full", "diff", "incr"] | None = None


class Verify(Part):
    act: Literal["verify"]
    source: Source = Source()


class Restore(Part):
    act: Literal["plan", "restore", "stage"]
    target: Target
    source: Source = Source()
    into: ClusterName
    replace: ClusterName | None = None


class Swap(Part):
    act: Literal["swap"]
    staged: FolderName


class Unswap(Part):
    act: Literal["unswap"]
    kept: FolderName


class Discard(Part):
    act: Literal["discard"]
    name: FolderName


class Drill(Part):
    act: Literal["drill"]
    seed: int | None = None
    at: Time | None = None
    """The point that is restored; drawn without it."""


Request = List | Backup | Verify | Restore | Swap | Unswap | Discard | Drill
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="act")])


def parse(text: str | bytes) -> Request:
    """The request in JSON; raises RecoveryError with all its faults."""
    try:
        return _REQUEST.validate_json(text)
    except ValidationError as error:
        raise RecoveryError(*(_words(found) for found in error.errors(include_url=False))) from None


def _words(found: Any) -> str:
    # The first step is the act's own name.
    place = ".".join(["request", *(str(step) for step in found["loc"][1:])])
    words = {"missing": "missing", "extra_forbidden": "unknown"}.get(found["type"], found["msg"])
    return f"{place}: {words[0].lower()}{words[1:]}"


def _target_fault(target: Target) -> str | None:
    value = target.value
    if target.kind == "latest":
        if value is not None or target.is_exclusive:
            return "latest has no value and is never exclusive"
        return None
    if value is None:
        return f"{target.kind} needs a value"
    if target.kind == "name" and target.is_exclusive:
        return "a name is a point of its own: is_exclusive goes with time, lsn and xid"
    if target.kind == "lsn" and not re.fullmatch(LSN, value):
        return "is no LSN such as 0/5000060"
    if target.kind == "xid" and not (re.fullmatch("[0-9]{1,20}", value) and 3 <= int(value) <= LARGEST["xid"]):
        return "is no transaction number: 3 or more, as pg_current_xact_id() gives it"
    if target.kind == "name" and not 1 <= len(value.encode()) <= 63:
        return "is no name of a restore point: at most 63 bytes"
    if target.kind == "time":
        _time(value)
    return None
