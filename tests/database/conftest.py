"""A running local stack for the tests of `./hybrid db`, and what stands for the cloud in front of it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from database import status
from database.findings import SEVERITY
from database.local_access import open_local
from plan.project import ROOT
from tests.commands import in_this_process, ran
from tests.local.stack_under_test import StackUnderTest, quiet


@pytest.fixture(scope="session")
def stack(shared_stack: StackUnderTest) -> StackUnderTest:
    return shared_stack


class Sessions:
    """Connections to the stack's PostgreSQL as any role, from outside."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.host: dict[str, Any] = stack.host()
        self.authorities = stack.state / "tls" / "database-ca.crt"

    def password(self, role: str) -> str:
        found: str = next(one["password"] for one in self.host["postgres"]["roles"] if one["name"] == role)
        return found

    @contextmanager
    def open(self, role: str) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(
            host="localhost",
            port=self.host["postgres"]["port"],
            dbname=self.host["postgres"]["database"],
            user=role,
            password=self.password(role),
            sslmode="verify-full",
            sslrootcert=str(self.authorities),
            autocommit=True,
        ) as connection:
            yield connection


@pytest.fixture(scope="session")
def sessions(stack: StackUnderTest) -> Sessions:
    return Sessions(stack)


def sleeps(connection: psycopg.Connection[Any]) -> bool:
    """Whether some statement does."""
    row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone()
    return row is not None and row[0] > 0


class Database:
    """Runs `./hybrid db` of a project, which need not be the one that the stack was made of."""

    def __init__(self, stack: StackUnderTest, project: Path = ROOT) -> None:
        self.command = [str(project / "hybrid"), "db"]
        self.environment = stack.environment
        self._open = open_local(stack.here, quiet)

    def told(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The same in this process, and of this project."""
        return in_this_process({**self.environment, **variables}, "db", *arguments)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **variables}
        return ran([*self.command, *arguments], env=environment)

    def findings(self) -> dict[str, dict[str, Any]]:
        """What `status` finds, by name; of several with one name, the worst."""
        with self._open(status.ROLE) as access:
            rows = status.status(access).document()["findings"]
        return {row["name"]: row for row in sorted(rows, key=lambda row: SEVERITY.index(row["level"]))}


@pytest.fixture(scope="session")
def db(stack: StackUnderTest) -> Database:
    return Database(stack)
