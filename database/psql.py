"""Hands the terminal to psql, as a role and by the route that suits it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from shutil import which

from database.access import Access
from database.errors import DatabaseError

MISSING = "psql is not on this machine; install the package postgresql-client"
NO_CONNECTION = 2
"""psql's exit code when it could not connect, or lost the connection."""


VARIABLE = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
"""libpq's variables by its parameters."""
VARIABLES = tuple(VARIABLE.values())


def environment(access: Access, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What psql finds the server by, and nothing of the operator's own libpq set-up.

    The password goes with it: a command line is everybody's to read, the environment of a process only its own
    user's and root's, and unlike a password file none is left behind by a kill.
    """
    found = {VARIABLE[name]: value for name, value in access.parameters.items() if name in VARIABLE}
    return (
        {name: value for name, value in base.items() if not name.startswith("PG")}
        | found
        | {"PGAPPNAME": "hybrid db psql"}
    )


def arguments(commands: Sequence[str], more: Sequence[str]) -> list[str]:
    """psql's, without a word of where and as whom."""
    asked = [word for command in commands for word in ("--command", command)]
    return ["psql", "--no-password", *asked, *more]


def local_psql() -> str | None:
    return which("psql")


def run_psql(argv: Sequence[str], variables: Mapping[str, str]) -> int:
    """psql's exit code. Ctrl-C is psql's while it runs: there it ends a statement, not the session."""
    # A handler, not SIG_IGN: what is ignored stays ignored in a child, a handler does not.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(argv, env=dict(variables), check=False).returncode
    except FileNotFoundError as error:
        raise DatabaseError(MISSING) from error
    finally:
        signal.signal(signal.SIGINT, before)
