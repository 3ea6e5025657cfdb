"""Archived write-ahead log on a time axis: file names tell its order, and backups tell when some of it was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from host.recovery.contract import Archive, Listing

# Files of 16 MB, as every cluster here has them: 256 to each number in the middle of a name.
PER_LOG = 256


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A run of files of one timeline that is there, or missing."""

    timeline: int
    first: str
    last: str
    start: datetime
    end: datetime
    is_missing: bool


@dataclass(frozen=True)
class _Known:
    number: int
    at: datetime


def number(file: str) -> int:
    """The place of a file in the log, whatever its timeline: 8 digits each for timeline, log and file."""
    return int(file[8:16], 16) * PER_LOG + int(file[16:24], 16)


def stretches(listing: Listing) -> list[Stretch]:
    """By timeline, then in order. Moments between those that are known are guessed: the log grows evenly."""
    found: list[Stretch] = []
    before: datetime | None = None
    for archive in sorted(listing.archive, key=lambda one: one.timeline):
        known = _known(listing, archive, before)
        found += _of(archive, known)
        before = found[-1].end
    return found


def _known(listing: Listing, archive: Archive, before: datetime | None) -> list[_Known]:
    """In order of the log, and of time."""
    found = []
    for backup in listing.backups:
        if backup.timeline == archive.timeline:
            found.append(_Known(number(backup.wal_start), backup.started_at))
            found.append(_Known(number(backup.wal_stop), backup.stopped_at))
    last = archive.last_at or max([known.at for known in found], default=before or listing.now)
    found.append(_Known(number(archive.last), last))
    first = number(archive.first)
    if not any(known.number <= first for known in found):
        # A timeline begins where another one was left.
        found.append(_Known(first, min(before or last, *(known.at for known in found))))
    return sorted(found, key=lambda known: (known.number, known.at))


def _of(archive: Archive, known: Sequence[_Known]) -> list[Stretch]:
    found = []
    first = archive.first
    for lost, until in archive.gaps:
        if number(first) < number(lost):
            found.append(_stretch(archive, first, lost, known, is_missing=False))
        found.append(_stretch(archive, lost, until, known, is_missing=True))
        first = _after(until)
    if number(first) <= number(archive.last):
        found.append(_stretch(archive, first, archive.last, known, is_missing=False))
    return found


def _stretch(archive: Archive, first: str, last: str, known: Sequence[_Known], *, is_missing: bool) -> Stretch:
    start, end = _moment(number(first), known), _moment(number(last) + is_missing, known)
    return Stretch(
        timeline=archive.timeline,
        first=first,
        last=last,
        start=start,
        end=max(start, end),
        is_missing=is_missing,
    )


def _after(file: str) -> str:
    log, rest = divmod(number(file) + 1, PER_LOG)
    return f"{file[:8]}{log:08X}{rest:08X}"


def _moment(place: int, known: Sequence[_Known]) -> datetime:
    """When this much of the log was there."""
    if place <= known[0].number:
        return known[0].at
    for before, after in pairwise(known):
        if before.number <= place <= after.number and after.number > before.number:
            share = (place - before.number) / (after.number - before.number)
            return before.at + timedelta(seconds=(after.at - before.at).total_seconds() * share)
    return known[-1].at
