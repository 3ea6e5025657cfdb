"""What is asked of the engine, from the words of a command line."""

import re
from datetime import UTC, datetime
from typing import Any

from backups.answers import Source, Target, document
from backups.errors import BackupError
from backups.moments import exact, wire

LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")
CLUSTER = re.compile(r"[a-z][a-z0-9_-]{0,40}")
FOLDER = re.compile(rf"{CLUSTER.pattern}(?:\.[a-z0-9-]{{1,40}})?")
LABEL = re.compile(r"\d{8}-\d{6}F(?:_\d{8}-\d{6}[DI])?")
LIVE = "main"
"""The cluster that serves."""
NAME_BYTES = 63
# PostgreSQL's first ordinary transaction; the counter has 64 bits.
FIRST_XID, LAST_XID = 3, 2**64 - 1
WAYS = "latest, a time such as '2026-11-21 12:00' or 2026-11-21T12:00:00-05:00, lsn:0/3000028, xid:4711, name:POINT"


def moment(text: str) -> tuple[datetime, bool]:
    """A point in time, and whether a zone was said; without one it is UTC. Raises BackupError."""
    try:
        found = datetime.fromisoformat(text.strip())
        found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BackupError(f"{text!r}: is no time; allowed: such as '2026-11-21 12:00' (UTC) or with a zone") from None
    return (found, True) if found.tzinfo else (found.replace(tzinfo=UTC), False)


def spoken_moment(text: str) -> str | None:
    """What has to be said aloud about a time; None for what is unambiguous, or no time at all."""
    try:
        found, has_zone = moment(text)
    except BackupError:
        return None
    return None if has_zone else f"no zone in {text.strip()!r}: taken as UTC, {exact(found)}"


def target(text: str, *, is_exclusive: bool = False, timeline: int | None = None, label: str | None = None) -> Target:
    """Raises BackupError for words that name no target."""
    kind, value = _kind(text)
    if is_exclusive and kind in ("latest", "name"):
        raise BackupError(f"--exclusive: {kind} has no before and after; allowed with a time, lsn or xid")
    if label is not None and not LABEL.fullmatch(label):
        raise BackupError(f"--set: {label!r} is no label of a backup; `./hybrid backup list` shows them")
    return Target.model_validate(
        {"kind": kind, "value": value, "is_exclusive": is_exclusive, "timeline": timeline, "set": label}
    )


def _kind(text: str) -> tuple[str, str | None]:
    word, colon, value = text.strip().partition(":")
    if text.strip() == "latest":
        return "latest", None
    if (colon and word == "lsn") or LSN.fullmatch(text.strip()):
        return "lsn", _lsn(value if colon else text.strip())
    if colon and word == "xid":
        return "xid", _xid(value)
    if colon and word == "name":
        return "name", _name(value)
    try:
        found, _ = moment(text)
    except BackupError:
        raise BackupError(f"{text!r}: is no target; allowed: {WAYS}") from None
    return "time", wire(found)


def _lsn(text: str) -> str:
    if not LSN.fullmatch(text):
        raise BackupError(f"lsn:{text}: is no position in the log; allowed: two hexadecimal numbers such as 0/3000028")
    return text.upper()


def _xid(text: str) -> str:
    if not (text.isascii() and text.isdigit() and FIRST_XID <= int(text) <= LAST_XID):
        raise BackupError(f"xid:{text}: is no transaction; allowed: a number from {FIRST_XID} on")
    return str(int(text))


def _name(text: str) -> str:
    if not text or not text.isprintable() or len(text.encode()) > NAME_BYTES:
        raise BackupError(
            f"name:{text}: is no name of a restore point; allowed: up to {NAME_BYTES} bytes, all printable"
        )
    return text


def cluster(text: str) -> str:
    """A name that a restored cluster may have, or the one that serves. Raises BackupError."""
    if not CLUSTER.fullmatch(text):
        raise BackupError(
            f"{text!r}: is no name for a cluster; allowed: {LIVE} (the one that serves), "
            "or up to 41 small letters, digits, dashes and underscores after a letter, such as before-delete"
        )
    return text


def discarded(text: str) -> str:
    """A name of something that may be deleted. Raises BackupError."""
    if text == LIVE:
        raise BackupError(f"{LIVE}: serves and is never discarded; `./hybrid backup list` shows what may be")
    if not FOLDER.fullmatch(text):
        raise BackupError(f"{text!r}: is no name of a cluster; `./hybrid backup list` shows them")
    return text


def source(repository: str, as_of: str | None) -> Source:
    """Raises BackupError."""
    when = wire(moment(as_of)[0]) if as_of else None
    return Source.model_validate({"repository": repository, "as_of": when})


def restoring(act: str, wanted: Target, where: Source, into: str, replace: str | None) -> dict[str, Any]:
    """A plan, a restore or a stage: the three take the same."""
    return {"act": act, "target": document(wanted), "source": document(where), "into": into, "replace": replace}


def drilling(seed: int | None, at: str | None) -> dict[str, Any]:
    """Raises BackupError for what is no time."""
    return {"act": "drill", "seed": seed, **({"at": wire(moment(at)[0])} if at else {})}
