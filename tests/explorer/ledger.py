"""What was acknowledged, whatever became of the database: the truth that a cluster's rows are compared with."""

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

SEGMENT_BYTES = 16 * 2**20
# A row's position is asked before its commit, whose own record comes after it.
COMMIT_BYTES = 64 * 1024
# It keeps a client waiting for a server for ten (query_wait_timeout).
POOLER_SECONDS = 15


@dataclass(kw_only=True)
class Row:
    id: int
    tried_at: float
    """Seconds since 1970, as all moments here."""
    acked_at: float | None = None
    xid: int | None = None
    lsn: int | None = None
    """Bytes; the commit lies a little after it. Not known of a row that came by way of the API."""


@dataclass(kw_only=True)
class Era:
    """A span in which one cluster served: from its first row on until another took its place."""

    began_at: float
    base: frozenset[int] = frozenset()
    """The rows that it began with."""
    ended_at: float | None = None
    name: str = ""

    def has(self, moment: float) -> bool:
        return self.began_at <= moment and (self.ended_at is None or moment < self.ended_at)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The rows that a cluster has to have, and those that it may have beside them."""

    must: Set[int]
    may: Set[int]

    def faults(self, found: list[int]) -> list[str]:
        """One sentence for each kind of difference."""
        there = set(found)
        lost, foreign = sorted(self.must - there), sorted(there - self.must - self.may)
        said = []
        if len(there) < len(found):
            said.append(f"{len(found) - len(there)} of {len(found)} rows are there twice")
        if lost:
            said.append(f"{len(lost)} of {len(self.must)} acknowledged rows are not there: {lost[0]} .. {lost[-1]}")
        if foreign:
            said.append(f"{len(foreign)} rows are there that should not be: {foreign[0]} .. {foreign[-1]}")
        return said


@dataclass(kw_only=True)
class Ledger:
    file: Path
    rows: dict[int, Row] = field(default_factory=dict)
    eras: list[Era] = field(default_factory=list)
    _read: int = 0

    def read(self) -> None:
        """What was written since."""
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            file.seek(self._read)
            for line in file:
                # The writer may be in the middle of the last one.
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                kind, number, at, *more = json.loads(line)
                if kind == "try":
                    self.rows[number] = Row(id=number, tried_at=at)
                else:
                    row = self.rows[number]
                    row.acked_at = at
                    if more[0] is not None:
                        row.xid, row.lsn = int(more[0]), position(more[1])

    @property
    def era(self) -> Era:
        return self.eras[-1]

    def acked(self, since: float = 0.0, until: float = float("inf")) -> Iterator[Row]:
        """Tried from `since` on, and acknowledged before `until`."""
        return (row for row in self.rows.values() if row.tried_at >= since and row.acked_at and row.acked_at < until)

    def at(self, moment: float) -> Expected:
        """What the database had at a moment of one of its eras.

        A row that was acknowledged before the moment has to be there: its commit comes before any with a later time.
        One that was tried after it must not be. What was under way may be there or not.
        """
        era = next((one for one in reversed(self.eras) if one.began_at <= moment), None)
        if era is None:
            raise ValueError(f"{moment}: is before the first era")
        until = moment if era.ended_at is None else min(moment, era.ended_at)
        must = era.base | {row.id for row in self.acked(era.began_at, until)}
        may = {row.id for row in self.rows.values() if era.began_at <= row.tried_at <= until}
        return Expected(must=must, may=may | self.kept_waiting(era.began_at))

    def around(self, row: Row) -> Expected:
        """What there was when a row's transaction committed: with it, and without what was tried after its answer."""
        era = next(one for one in reversed(self.eras) if one.began_at <= row.tried_at)
        assert row.acked_at is not None
        must = era.base | {one.id for one in self.acked(era.began_at, row.tried_at)} | {row.id}
        may = {one.id for one in self.rows.values() if era.began_at <= one.tried_at <= row.acked_at}
        return Expected(must=must, may=may | self.kept_waiting(era.began_at))

    def kept_waiting(self, moment: float) -> Set[int]:
        """Rows that the pooler may have had for whoever serves since the moment."""
        return {
            row.id
            for row in self.rows.values()
            if moment - POOLER_SECONDS <= row.tried_at < moment and (row.acked_at is None or row.acked_at >= moment)
        }

    def begin(self, *, began_at: float, base: frozenset[int], name: str) -> None:
        if self.eras:
            self.era.ended_at = began_at
        self.eras.append(Era(began_at=began_at, base=base, name=name))

    def later_than(self, archived: int, *, or_under_way: bool = False) -> list[Row]:
        """Acknowledged rows of this era that the log up to a position does not surely have, oldest first.

        `or_under_way`: also one whose commit may come after it though its row does not, for the segment was switched in
        between, as a backup does: no row before the position was tried after its answer. And one without a position.
        """
        acked = list(self.acked(self.era.began_at))
        rows = [row for row in acked if row.lsn is not None]
        before = [row.tried_at for row in rows if (row.lsn or 0) < archived]
        switched_at = max(before) if or_under_way and 0 < len(before) < len(rows) else float("inf")
        found = [row for row in rows if (row.lsn or 0) + COMMIT_BYTES > archived or (row.acked_at or 0.0) > switched_at]
        if or_under_way:
            had_at = max(before, default=0.0)
            found += [row for row in acked if row.lsn is None and (row.acked_at or 0.0) > had_at]
        return found


def position(lsn: str) -> int:
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment(name: str) -> tuple[int, int]:
    """Timeline and number of a WAL file."""
    return int(name[:8], 16), int(name[8:16], 16) * 256 + int(name[16:24], 16)
