"""The functions that give monitoring what no built-in role sees, and the markers that restores are tried by."""

import hashlib
from pathlib import Path

from host.specification.model import Postgres

SCHEMA = "monitoring"
SQL = (Path(__file__).parent / "sql" / "monitoring.sql").read_text()
MARK = f"hybrid {hashlib.sha256(SQL.encode()).hexdigest()[:16]}"
"""Which functions these are; kept as a comment on one of them."""
FUNCTIONS = ("disk", "backup_version", "cron_jobs", "dropped_wal", "unarchived", "repository", "mark", "newest_marker")
"""What a role that monitors may run."""
MARKER_JOB = "hybrid-marker"
MARKER_SCHEDULE = "30 seconds"
MARKER_COMMAND = f"SELECT {SCHEMA}.mark()"


def marker_job(postgres: Postgres, held: str | None) -> tuple[str, ...]:
    """What makes the job that writes markers; `held` is the present one, as sql/state.sql tells it.

    A role that monitors runs it: a superuser runs no job (cron.enable_superuser_jobs).
    """
    role = next((role.name for role in postgres.roles if role.is_monitor), None)
    if role is None or "pg_cron" not in postgres.extensions:
        return ()
    if held == "|".join((MARKER_SCHEDULE, MARKER_COMMAND, role, postgres.database, "t")):
        return ()
    arguments = ", ".join(
        f"'{argument}'" for argument in (MARKER_JOB, MARKER_SCHEDULE, MARKER_COMMAND, postgres.database, role)
    )
    return (
        f"DELETE FROM cron.job WHERE jobname = '{MARKER_JOB}';",
        f"SELECT cron.schedule_in_database({arguments});",
    )


def statements(held: str | None) -> tuple[str, ...]:
    """What makes the functions, unless those with the mark `held` are the same."""
    return () if held == MARK else (SQL, f"COMMENT ON FUNCTION {SCHEMA}.disk() IS '{MARK}';")
