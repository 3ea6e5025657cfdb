"""`./hybrid db` on the real local stack, in good and in bad times."""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from database import status
from local.stack.up import Wish
from tests.database.conftest import Database, Sessions, sleeps
from tests.local.stack_under_test import StackUnderTest
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]
# What `./hybrid` itself needs, and no psql among it.
PROGRAMS = ("sh", "env", "dirname", "readlink", "nsenter", "chroot")


@pytest.fixture
def without_psql(tmp_path: Path) -> str:
    for name in PROGRAMS:
        (tmp_path / name).symlink_to(shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") or "")
    return str(tmp_path)


@pytest.fixture
def fenced(stack: StackUnderTest) -> Iterator[StackUnderTest]:
    """Told to stop serving; serves again afterwards."""
    stack.bring_up(wish=Wish(serves=False))
    try:
        yield stack
    finally:
        stack.bring_up(wish=Wish(serves=True))


def test_a_healthy_stack_has_nothing_critical(db: Database) -> None:
    answer = db.run("status", "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    document = json.loads(answer.stdout)
    assert document["role"] == "monitor"
    assert document["unseen"] == []
    assert {
        "versions",
        "disk",
        "wal",
        "would be lost",
        "archiving",
        "certificate",
        "cron jobs",
        "TimescaleDB jobs",
        "shared buffers",
    } <= {row["name"] for row in document["findings"]}


def test_status_says_what_the_monitor_may_not_see(db: Database) -> None:
    answer = db.told("status")
    assert "who never sees:\n  rows of any table" in answer.stdout
    assert "pgBackRest's repository" in answer.stdout


def test_the_versions_of_the_packages_are_found_and_bound_to_no_pin(db: Database) -> None:
    detail = db.findings()["versions"]["detail"]
    assert re.fullmatch(r"PostgreSQL 17\.[\d.]+, TimescaleDB 2\.[\d.]+, pgBackRest 2\.[\d.]+", detail)


def test_pgbackrest_that_can_not_be_seen_is_told_and_not_judged(db: Database, stack: StackUnderTest) -> None:
    change = "ALTER FOREIGN TABLE monitoring.backup_program OPTIONS (SET program '{}')"
    stack.psql(change.format("/bin/false"))
    try:
        document = json.loads(db.told("status", "--json").stdout)
    finally:
        stack.psql(change.format("/usr/bin/pgbackrest version"))
    (reason,) = document["unseen"]
    assert reason.startswith("pgBackRest: ")
    (versions,) = [row for row in document["findings"] if row["name"] == "versions"]
    assert (versions["level"], "pgBackRest" in versions["detail"]) == ("ok", False)


@contextmanager
def repository_read_by(stack: StackUnderTest, program: str) -> Iterator[None]:
    """In place of the program that reads it; `{}` is that one."""
    before = stack.psql(
        "SELECT option_value FROM pg_foreign_table, pg_options_to_table(ftoptions)"
        " WHERE option_name = 'program' AND ftrelid = 'monitoring.backup_repository'::regclass"
    )
    change = "ALTER FOREIGN TABLE monitoring.backup_repository OPTIONS (SET program $set${}$set$)"
    stack.psql(change.format(program.format(before)))
    try:
        yield
    finally:
        stack.psql(change.format(before))


# What pgBackRest said of a store that answered so.
REFUSALS = {
    "[ProtocolError] HTTP request failed with 403 (Forbidden):\n*** Path/Query ***:\nGET /backups": (
        "it can't be read: HTTP request failed with 403 (Forbidden); `./hybrid backup list` says why"
    ),
    "[ServiceError] [500] Internal Server Error\n    [ServiceError] on 7 retries: [500] Internal Server Error": (
        "it can't be read: [500] Internal Server Error; `./hybrid backup list` says why"
    ),
    "[CryptoError] unable to verify certificate presented by 'localhost:7404 (127.0.0.1)': [18] self-signed": (
        "it can't be read: the certificate of its store is not trusted; `./hybrid backup list` says why"
    ),
    "[HostConnectError] unable to connect to 'localhost:7404': [111] Connection refused": (
        "it can't be read: its store does not answer; `./hybrid backup list` says why"
    ),
    "[FormatError] of a kind that nobody has seen: password=hunter2": "all",
    "[UnknownError] that nobody has seen: password=hunter2": "it can't be read; `./hybrid backup list` says why",
    "[ProtocolError] HTTP request failed with 404 (Not Found):\n*** Path/Query ***:\nGET /backups": "all",
}


def test_a_repository_that_is_refused_is_told_with_the_stores_answer(sessions: Sessions, stack: StackUnderTest) -> None:
    for message, told in REFUSALS.items():
        info = [{"db": [], "repo": [{"status": {"code": 99, "message": message}}], "status": {"code": 99}}]
        said = shlex.quote(json.dumps(info)).replace("{", "{{").replace("}", "}}")
        with repository_read_by(stack, f"printf '%s\\n' {said}"), sessions.open("monitor") as connection:
            if told == "all":
                found = connection.execute("SELECT backups FROM monitoring.repository()").fetchone()
                assert found == (0,)
                continue
            with pytest.raises(psycopg.Error) as refused:
                connection.execute("SELECT * FROM monitoring.repository()")
            assert str(refused.value).splitlines()[0] == told


def test_log_whose_names_can_not_be_listed_in_time_is_told_and_not_ok(db: Database, stack: StackUnderTest) -> None:
    with repository_read_by(stack, "({}\n) | grep -v '^[.][.]'"):
        document = json.loads(db.told("status", "--json").stdout)
    (reason,) = document["unseen"]
    assert reason.startswith("log in the repository: its names could not be listed")
    assert document["level"] == "warning"


def test_the_buffers_of_postgresql_15_are_counted_as_the_summary_counts_them(sessions: Sessions) -> None:
    with sessions.open("monitor") as connection:
        counted, summary = (connection.execute(query.encode()) for query in (status.BUFFERS_OF_15, status.BUFFERS))
        assert [column.name for column in counted.description or ()] == [
            column.name for column in summary.description or ()
        ]
        one, other = counted.fetchone(), summary.fetchone()
    assert one
    assert other
    assert one[0] + one[1] == other[0] + other[1]
    assert one[0] == pytest.approx(other[0], rel=0.05)
    assert one[3] == pytest.approx(other[3], rel=0.1)


@contextmanager
def hanging_store(stack: StackUnderTest) -> Iterator[None]:
    """Ended, it would forget the backups."""
    workers = psutil.Process(stack.pid("objects")).children(recursive=True)
    for worker in workers:
        worker.suspend()
    try:
        yield
    finally:
        for worker in workers:
            worker.resume()


def test_while_the_backups_are_out_of_reach_status_works_and_says_so(db: Database, stack: StackUnderTest) -> None:
    with hanging_store(stack):
        stack.psql("SELECT pg_create_restore_point('out of reach'); SELECT pg_switch_wal()")
        found = until(lambda: (row := db.findings()["archiving"])["level"] != "ok" and row, each_seconds=0.5)
    assert found["detail"].startswith("fails: ")
    until(lambda: db.findings()["archiving"]["level"] == "ok", each_seconds=0.5)


def seen(db: Database) -> dict[str, Any]:
    """What the command finds, by name; nothing of a server that does not answer."""
    document = json.loads(db.told("status", "--json").stdout)
    return {row["name"]: row for row in document["findings"]}


def test_a_server_that_may_have_a_rival_is_critical_until_the_repository_is_reached(
    db: Database, stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert db.findings()["server"]["level"] == "ok"
    with hanging_store(stack):
        stack.kill("postgres")
        stack.here.supervisor.restart("postgres")
        until(lambda: "server" in seen(db), each_seconds=0.5)
        assert seen(db)["server"]["level"] == "ok"
        # Two minutes, in which a busy host may not have come to archive anything.
        monkeypatch.setattr("database.findings.UNREAD_SECONDS", 0)
        told = seen(db)["server"]
    assert told["level"] == "critical"
    assert "whether another host was promoted meanwhile is not known" in told["detail"]
    until(lambda: db.findings()["server"]["level"] == "ok", each_seconds=0.5)
    stack.bring_up()


def test_a_server_that_is_stopped_is_critical_until_it_goes_on(
    db: Database, stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP: its port takes connections, and nobody answers."""
    monkeypatch.setattr("database.access.CONNECT_SECONDS", 2)
    part = psutil.Process(stack.pid("postgres"))
    stopped = [part, *part.children(recursive=True)]
    for one in stopped:
        one.suspend()
    try:
        document = json.loads(db.told("status", "--json").stdout)
    finally:
        for one in stopped:
            one.resume()
    assert (document["level"], document["findings"], document["unseen"][0]) == ("critical", [], "server")
    until(lambda: db.findings()["server"]["level"] == "ok", each_seconds=0.5)


def test_top_shows_statements_without_their_values(db: Database, sessions: Sessions) -> None:
    with sessions.open("app") as connection:
        for number in range(3):
            connection.execute(
                f"SELECT 'patient {number}', count(*) FROM regulated.ledger_entries AS measured".encode()
            )
    answer = db.run("top", "-n", "1000", "--by", "calls", "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "patient" not in answer.stdout
    (row,) = [row for row in json.loads(answer.stdout) if row["query"].endswith("AS measured")]
    assert (row["calls"], row["rows"]) == (3, 3)


def test_top_cuts_statements_to_the_width(db: Database) -> None:
    answer = db.told("top", "-n", "5", COLUMNS="70")
    assert answer.returncode == 0
    assert len(answer.stdout.splitlines()) == 6
    assert all(len(line) <= 70 for line in answer.stdout.splitlines())


@pytest.mark.parametrize(
    ("role", "route"), [("read_only", "directly"), ("app", "through the pooler"), ("public_read", "through the pooler")]
)
def test_psql_takes_the_route_that_suits_the_role(db: Database, role: str, route: str) -> None:
    answer = db.run("psql", "--role", role, "--command", "SELECT session_user", "--", "-At")
    assert (answer.returncode, answer.stdout) == (0, f"{role}\n")
    assert answer.stderr == f"{role} on local, {route}\n"


def test_psql_runs_on_the_host_where_this_machine_has_none(db: Database, without_psql: str) -> None:
    for role in ("read_only", "app"):
        answer = db.run("psql", "--role", role, "-c", "SELECT session_user", "--", "-At", PATH=without_psql)
        assert (answer.returncode, answer.stdout) == (0, f"{role}\n"), answer.stderr


def test_psqls_exit_code_is_handed_on(db: Database) -> None:
    assert db.run("psql", "-c", "SELECT 1/0").returncode == 1


def test_ctrl_c_ends_the_statement_and_not_the_session(db: Database, sessions: Sessions) -> None:
    """As on a terminal: it goes to every process in the foreground."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "env", "--default-signal=INT", *db.command, "psql", "--", "-X", "-At"],
        stdin=other,
        stdout=other,
        stderr=other,
        env=db.environment | {"TERM": "dumb", "PAGER": "cat"},
    )
    os.close(other)
    try:
        seen = read_until(main, b"=> ")
        os.write(main, b"SELECT pg_sleep(50);\n")
        with sessions.open("monitor") as connection:
            until(lambda: sleeps(connection))
        os.write(main, b"\x03")
        seen = read_until(main, b"canceling statement")
        os.write(main, b"SELECT 'still ' || 'here';\n")
        seen = read_until(main, b"still here")
        os.write(main, b"\\q\n")
        assert process.wait(20) == 0
    finally:
        process.kill()
        os.close(main)
    assert b"Traceback" not in seen


def read_until(terminal: int, mark: bytes) -> bytes:
    seen = b""
    while mark not in seen:
        seen += os.read(terminal, 4096)
    return seen


def test_while_the_pooler_is_down_status_says_so_and_psql_goes_directly(db: Database, stack: StackUnderTest) -> None:
    stack.kill("pooler")
    try:
        told = json.loads(db.told("status", "--json").stdout)["findings"]
        answer = db.run("psql", "--role", "app", "-c", "SELECT 1")
    finally:
        stack.bring_up()
    assert [row["level"] for row in told if row["name"] == "pooler"] == ["warning"]
    assert answer.returncode == 0
    assert "the pooler does not answer; going to PostgreSQL directly" in answer.stderr


@pytest.mark.parametrize("arguments", [("psql", "--role", "owner"), ("psql", "--role", "nobody")])
def test_a_role_without_a_password_is_refused_with_those_that_have_one(
    db: Database, arguments: tuple[str, ...]
) -> None:
    answer = db.told(*arguments)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.count("\n") == 1
    assert "allowed: app, migrator, monitor, public_read, read_only" in answer.stderr


def test_while_postgresql_is_down_every_command_says_so_in_one_line(db: Database, stack: StackUnderTest) -> None:
    stack.kill("postgres")
    try:
        answers = [db.told(*arguments) for arguments in (("status",), ("top",), ("migrate",), ("migrate", "--apply"))]
        document = json.loads(db.told("status", "--json").stdout)
        psql = db.run("psql", "--role", "migrator", "-c", "SELECT 1")
    finally:
        stack.bring_up()
    assert (document["level"], document["findings"]) == ("critical", [])
    assert "Connection refused" in document["reason"]
    assert db.findings()["server"]["level"] == "ok"
    assert (psql.returncode, psql.stdout) == (1, "")
    assert psql.stderr.splitlines()[-1].endswith("`./hybrid local up` starts what is missing")
    for answer in answers:
        assert (answer.returncode, answer.stdout) == (1, ""), answer
        assert answer.stderr.startswith("hybrid: local: ")
        assert answer.stderr.endswith("see `./hybrid local status`; `./hybrid local up` starts what is missing\n")
        assert answer.stderr.count("\n") == 1


def test_on_a_host_that_serves_nobody_every_command_says_why(db: Database, fenced: StackUnderTest) -> None:
    commands = ["status"], ["migrate"], ["migrate", "--apply"], ["psql", "--role", "app", "-c", "SELECT 1"], ["psql"]
    for answer in [(db.run if arguments[0] == "psql" else db.told)(*arguments) for arguments in commands]:
        assert (answer.returncode, answer.stdout) == (1, ""), answer
        last = answer.stderr.splitlines()[-1]
        assert last.startswith("hybrid: local: ")
        assert last.endswith("a standby, or a host that was told to stop serving, accepts no clients")
