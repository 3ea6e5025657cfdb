"""What Node.js runs, `npm test`, is a part of the run: ended with it, and looked after by it."""

import itertools
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from local.common.errors import LocalError
from local.host import migrations
from plan.project import ROOT
from tests.host.running import HostUnderTest
from tests.waiting import until

MIGRATIONS = ROOT / migrations.FOLDER
# What statistics know: a new owner is expected to have five entries.
OTHERS = """
WITH made AS (
    INSERT INTO regulated.accounts (owner, name, currency)
    SELECT 'other-' || n, 'x', 'CAD' FROM generate_series(1, 1000) AS n RETURNING owner, id
)
INSERT INTO regulated.ledger_entries (owner, account_id, description, amount_cents, currency)
SELECT owner, id, 'x', 1, 'CAD' FROM made, generate_series(1, 5)
"""
# What is not as it has to be: each member is shown its own rows alone, whoever asks.
UNGUARDED = """
SELECT format('%s: has to have row-level security, forced, and of_subject as its only policy', c.oid::regclass)
FROM pg_class c
LEFT JOIN LATERAL (
    SELECT string_agg(concat_ws(' ', polname, pg_get_expr(polqual, polrelid)), '; ') AS text
    FROM pg_policy WHERE polrelid = c.oid
) policies ON true
WHERE c.relnamespace = 'regulated'::regnamespace AND c.relkind IN ('r', 'p', 'f', 'm', 'v')
-- yoyo's record of what was applied holds nobody's rows.
AND c.relname !~ '^_?yoyo_'
AND NOT (
    c.relrowsecurity AND c.relforcerowsecurity AND policies.text IS NOT DISTINCT FROM
    $$of_subject (owner = NULLIF(current_setting('app.subject'::text, true), ''::text))$$
)
"""
OLD = "INSERT INTO regulated.ledger_entries (description, amount_cents, currency) VALUES ('before', 1, 'CAD')"


@pytest.mark.slow
def test_the_edge() -> None:
    ran = subprocess.run(["npm", "test", "--silent"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r" pass [1-9]", ran.stdout), ran.stdout


class ApiDatabase:
    """The database of a host, with the API's migrations; an entry was there before entries had owners."""

    def __init__(self, host: HostUnderTest, folder: Path) -> None:
        self.host = host
        self.passwords = {role["name"]: role["password"] for role in host.spec["postgres"]["roles"]}
        self.name = host.spec["postgres"]["database"]
        before = folder / "before"
        before.mkdir()
        for path in MIGRATIONS.glob("000[12]_*.sql"):
            shutil.copy(path, before)
        self.migrate(before)
        with self.connect("app") as connection:
            connection.execute(OLD)
        self.migrate(MIGRATIONS)
        host.superuser(OTHERS)
        host.superuser("ANALYZE regulated.ledger_entries")

    def migrate(self, folder: Path) -> list[str]:
        place = {"host": "localhost", "port": str(self.host.spec["postgres"]["port"]), "dbname": self.name}
        tls = {"sslmode": "verify-full", "sslrootcert": str(self.host.authorities)}
        return migrations.apply({"user": "migrator", "password": self.passwords["migrator"], **place, **tls}, folder)

    def connect(self, role: str) -> psycopg.Connection[Any]:
        return self.host.connect(role)

    def pooled(self, role: str) -> str:
        """As Hyperdrive is given it."""
        place = f"127.0.0.1:{self.host.spec['pooler']['port']}/{self.name}"
        return f"postgres://{role}:{quote(self.passwords[role], safe='')}@{place}"


@pytest.fixture(scope="module")
def database(host: HostUnderTest, tmp_path_factory: pytest.TempPathFactory) -> ApiDatabase:
    return ApiDatabase(host, tmp_path_factory.mktemp("migrations"))


@pytest.mark.slow
def test_the_api_on_a_database(database: ApiDatabase) -> None:
    urls = {role: database.pooled(role) for role in ("app", "public_read")}
    environment = {**os.environ, "TEST_DATABASES": json.dumps(urls)}
    argv = ["npm", "run", "--silent", "test-database"]
    ran = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r" pass [1-9]", ran.stdout), ran.stdout


@pytest.mark.slow
def test_an_entry_from_before_there_were_owners_stays_and_is_nobodys(database: ApiDatabase) -> None:
    assert database.host.superuser("SELECT count(*) FROM regulated.ledger_entries WHERE owner = ''") == "1"
    for role in ("app", "read_only", "migrator"):
        with database.connect(role) as connection:
            assert connection.execute("SELECT FROM regulated.ledger_entries").fetchall() == []
            with connection.transaction():
                connection.execute("SELECT set_config('app.subject', '', true)")
                assert connection.execute("SELECT FROM regulated.ledger_entries").fetchall() == []


@pytest.mark.slow
def test_each_regulated_table_shows_a_member_its_own_rows_alone(database: ApiDatabase) -> None:
    assert database.host.superuser(UNGUARDED) == ""


def test_each_migration_follows_the_one_before_and_can_be_taken_back() -> None:
    names = sorted(path.stem for path in MIGRATIONS.glob("*.sql") if not path.stem.endswith(".rollback"))
    for before, name in itertools.pairwise(names):
        row = f"-- depends: {before}"
        assert row in (MIGRATIONS / f"{name}.sql").read_text().splitlines(), f"{name}.sql: has to have `{row}`"
    rollbacks = {path.name for path in MIGRATIONS.glob("*.rollback.sql")}
    assert rollbacks == {f"{name}.rollback.sql" for name in names}


@pytest.mark.slow
def test_owners_are_not_rolled_back_while_entries_have_them(database: ApiDatabase) -> None:
    rollback = (MIGRATIONS / "0003_accounts.rollback.sql").read_bytes()
    with database.connect("migrator") as connection, connection.transaction(force_rollback=True):
        connection.execute("SELECT set_config('app.subject', 'member-1', true)")
        with connection.transaction(force_rollback=True):
            connection.execute("DELETE FROM regulated.ledger_entries")
            connection.execute("INSERT INTO regulated.accounts (name, currency) VALUES ('x', 'CAD')")
            connection.execute(
                "INSERT INTO regulated.ledger_entries (account_id, description, amount_cents, currency)"
                " SELECT id, 'x', 1, 'CAD' FROM regulated.accounts"
            )
            with pytest.raises(psycopg.errors.RaiseException, match="has rows with an owner"):
                connection.execute(rollback)


@pytest.mark.slow
def test_reads_go_on_when_a_migration_does_not_get_its_lock(database: ApiDatabase, tmp_path: Path) -> None:
    shutil.copytree(MIGRATIONS, tmp_path, dirs_exist_ok=True)
    change = "ALTER TABLE regulated.ledger_entries ADD COLUMN trial int;"
    (tmp_path / "9999_trial.sql").write_text(f"-- depends: 0003_owner_indexes\n\n{change}\n")
    faults: list[str] = []

    def migrate() -> None:
        try:
            database.migrate(tmp_path)
        except LocalError as error:
            faults.append(str(error))

    with database.connect("app") as holder, holder.transaction(), database.connect("app") as reader:
        holder.execute("SELECT FROM regulated.ledger_entries")
        running = threading.Thread(target=migrate)
        running.start()
        waiting = "SELECT FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted"
        until(lambda: reader.execute(waiting).fetchone() is not None)
        reader.execute("SET statement_timeout = '10s'")
        reader.execute("SELECT FROM regulated.ledger_entries")
        running.join()
    assert len(faults) == 1
    assert "9999_trial: what it changes has been in use for 3s" in faults[0]
