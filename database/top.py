"""Which statements the database's time goes to, from pg_stat_statements. Statements are shown without any value."""

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from database.access import Access, connected, one_line
from database.errors import DatabaseError
from database.terms import Order

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLE = "monitor"


COLUMN = {Order.TOTAL: "total_ms", Order.MEAN: "mean_ms", Order.CALLS: "calls", Order.IO: "io_blocks"}
QUERY = """
WITH statement AS (
    SELECT query, sum(calls)::bigint AS calls, sum(total_exec_time) AS total_ms, sum(rows)::bigint AS rows,
           sum(total_exec_time) / sum(calls) AS mean_ms,
           sum(shared_blks_hit)::float8 AS hits, sum(shared_blks_read)::float8 AS reads,
           sum(shared_blks_read + shared_blks_written + local_blks_read + local_blks_written
               + temp_blks_read + temp_blks_written)::bigint AS io_blocks
    FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND calls > 0
    GROUP BY queryid, query
)
SELECT *, total_ms / nullif((SELECT sum(total_ms) FROM statement), 0) AS share
FROM statement ORDER BY {column} DESC, query LIMIT %s
"""
# Normalised statements have $1 for a value. Utility statements, and those whose entry was made again in between, are
# kept as they came (PostgreSQL manual, F.30.1), so whatever is still a value or a comment goes.
VALUE = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|--[^\n]*)
      | (?P<value>[Ee]'(?:[^'\\]|''|\\.)*(?:'|\Z) | (?:[BbXxNn]|[Uu]&)?'(?:[^']|'')*(?:'|\Z)
          | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?:(?P=tag)|\Z))
      | (?P<name>"(?:[^"]|"")*"|\$\d+|[^\W\d]\w*)
      | (?P<number>\d[\w.]*)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One normalised statement; shares are of 1, blocks of 8 kB."""

    query: str
    calls: int
    total_ms: float
    mean_ms: float
    rows: int
    share: float
    cache_hit: float | None
    """None where it touched no block."""
    io_blocks: int

    @classmethod
    def of(cls, row: "Mapping[str, Any]") -> "Statement":
        blocks = row["hits"] + row["reads"]
        return cls(
            query=without_values(row["query"]),
            calls=row["calls"],
            total_ms=round(row["total_ms"], 3),
            mean_ms=round(row["mean_ms"], 3),
            rows=row["rows"],
            share=round(row["share"] or 0, 4),
            cache_hit=round(row["hits"] / blocks, 4) if blocks else None,
            io_blocks=row["io_blocks"],
        )

    def document(self) -> dict[str, Any]:
        return asdict(self)


def top(access: Access, count: int, order: Order) -> list[Statement]:
    """The first statements of this database in that order. Raises DatabaseError."""
    import psycopg

    with connected(access) as connection:
        try:
            rows = connection.execute(QUERY.format(column=COLUMN[order]).encode(), (count,)).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise DatabaseError(f"{access.stack}: pg_stat_statements is not there ({one_line(error)})") from error
    return [Statement.of(row) for row in rows]


def without_values(query: str) -> str:
    """The statement on one line, with no literal and no comment in it."""

    def kept(match: re.Match[str]) -> str:
        if match["comment"]:
            return " "
        return match["name"] or "?"

    return " ".join(VALUE.sub(kept, query).split())
