"""When the transactions of an archived segment were committed, as the log itself says: archiving comes later."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from durable import files
from host.recovery import clusters
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Segment
from host.recovery.machine import RESERVE_BYTES, Machine, free_bytes
from host.recovery.pgbackrest import NOT_FOUND, Repository
from host.recovery.unarchived import Unarchived
from host.recovery.wal import SEGMENT_BYTES, position, timeline_of

CACHE = ".hybrid-recovery.commits.json"
MOST_KEPT = 1000
# pg_waldump's words. PostgreSQL compares a target time with commits and aborts alike (recoveryStopsBefore).
RECORD = re.compile(
    r"lsn: ([0-9A-F]+/[0-9A-F]+),.* desc: (?:COMMIT|ABORT)(?:_PREPARED)? (?:\d+: )?(\d{4}-\d\d-\d\d \S+) UTC"
)
READ_SECONDS = 120

Committed = tuple[datetime, datetime] | None
"""The time of the first commit and the latest time of one; None where nothing was committed.

The first has not the earliest time where the clock was set back: PostgreSQL stops at the first that has a later one.
"""
Reading = Callable[[Segment, int, int], Committed]
"""What a segment has from one position to before another. Raises RecoveryError where it can't be read."""


class DamagedError(RecoveryError):
    """The segment's content is not what was archived."""


@dataclass(frozen=True)
class Commits:
    """Reads segments of a repository, and each only once: what was read is kept on the host by name and content."""

    repository: Repository
    own: Unarchived | None = None
    """What the host has that is not archived."""
    _known: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, one: Segment, start: int, end: int) -> Committed:
        first = one.number * SEGMENT_BYTES
        start, end = max(start, first), min(end, first + SEGMENT_BYTES)
        if self.own and not one.is_archived and timeline_of(one.name) == self.own.timeline:
            end = min(end, self.own.readable)
        if start >= end:
            return None
        if self.own and not one.is_archived:
            return _between(self._dumped(self.own.path(one.name)), start, end)
        key = f"{one.name}-{one.sha1}:{start:X}-{end:X}"
        known = self._known or self._load()
        if key not in known:
            found = _between(self._fetched(one), start, end)
            known[key] = [moment.isoformat() for moment in found or ()]
            self._keep()
        moments = [datetime.fromisoformat(text) for text in known[key]]
        return (moments[0], moments[1]) if moments else None

    @property
    def _machine(self) -> Machine:
        return self.repository.machine

    @property
    def _path(self) -> Path:
        return self._machine.path(self._machine.clusters / CACHE)

    def _load(self) -> dict[str, list[str]]:
        with suppress(OSError, ValueError, TypeError):
            self._known.update(json.loads(self._path.read_text()))
        return self._known

    def _keep(self) -> None:
        # Only what spares another reading.
        with suppress(OSError):
            newest = dict(list(self._known.items())[-MOST_KEPT:])
            files.replace(self._path, json.dumps(newest), mode=0o644, is_cache=True)

    def _fetched(self, one: Segment) -> str:
        """What pg_waldump says of a segment from the repository."""
        if free_bytes(self._machine) < RESERVE_BYTES + SEGMENT_BYTES:
            raise RecoveryError(f"{one.name}: can't be read: no space is left on the host's disk")
        folder = self._machine.clusters / f"{clusters.READ}{os.getpid()}"
        shutil.rmtree(self._machine.path(folder), ignore_errors=True)
        path = folder / one.name
        seen = self._machine.make_folder(folder)
        try:
            answer = self.repository.attempt("archive-get", one.name, str(path), seconds=READ_SECONDS)
            if answer.returncode == NOT_FOUND:
                raise RecoveryError(f"{one.name}: is no longer in the archive")
            if answer.returncode:
                raise RecoveryError(
                    f"{one.name}: {self.repository.fault('archive-get', answer.returncode, answer.stderr)}"
                )
            content = self._machine.path(path).read_bytes()
            if hashlib.sha1(content, usedforsecurity=False).hexdigest() != one.sha1:
                raise DamagedError(f"{one.name}: is damaged in the archive")
            return self._dumped(path)
        finally:
            shutil.rmtree(seen, ignore_errors=True)

    def _dumped(self, path: PurePosixPath) -> str:
        # It ends with an error where a record goes on in the next segment, or the log does not.
        argv = [self._machine.program("pg_waldump"), "--rmgr=Transaction", str(path)]
        return self._machine.run(argv, variables={"TZ": "UTC"}, seconds=READ_SECONDS).stdout


def _between(dump: str, start: int, end: int) -> Committed:
    moments = [
        datetime.fromisoformat(time).replace(tzinfo=UTC)
        for lsn, time in RECORD.findall(dump)
        if start <= position(lsn) < end
    ]
    return (moments[0], max(moments)) if moments else None
