"""`./hybrid db migrate` on the real local stack: planned first, one run at a time, killed and begun again."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from local.common.errors import LocalError
from local.host import migrations
from tests.database.conftest import Database, Sessions, sleeps
from tests.local.stack_under_test import StackUnderTest, copy_project
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]
NAME = "0003_trial"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which migrations are written."""
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def db(stack: StackUnderTest, project: Path) -> Database:
    return Database(stack, project)


@pytest.fixture
def migration(project: Path, sessions: Sessions) -> Iterator[Callable[[str], None]]:
    """Writes a third migration; the database and the project are as before afterwards."""
    path = project / migrations.FOLDER / f"{NAME}.sql"

    def write(text: str) -> None:
        path.write_text(f"-- depends: 0002_exchange_rates\n\n{text}\n")

    yield write
    path.unlink()
    with sessions.open("migrator") as connection:
        connection.execute("DROP TABLE IF EXISTS regulated.trial")
        connection.execute("DELETE FROM regulated._yoyo_migration WHERE migration_id = %s", (NAME,))


def document(answer: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def test_a_plan_changes_nothing(db: Database, migration: Callable[[str], None], sessions: Sessions) -> None:
    migration("CREATE TABLE regulated.trial (id int);")
    assert document(db.run("migrate", "--json"))["pending"] == [NAME]
    with sessions.open("migrator") as connection:
        assert connection.execute("SELECT to_regclass('regulated.trial')").fetchone() == (None,)


def test_what_is_pending_runs_once(db: Database, migration: Callable[[str], None]) -> None:
    migration("CREATE TABLE regulated.trial (id int);\nSELECT 'words for nobody';")
    first, second = (document(db.run("migrate", "--apply", "--json")) for _ in range(2))
    assert (first["ran"], first["pending"]) == ([NAME], [])
    assert (second["ran"], second["pending"]) == ([], [])


def test_the_application_may_use_what_a_migration_made(
    db: Database, migration: Callable[[str], None], sessions: Sessions
) -> None:
    migration("CREATE TABLE regulated.trial (id int);")
    assert db.run("migrate", "--apply").returncode == 0
    with sessions.open("app") as connection:
        connection.execute("INSERT INTO regulated.trial VALUES (1)")
    with sessions.open("public_read") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM regulated.trial")


def test_a_migration_that_fails_leaves_nothing_and_is_one_line(
    db: Database, migration: Callable[[str], None], sessions: Sessions
) -> None:
    migration("CREATE TABLE regulated.trial (id int);\nSELECT 1/0;")
    answer = db.run("migrate", "--apply")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "hybrid: local: migrations: division by zero\n"
    with sessions.open("migrator") as connection:
        assert connection.execute("SELECT to_regclass('regulated.trial')").fetchone() == (None,)


def test_a_run_that_is_killed_is_begun_again(
    db: Database, migration: Callable[[str], None], sessions: Sessions
) -> None:
    migration("CREATE TABLE regulated.trial (id int);\nINSERT INTO regulated.trial SELECT 1 FROM pg_sleep(2);")
    process = subprocess.Popen([*db.command, "migrate", "--apply"], env=db.environment, start_new_session=True)
    with sessions.open("monitor") as connection:
        until(lambda: sleeps(connection))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert document(db.run("migrate", "--apply", "--json"))["ran"] == [NAME]
    with sessions.open("migrator") as connection:
        assert connection.execute("SELECT count(*) FROM regulated.trial").fetchone() == (1,)


def test_a_second_run_waits_for_the_first(db: Database, migration: Callable[[str], None], sessions: Sessions) -> None:
    migration("CREATE TABLE regulated.trial (id int);")
    with sessions.open("migrator") as holder, sessions.open("monitor") as looking:
        holder.execute("SELECT pg_advisory_lock(%s)", (migrations.LOCK,))
        process = subprocess.Popen(
            [*db.command, "migrate", "--apply", "--json"], env=db.environment, stdout=subprocess.PIPE
        )
        tried = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory_lock%'"
        until(lambda: looking.execute(tried).fetchone())
        assert process.poll() is None
        assert holder.execute("SELECT to_regclass('regulated.trial')").fetchone() == (None,)
    assert json.loads(process.communicate(timeout=60)[0])["ran"] == [NAME]


def test_what_the_project_does_not_have_any_more_is_told(db: Database, sessions: Sessions) -> None:
    with sessions.open("migrator") as connection:
        connection.execute("INSERT INTO regulated._yoyo_migration VALUES ('hash', 'from_another_branch', now())")
        try:
            found = db.run("migrate")
        finally:
            connection.execute("DELETE FROM regulated._yoyo_migration WHERE migration_hash = 'hash'")
    assert "unknown  from_another_branch  in the database, not in the project" in found.stdout


def test_a_standby_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Standby:
        """A connection whose server is in recovery."""

        def __enter__(self) -> "Standby":
            return self

        def __exit__(self, *_: object) -> None: ...

        def execute(self, query: str) -> "Standby":
            assert query == "SELECT pg_is_in_recovery()"
            return self

        def fetchone(self) -> tuple[bool]:
            return (True,)

    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: Standby())
    with pytest.raises(LocalError, match="is a standby, which takes no writes"):
        migrations.apply({}, tmp_path)
