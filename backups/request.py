"""What is asked of the recovery engine, read from a command line. The limits are the recovery engine's own."""

from datetime import UTC, datetime
from typing import Any

from backups.errors import BackupError
from database.figures import exact
from host.recovery import contract
from host.recovery.contract import FIRST_XID, LAST_TIMELINE, MAIN, NAME_BYTES, DrillRequest, Source, Target, written

TARGETS = "latest, a time such as '2026-11-21 12:00' or 2026-11-21T12:00:00-05:00, lsn:0/3000028, xid:4711, name:POINT"


def moment(text: str) -> tuple[datetime, bool]:
    """A point in time, and whether a zone was said; without one it is UTC. Raises BackupError."""
    try:
        found = datetime.fromisoformat(text.strip())
        found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BackupError(
            f"{text!r}: is not a time; allowed: such as '2026-11-21 12:00' (UTC) or with a zone"
        ) from None
    return (found, True) if found.tzinfo else (found.replace(tzinfo=UTC), False)


def zone_note(text: str) -> str | None:
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
    if timeline is not None and timeline > LAST_TIMELINE:
        raise BackupError(f"--timeline: {timeline} is not a timeline; allowed: 1 to {LAST_TIMELINE}")
    if label is not None and not contract.is_label(label):
        raise BackupError(f"--set: {label!r} is not a label of a backup; `./hybrid backup list` shows them")
    found: dict[str, Any] = {"kind": kind, "value": value, "is_exclusive": is_exclusive}
    return Target(**found, timeline=timeline, label=label)


def _kind(text: str) -> tuple[str, str | None]:
    word, colon, value = text.strip().partition(":")
    if text.strip() == "latest":
        return "latest", None
    if (colon and word == "lsn") or _is_lsn(text.strip()):
        return "lsn", _lsn(value if colon else text.strip())
    if colon and word == "xid":
        return "xid", _xid(value)
    if colon and word == "name":
        return "name", _name(value)
    try:
        found, _ = moment(text)
    except BackupError:
        raise BackupError(f"{text!r}: is not a target; allowed: {TARGETS}") from None
    return "time", written(found)


def _is_lsn(text: str) -> bool:
    # Capital letters of other alphabets' small ones may be hexadecimal digits.
    return text.isascii() and contract.is_lsn(text.upper())


def _lsn(text: str) -> str:
    if not _is_lsn(text):
        raise BackupError(
            f"lsn:{text}: is not a position in the log; allowed: two hexadecimal numbers such as 0/3000028"
        )
    return text.upper()


def _xid(text: str) -> str:
    if not contract.is_xid(text.lstrip("0")):
        raise BackupError(f"xid:{text}: is not a transaction; allowed: a number from {FIRST_XID} on")
    return text.lstrip("0")


def _name(text: str) -> str:
    if not contract.is_restore_point(text):
        raise BackupError(
            f"name:{text}: is not a name of a restore point; allowed: up to {NAME_BYTES} bytes, all printable"
        )
    return text


def cluster(text: str) -> str:
    """A name that a restored cluster may have, or the one that serves. Raises BackupError."""
    if not contract.is_cluster(text):
        raise BackupError(
            f"{text!r}: is not a name for a cluster; allowed: {MAIN} (the one that serves), "
            "or up to 41 small letters, digits, dashes and underscores after a letter, such as before-delete"
        )
    return text


def beside(text: str) -> str:
    """A name of a restored or kept cluster, which is discarded, opened or closed. Raises BackupError."""
    if text == MAIN:
        raise BackupError(f"{MAIN}: serves; allowed: a restored or kept cluster, as `./hybrid backup list` shows them")
    if not contract.is_folder(text):
        raise BackupError(f"{text!r}: is not a name of a cluster; `./hybrid backup list` shows them")
    return text


def source(repository: str, as_of: str | None) -> Source:
    """Raises BackupError."""
    return Source.model_validate({"repository": repository, "as_of": moment(as_of)[0] if as_of else None})


def drill(seed: int | None, at: str | None) -> DrillRequest:
    """Raises BackupError for what is not a time."""
    return DrillRequest(seed=seed, at=moment(at)[0] if at else None)
