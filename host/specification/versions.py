"""Which TimescaleDB runs its background jobs in which PostgreSQL: the one table of it."""

import re

# PostgreSQL's minors of November 2026: from these on every background job of an older TimescaleDB fails
# (timescale/timescaledb, release notes of 2.31.2, 2.28.5 and 2.27.3; #11015).
NEEDS_NEW_TIMESCALEDB = {15: "15.20", 16: "16.16", 17: "17.12", 18: "18.7"}
TIMESCALEDB_FROM = "2.31.2"
# Older lines that got the repair.
REPAIRED_LINES = {(2, 28): "2.28.4", (2, 27): "2.27.3"}


def number(version: str) -> tuple[int, ...]:
    """Parses `17.12 (Debian 17.12-1)` as (17, 12). Raises ValueError."""
    found = re.match(r"\D*(\d+(?:\.\d+)*)", version)
    if not found:
        raise ValueError(f"{version!r} is not a version; allowed: numbers with dots")
    return tuple(int(part) for part in found[1].split("."))


def suffices(timescaledb: str, postgresql: str) -> bool:
    """Whether the jobs of a TimescaleDB are not known to fail in a PostgreSQL."""
    server, extension = number(postgresql), number(timescaledb)
    breaks_at = NEEDS_NEW_TIMESCALEDB.get(server[0])
    if breaks_at is None or server < number(breaks_at) or extension >= number(TIMESCALEDB_FROM):
        return True
    repaired = REPAIRED_LINES.get((extension[0], extension[1]) if len(extension) > 1 else (0, 0))
    return repaired is not None and extension >= number(repaired)
