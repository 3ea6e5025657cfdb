"""Archived write-ahead log on a time axis: file names tell its order, and backups tell when some of it was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from host.recovery.contract import Archive, Listing
from host.recovery.wal import number_of, wal_name


@dataclass(frozen=True, kw_only=True)
class Range:
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


def ranges(listing: Listing) -> list[Range]:
    """The place of a file in the log, whatever its timeline: 8 digits each for timeline, log and file."""
    found: list[Range] = []
    before: datetime | None = None
    for archive in sorted(listing.archive, key=lambda one: one.timeline):
        known = _known(listing, archive, before)
        found += _of(archive, known)
        before = found[-1].end
    return found


def _known(listing: Listing, archive: Archive, before: datetime | None) -> list[_Known]:
    """Positions whose time is known, in the order of the log and of time."""
    found = []
    for backup in listing.backups:
        if backup.timeline == archive.timeline:
            found.append(_Known(number_of(backup.wal_start), backup.started_at))
            found.append(_Known(number_of(backup.wal_stop), backup.stopped_at))
    last = archive.last_at or max([known.at for known in found], default=before or listing.now)
    found.append(_Known(number_of(archive.last), last))
    first = number_of(archive.first)
    if not any(known.number <= first for known in found):
        # A timeline begins where another one was left.
        found.append(_Known(first, min(before or last, *(known.at for known in found))))
    return sorted(found, key=lambda known: (known.number, known.at))


def _of(archive: Archive, known: Sequence[_Known]) -> list[Range]:
    found = []
    first = archive.first
    for lost, until in archive.gaps:
        if number_of(first) < number_of(lost):
            found.append(_range(archive, first, lost, known, is_missing=False))
        found.append(_range(archive, lost, until, known, is_missing=True))
        first = wal_name(archive.timeline, number_of(until) + 1)
    if number_of(first) <= number_of(archive.last):
        found.append(_range(archive, first, archive.last, known, is_missing=False))
    return found


def _range(archive: Archive, first: str, last: str, known: Sequence[_Known], *, is_missing: bool) -> Range:
    start, end = _moment(number_of(first), known), _moment(number_of(last) + is_missing, known)
    return Range(
        timeline=archive.timeline,
        first=first,
        last=last,
        start=start,
        end=max(start, end),
        is_missing=is_missing,
    )


def _moment(number: int, known: Sequence[_Known]) -> datetime:
    """When this much of the log was there."""
    if number <= known[0].number:
        return known[0].at
    for before, after in pairwise(known):
        if before.number <= number <= after.number and after.number > before.number:
            share = (number - before.number) / (after.number - before.number)
            return before.at + timedelta(seconds=(after.at - before.at).total_seconds() * share)
    return known[-1].at
