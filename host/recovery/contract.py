"""What the engine is asked and what it answers, as JSON: one set of classes for the host and for whoever asks.

Durations are in seconds, sizes in bytes, moments in UTC with microseconds. An answer is read leniently, since a host
may run an older or a newer engine: a field that is not named here is dropped, and one that came later has a default.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from host.recovery.errors import RecoveryError
from host.specification.model import BACKUP_LABEL, Line, matching

MAIN = "main"
"""The cluster that serves."""
SWAP_NOTE = "hybrid-swap"
"""File in a staged cluster that changes places with main: the name that it has meanwhile."""
LSN = "[0-9A-F]{1,8}/[0-9A-F]{1,8}"
CLUSTER = "[a-z][a-z0-9_-]{0,40}"
FOLDER = rf"{CLUSTER}(\.[a-z0-9-]{{1,40}})?"
NAME_BYTES = 63
"""Longest name of a restore point (PostgreSQL, MAXFNAMELEN)."""
# PostgreSQL's first ordinary transaction; the counter has 64 bits.
FIRST_XID, LAST_XID = 3, 2**64 - 1
LAST_TIMELINE = 2**32 - 1
TIME = "a time such as 2026-11-21T09:30:00Z, with its zone"
ClusterName = Annotated[str, matching(CLUSTER, "is not a name: lower case letters, digits, _ and -")]
FolderName = Annotated[str, matching(FOLDER, "is not a name such as main.before-20261121-093000")]
Label = Annotated[str, matching(BACKUP_LABEL, "is not a backup's label such as 20261121-093000F")]


def written(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and Z."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def is_label(text: str) -> bool:
    return re.fullmatch(BACKUP_LABEL, text) is not None


def is_lsn(text: str) -> bool:
    return re.fullmatch(LSN, text) is not None


def is_xid(text: str) -> bool:
    return re.fullmatch("[0-9]{1,20}", text) is not None and FIRST_XID <= int(text) <= LAST_XID


def is_cluster(text: str) -> bool:
    """Whether a restored cluster may have this name."""
    return re.fullmatch(CLUSTER, text) is not None


def is_folder(text: str) -> bool:
    """Whether a cluster that was kept or staged may have this name."""
    return re.fullmatch(FOLDER, text) is not None


def is_restore_point(text: str) -> bool:
    return text.isprintable() and 1 <= len(text.encode()) <= NAME_BYTES


def _moment(value: object) -> object:
    if not isinstance(value, str | datetime):
        return value
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("form", f"is not {TIME}")


Moment = Annotated[
    datetime, BeforeValidator(_moment), PlainSerializer(written, return_type=str, when_used="json-unless-none")
]


class Message(BaseModel):
    """Base of all. Fields may be given by name; in JSON they have their aliases."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True, hide_input_in_errors=True)


class Source(Message):
    """Which repository is read."""

    repository: Literal["primary", "copy"] = "primary"
    as_of: Moment | None = None
    """The repository as it was then, from the versions of its objects."""


class Target(Message):
    kind: Literal["latest", "time", "lsn", "xid", "name"]
    value: Line | None = None
    is_exclusive: bool = False
    """Stop before the transaction that is named, not after it."""
    timeline: int | None = Field(default=None, ge=1, le=LAST_TIMELINE)
    label: Label | None = Field(default=None, alias="set")
    """Label of the backup to start from."""

    @model_validator(mode="after")
    def _fits(self) -> "Target":
        fault = self._fault()
        if fault:
            raise PydanticCustomError("form", fault)
        return self

    def _fault(self) -> str | None:
        value = self.value
        if self.kind == "latest":
            is_bare = value is None and not self.is_exclusive
            return None if is_bare else "latest has no value and is never exclusive"
        if value is None:
            return f"{self.kind} needs a value"
        if self.kind == "name" and self.is_exclusive:
            return "a name is a point of its own: is_exclusive goes with time, lsn and xid"
        if self.kind == "lsn" and not is_lsn(value):
            return "is not an LSN such as 0/5000060"
        if self.kind == "xid" and not is_xid(value):
            return f"is not a transaction number: {FIRST_XID} or more, as pg_current_xact_id() gives it"
        if self.kind == "name" and not is_restore_point(value):
            return f"is not a name of a restore point: at most {NAME_BYTES} bytes"
        if self.kind == "time":
            _moment(value)
        return None

    @property
    def time(self) -> datetime:
        """The value of a target of kind time."""
        return datetime.fromisoformat(self.value or "").astimezone(UTC)


class ListRequest(Message):
    act: Literal["list"] = "list"
    source: Source = Source()


class BackupRequest(Message):
    act: Literal["backup"] = "backup"
    kind: Literal["full", "diff", "incr"] | None = None


class VerifyRequest(Message):
    act: Literal["verify"] = "verify"
    source: Source = Source()


class RestoreRequest(Message):
    """A plan, a restore, or a stage: a cluster that is laid ready to take the place of main."""

    act: Literal["plan", "restore", "stage"]
    target: Target
    source: Source = Source()
    into: ClusterName
    replace: ClusterName | None = None
    """The name of `into` again where that may be overwritten."""
    # Left out where there is none: engines that do not know it refuse it.
    accepted_loss: int | None = Field(default=None, ge=1, exclude_if=lambda bytes: bytes is None)
    """Bytes of main's log that may be lost, where `latest` can't bring them back."""


class SwapRequest(Message):
    act: Literal["swap"] = "swap"
    staged: FolderName


class UnswapRequest(Message):
    act: Literal["unswap"] = "unswap"
    kept: FolderName


class DiscardRequest(Message):
    act: Literal["discard"] = "discard"
    name: FolderName


class OpenRequest(Message):
    """Starts a kept cluster beside main, to be read, or a restored one that has ended."""

    act: Literal["open"] = "open"
    name: FolderName


class CloseRequest(Message):
    act: Literal["close"] = "close"
    name: FolderName


class PositionRequest(Message):
    """Where main is in its log; one that serves writes a marker first, if it `marks`, and hands it to the archive."""

    act: Literal["position"] = "position"
    # Left out where it is so: engines that do not know it refuse it.
    marks: bool = Field(default=True, exclude_if=bool)
    marker: Moment | None = None
    """A marker of the host that serves, which a standby is to have."""
    followed: int | None = Field(default=None, ge=1, le=LAST_TIMELINE)
    """The timeline on which a standby was seen to follow: noted on the host that serves, which may then stop."""


class DrillRequest(Message):
    act: Literal["drill"] = "drill"
    seed: int | None = None
    # Left out where there is none: engines that do not know it refuse it.
    at: Moment | None = Field(default=None, exclude_if=lambda at: at is None)
    """The point that is restored; drawn without it."""


Request = (
    ListRequest
    | BackupRequest
    | VerifyRequest
    | RestoreRequest
    | SwapRequest
    | UnswapRequest
    | DiscardRequest
    | OpenRequest
    | CloseRequest
    | PositionRequest
    | DrillRequest
)
_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="act")])


def parse(text: str | bytes) -> Request:
    """The request in JSON, read strictly; raises RecoveryError with all its faults."""
    try:
        return _REQUEST.validate_json(text, strict=True, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        raise RecoveryError(*(_fault(found) for found in error.errors(include_url=False))) from None


def _fault(found: Any) -> str:
    # The first step is the act's own name.
    path = ".".join(["request", *(str(step) for step in found["loc"][1:])])
    fault = {"missing": "missing", "extra_forbidden": "unknown"}.get(found["type"], found["msg"])
    return f"{path}: {fault[0].lower()}{fault[1:]}"


class Answer(Message):
    """Base of what comes back."""


class Backup(Answer):
    label: str
    kind: Literal["full", "diff", "incr"]
    prior: str | None = None
    started_at: Moment
    stopped_at: Moment
    seconds: float
    database_bytes: int
    repository_bytes: int
    """Its own share of the repository, without what it refers to."""
    delta_bytes: int
    lsn_start: str
    lsn_stop: str
    wal_start: str
    wal_stop: str
    timeline: int
    error: bool | None = None
    next_xid: int | None = None
    """Every transaction from this number on began after the backup."""
    manifest_key: str
    references: tuple[str, ...] = Field(default=(), exclude=True)
    """The backups that it takes files from; for the engine only."""
    damage: str | None = None
    """What a verification found wrong with it, or with a backup that it takes files from."""

    @property
    def is_usable(self) -> bool:
        return not self.error and self.damage is None


class Archive(Answer):
    """Write-ahead log of one timeline."""

    first: str
    last: str
    last_at: Moment | None = None
    timeline: int
    gaps: tuple[tuple[str, str], ...] = ()
    """First and last file of each run that is missing."""


class Window(Answer):
    """A span of moments that can be restored."""

    since: Moment = Field(alias="from")
    """The end of a usable backup."""
    until: Moment
    """The newest commit of it, as far as the log can be read; now, which moves on by itself, where is_live."""
    is_live: bool
    archived_until: Moment | None = None
    """The newest commit of it that the repository has, where the rest is in main's own folder alone."""

    def __str__(self) -> str:
        return f"{written(self.since)} .. {'now' if self.is_live else written(self.until)}"


class Hole(Answer):
    """A span of moments that can't be restored, without its edges."""

    since: Moment = Field(alias="from")
    until: Moment
    cause: str

    def __str__(self) -> str:
        return f"{written(self.since)} .. {written(self.until)}: {self.cause}"


class Cluster(Answer):
    name: str
    bytes: int
    state: Literal["running", "stopped"]
    port: int | None = None
    made_at: Moment
    kind: Literal["restored", "kept"]
    """kept: the data directory that a restore in place left."""


class Listing(Answer):
    stanza: str
    now: Moment
    source: Source
    backups: list[Backup]
    """Oldest first."""
    archive: list[Archive]
    windows: list[Window] = Field(default_factory=list)
    """Oldest first; nothing between them can be restored."""
    holes: list[Hole] = Field(default_factory=list)
    """Oldest first; with the windows they are all the time from the first backup until now."""
    running: str | None = None
    """What restores or drills there now, in words."""
    leftovers: list[str] = Field(default_factory=list)
    """What killed commands left; the next command that acts removes it."""
    displaced: list[str] = Field(default_factory=list)
    """What killed commands had moved away, and did not replace; the next command that acts puts it back."""
    restored: list[Cluster] = Field(default_factory=list)


class Wal(Answer):
    """What a restore takes of the log; no names where it takes none."""

    first: str | None = None
    last: str | None = None
    files: int
    bytes: int


class Loss(Answer):
    """What would not come back of main's log."""

    bytes: int
    seconds: float
    is_bound: bool = False
    """At most so much; how much is not known."""


class Plan(Answer):
    target: Target
    source: Source
    into: str
    backup: Backup | None = None
    chain: list[str] = Field(default_factory=list)
    wal: Wal | None = None
    data_bytes: int = 0
    download_bytes: int = 0
    free_bytes: int = 0
    needed_bytes: int = 0
    estimated_seconds: float | None = None
    estimate_from: str = ""
    timeline: int | None = None
    """The one that is followed: that which served last, unless the target names another."""
    note: str | None = None
    """What the choice of the backup could not know, and what is archived on other timelines."""
    stops: list[str] = Field(default_factory=list)
    loses: str | None = None
    loss: Loss | None = None
    """Of `latest`, which loses nothing else."""
    keeps: str | None = None
    needs_replace: bool = False
    faults: list[str] = Field(default_factory=list)
    """Why it can't be done; empty: it may be."""


class Recovered(Answer):
    last_commit_at: Moment | None = None
    lsn: str | None = None
    timeline: int | None = None


class Restored(Answer):
    """Answer to act=restore, and to act=stage, which names what it has staged."""

    plan: Plan
    cluster: Cluster | None = None
    staged: str | None = None
    recovered: Recovered | None = None
    seconds: dict[str, float] = Field(default_factory=dict)


class Taken(Answer):
    backup: Backup


class Damage(Answer):
    file: str
    fault: str
    is_unread: bool = Field(default=False, exclude=True)
    """The file could not be read, and may be sound; for the engine only."""


class Verified(Answer):
    is_sound: bool
    """False with a damaged file or a gap in the log."""
    seconds: float
    backups: int
    wal_files: int
    damaged: list[Damage] = Field(default_factory=list)


class Swapped(Answer):
    kept: str
    """Where the data directory is now that served before."""


class Opened(Answer):
    """Answer to act=open and act=close."""

    cluster: Cluster


class Discarded(Answer):
    freed_bytes: int


class Position(Answer):
    is_standby: bool
    lsn: int
    """Written, or replayed, up to this byte."""
    timeline: int | None = None
    """The one that is written."""
    marker: Moment | None = None
    """Written just now."""
    has_marker: bool = False
    """Whether a standby has the marker that was asked for."""


class Markers(Answer):
    """The markers of a copy against those of the server that it was taken from."""

    expected: int
    found: int
    missing: list[Moment] = Field(default_factory=list)
    unexpected: list[Moment] = Field(default_factory=list)

    @property
    def is_passed(self) -> bool:
        """Whether all expected ones were found and no others; not passed where none was expected."""
        return self.expected > 0 and not self.missing and not self.unexpected


class Check(Answer):
    name: str
    is_passed: bool
    detail: str


class DrillRestore(Answer):
    """One restore of a drill."""

    kind: Literal["latest", "point"]
    target: Moment | None = None
    backup: str
    seconds: dict[str, float] = Field(default_factory=dict)
    """Empty where it did not come to an end."""
    data_bytes: int
    last_commit_at: Moment | None = None
    markers: Markers | None = None
    recovery_point_seconds: float | None = None
    checks: list[Check]


class Targets(Answer):
    recovery_point_seconds: float
    recovery_time_seconds: float


class Evidence(Answer):
    """What a drill found out."""

    format: Literal[1]
    stack: str = ""
    host: str
    started_at: Moment
    seconds: float
    seed: int
    versions: dict[str, str]
    targets: Targets
    windows: list[Window] = Field(default_factory=list)
    restores: list[DrillRestore]
    """Restores as far as the drill came."""
    recovery_point_seconds: float | None = None
    recovery_time_seconds: float | None = None
    is_passed: bool
    faults: list[str] = Field(default_factory=list)


def sent(answer: Answer) -> dict[str, Any]:
    """An answer as the engine gives it: of several fields of which an act has one, the others are left out."""
    return answer.model_dump(mode="json", by_alias=True, exclude_unset=True)


def document(message: Message) -> dict[str, Any]:
    """JSON data with every field: a request as it is sent, and an answer as operators and files get it."""
    return message.model_dump(mode="json", by_alias=True)
