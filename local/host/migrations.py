"""The application's migrations: which are still to be run, and running them. For every database the same."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from local.common.errors import LocalError

if TYPE_CHECKING:
    import psycopg

ROLE = "migrator"
FOLDER = "apps/worker/migrations"
SCHEMA_OF_RECORD = "regulated"
"""Where the migration tool keeps its own tables: out of sight of the public role."""
# Any number, as long as all that migrate take the same.
LOCK = 7_004_210_017
WAIT_SECONDS = 60
# Whoever comes for the table after a statement that waits for its lock waits as well: rather give up, and run again.
LOCK_TIMEOUT = "3s"
URI_PARTS = ("user", "password", "host", "port", "dbname")


@dataclass(frozen=True, kw_only=True)
class Migrations:
    """Names in the order in which they run; applied ones with when (UTC)."""

    applied: tuple[tuple[str, str], ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    """Applied to the database, and not in the project any more."""


def is_migration(file: PurePath) -> bool:
    """Whether it is run by its own name; `NAME.rollback.sql` is what takes NAME back."""
    return file.suffix == ".sql" and not file.name.endswith(".rollback.sql")


def plan(parameters: Mapping[str, str], folder: Path) -> Migrations:
    """What the database holds against the files; nothing is changed. Raises LocalError, psycopg.OperationalError."""
    import psycopg
    import yoyo

    files = {migration.hash: migration.id for migration in yoyo.read_migrations(str(folder))}
    with psycopg.connect("", **parameters, autocommit=True) as connection:  # type: ignore[arg-type]
        rows = _applied(connection)
    hashes = {found for found, _, _ in rows}
    return Migrations(
        applied=tuple((files.get(found, name), when) for found, name, when in rows),
        pending=tuple(name for found, name in files.items() if found not in hashes),
        unknown=tuple(name for found, name, _ in rows if found not in files),
    )


def apply(parameters: Mapping[str, str], folder: Path, tell: Callable[[str], None] = lambda _: None) -> list[str]:
    """Runs what is pending, one transaction each with its record, and returns their names.

    One at a time, by an advisory lock, which PostgreSQL takes back from a session that ended; the connection must
    be direct and not pooled. Killed at any point, the next run goes on from there; only a migration that forbids its
    transaction must bear being begun again. Raises LocalError for a standby, and for a lock that is held too long: of
    another run, or on what a migration changes.
    """
    import psycopg
    import yoyo

    with psycopg.connect("", **parameters, autocommit=True) as guard:  # type: ignore[arg-type]
        if guard.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            raise LocalError("migrations: this server is a standby, which takes no writes; go to the one that serves")
        _lock(guard, tell)
        # libpq reads ~/.pgpass and PG* variables too; the migration tool writes its user's name into the log.
        os.environ.setdefault("USER", ROLE)
        with yoyo.get_backend(_uri(parameters)) as backend, contextlib.redirect_stdout(sys.stderr):
            # Left by one that was killed: whoever holds the advisory lock is alone.
            backend.break_lock()
            pending = backend.to_apply(yoyo.read_migrations(str(folder)))
            for migration in pending:
                tell(migration.id)
                try:
                    _apply_one(backend, migration)
                except psycopg.errors.LockNotAvailable as error:
                    held = f"what it changes has been in use for {LOCK_TIMEOUT}"
                    advice = "see `./hybrid db status`, then run it again"
                    raise LocalError(f"migrations: {migration.id}: {held}; {advice}") from error
            backend.run_post_apply(pending)
            return [migration.id for migration in pending]


def _lock(guard: "psycopg.Connection[Any]", tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while guard.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        if time.monotonic() > deadline:
            raise LocalError(
                f"migrations: another run has held the lock for {WAIT_SECONDS} s; see `./hybrid db status`"
            )
        tell("waiting for another run")
        time.sleep(0.2)


def _apply_one(backend: Any, migration: Any) -> None:
    """Commits a migration's steps and its record together; the tool itself commits the one before the other."""
    migration.load()
    if not migration.use_transactions:
        backend.apply_one(migration)
        return
    with backend.transaction():
        migration.process_steps(backend, "apply")
        backend.log_migration(migration, "apply")
        backend.mark_one(migration, log=False)


def _applied(connection: "psycopg.Connection[Any]") -> list[tuple[str, str, str]]:
    """Hash, name and time of what the tool has recorded; [] before its first run."""
    table = f"{SCHEMA_OF_RECORD}._yoyo_migration"
    if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() == (None,):
        return []
    query = f"SELECT migration_hash, migration_id, applied_at_utc FROM {table} ORDER BY applied_at_utc, migration_id"
    return [(found, name, f"{when:%Y-%m-%d %H:%M:%S}") for found, name, when in _rows(connection, query)]


def _rows(connection: "psycopg.Connection[Any]", query: str) -> Iterator[Any]:
    yield from connection.execute(query.encode())


def _uri(parameters: Mapping[str, str]) -> str:
    """The migration tool's own form of the parameters."""
    given = {name: quote(parameters[name], safe="") for name in URI_PARTS}
    rest = {name: value for name, value in parameters.items() if name not in URI_PARTS}
    session = {"schema": SCHEMA_OF_RECORD, "options": f"-c lock_timeout={LOCK_TIMEOUT}"}
    # libpq takes a plus sign for itself, not for a blank.
    options = urlencode({**rest, **session}, quote_via=quote)
    address = f"{given['host']}:{given['port']}/{given['dbname']}"
    return f"postgresql+psycopg://{given['user']}:{given['password']}@{address}?{options}"
