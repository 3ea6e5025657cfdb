"""A running local stack for the tests of `./hybrid db`, and what stands for the cloud in front of it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.local.stack_under_test import StackUnderTest, running_stack, until


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    with running_stack(tmp_path_factory.mktemp("project")) as made:
        yield made


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


class Database:
    """Runs `./hybrid db` in the stack's project."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.command = [str(stack.project / "hybrid"), "db"]
        self.environment = stack.environment

    def run(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **variables}
        return subprocess.run(
            [*self.command, *words], capture_output=True, text=True, env=environment, timeout=120, check=False
        )

    def findings(self, *words: str) -> dict[str, dict[str, Any]]:
        """What `status` found, by name; of several with one name, the worst."""
        answer = self.run("status", "--json", *words)
        assert answer.stdout, answer.stderr
        rows = json.loads(answer.stdout)["findings"]
        return {
            row["name"]: row for row in sorted(rows, key=lambda row: ["ok", "warning", "critical"].index(row["level"]))
        }


@pytest.fixture(scope="session")
def db(stack: StackUnderTest) -> Database:
    return Database(stack)


def end(stack: StackUnderTest, part: str) -> None:
    """As a crash would; nothing starts it again but `up`."""
    os.kill(stack.parts()[part]["pid"], signal.SIGKILL)
    until(lambda: stack.parts()[part]["state"] != "running")
