"""The functions that give monitoring what no built-in role sees: the disk, pgBackRest, the jobs of all roles."""

import hashlib
from pathlib import Path

SCHEMA = "monitoring"
SQL = (Path(__file__).parent / "sql" / "monitoring.sql").read_text()
MARK = f"hybrid {hashlib.sha256(SQL.encode()).hexdigest()[:16]}"
"""Which functions these are; kept as a comment on one of them."""
FUNCTIONS = ("disk", "backup_version", "cron_jobs")


def statements(held: str | None) -> tuple[str, ...]:
    """What makes the functions, unless those with the mark `held` are the same."""
    return () if held == MARK else (SQL, f"COMMENT ON FUNCTION {SCHEMA}.disk() IS '{MARK}';")
