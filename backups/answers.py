"""What the engine answers (host/recovery/), as data: durations in seconds, sizes in bytes, moments aware of their zone.

A field that is not named here is dropped, so nothing else reaches an evidence file.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from backups.moments import Moment


class Answer(BaseModel):
    """Base of all; what the engine says beyond it is of no interest."""


class Source(Answer):
    repository: Literal["primary", "copy"] = "primary"
    as_of: Moment | None = None
    """The repository as it was then, from the versions of its objects."""


class Target(Answer):
    kind: Literal["latest", "time", "lsn", "xid", "name"]
    value: str | None = None
    is_exclusive: bool = False
    """Stop before the target, not after it."""
    timeline: int | None = None
    set: str | None = None
    """Label of the backup to start from."""


class Backup(Answer):
    label: str
    kind: Literal["full", "diff", "incr"]
    prior: str | None = None
    started_at: Moment
    stopped_at: Moment
    seconds: float
    database_bytes: int
    repository_bytes: int
    """Its own share of the repository."""
    delta_bytes: int
    lsn_start: str
    lsn_stop: str
    wal_start: str
    wal_stop: str
    timeline: int
    error: bool | None = None
    next_xid: int | None = None
    manifest_key: str


class Archive(Answer):
    """Write-ahead log of one timeline."""

    first: str
    last: str
    last_at: Moment | None = None
    timeline: int
    gaps: list[tuple[str, str]] = Field(default_factory=list)
    """First and last file of each run that is missing."""


class Window(Answer):
    since: Moment = Field(alias="from")
    until: Moment
    """For sure; it moves on by itself where is_live."""
    is_live: bool


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
    running: str | None = None
    """What restores or drills there now, in words."""
    leftovers: list[str] = Field(default_factory=list)
    """Of killed commands; the next command that acts removes them."""
    restored: list[Cluster] = Field(default_factory=list)


class Wal(Answer):
    """What a restore takes of the log; no names where it takes none."""

    first: str | None = None
    last: str | None = None
    files: int
    bytes: int


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
    note: str | None = None
    """What the choice of the backup could not know."""
    stops: list[str] = Field(default_factory=list)
    loses: str | None = None
    keeps: str | None = None
    needs_replace: bool = False
    faults: list[str] = Field(default_factory=list)
    """Why it can't be done; empty: it may be."""


class Recovered(Answer):
    last_commit_at: Moment | None = None
    lsn: str | None = None
    timeline: int | None = None


class Restored(Answer):
    """Of act=restore, and of act=stage, which names what it has laid ready."""

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


class Verified(Answer):
    is_sound: bool
    seconds: float
    backups: int
    wal_files: int
    damaged: list[Damage] = Field(default_factory=list)


class Swapped(Answer):
    kept: str


class Discarded(Answer):
    freed_bytes: int


class Markers(Answer):
    expected: int
    found: int
    missing: list[Moment] = Field(default_factory=list)
    unexpected: list[Moment] = Field(default_factory=list)


class Check(Answer):
    name: str
    is_passed: bool
    detail: str


class Restore(Answer):
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
    restores: list[Restore]
    """As far as it came."""
    recovery_point_seconds: float | None = None
    recovery_time_seconds: float | None = None
    is_passed: bool
    faults: list[str] = Field(default_factory=list)


def document(answer: Answer) -> dict[str, Any]:
    """As JSON for others, in the engine's own words."""
    found: dict[str, Any] = answer.model_dump(mode="json", by_alias=True)
    return found
