"""Restores and drills on the real local stack: beside the cluster that serves, in its place, and to prove the rest."""

import json
import os
import re
import signal
import subprocess
import textwrap
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.backups.on_stack import listed
from tests.commands import ran
from tests.local.stack_under_test import StackUnderTest, add_entry, descriptions
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]


def done(stack: StackUnderTest, *arguments: str) -> str:
    """What a command prints that has to succeed."""
    answer = stack.told(*arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def now(stack: StackUnderTest) -> str:
    """The database's own clock."""
    found = datetime.fromisoformat(stack.psql("SELECT clock_timestamp()"))
    return found.astimezone(UTC).isoformat()


def test_a_cluster_is_restored_beside_reached_and_discarded(stack: StackUnderTest) -> None:
    add_entry(stack, "for the side")
    answer = stack.hybrid("restore", "--to", "latest", "--into", "side", "--apply", "--json")
    assert answer.returncode == 0, answer.stderr
    port = json.loads(answer.stdout)["cluster"]["port"]
    count = "SELECT count(*) FROM regulated.ledger_entries WHERE description = 'for the side'"
    assert stack.psql(count, port=port) == "1"
    assert [one["name"] for one in listed(stack)["restored"]] == ["side"]
    assert "would be deleted" in done(stack, "restore", "--discard", "side")
    assert "side: deleted, " in done(stack, "restore", "--discard", "side", "--apply")
    assert listed(stack)["restored"] == []


def test_deleted_rows_come_back_in_place_and_pooled_connections_recover(stack: StackUnderTest) -> None:
    add_entry(stack, "deleted by mistake")
    moment = now(stack)
    stack.psql("DELETE FROM regulated.ledger_entries")
    assert descriptions(stack) == []
    arguments = ["restore", "--to", moment, "--into", "main", "--replace", "main", "--apply", "--json"]
    found = json.loads(done(stack, *arguments))
    assert "deleted by mistake" in until(lambda: _descriptions(stack))
    assert found["seconds"]["stopped"] < 30
    kept = found["plan"]["keeps"]
    assert [(one["name"], one["kind"]) for one in listed(stack)["restored"]] == [(kept, "kept")]
    assert stack.told("local", "verify", "--requests", "20").returncode == 0
    # Rows out of what was kept.
    assert "would be started beside main" in done(stack, "restore", "--open", kept)
    assert f"{kept}: runs beside main; reach it: " in done(stack, "restore", "--open", kept, "--apply")
    (opened,) = listed(stack)["restored"]
    assert stack.psql("SELECT count(*) FROM regulated.ledger_entries", port=opened["port"]) == "0"
    merged(stack, opened["port"])
    assert f"{kept}: stopped" in done(stack, "restore", "--close", kept, "--apply")
    done(stack, "restore", "--discard", kept, "--apply")


def merged(stack: StackUnderTest, port: int) -> None:
    """Word for word docs/runbooks/restore.md, beside a client's transaction that has drawn keys of the kept rows."""
    into = "INSERT INTO regulated.ledger_entries OVERRIDING SYSTEM VALUE"
    some = into + " SELECT id, '{}', 1, 'CAD', now(), '' FROM {} AS id"
    stack.psql("BEGIN READ WRITE", some.format("kept", "generate_series(1000, 1008)"), "COMMIT", port=port)
    waiting = "WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) LOOP PERFORM pg_sleep(0.05); END LOOP"
    client = ["BEGIN", some.format("open", "generate_series(1000, 1004)"), f"DO 'BEGIN {waiting}; END'", "COMMIT"]
    with ThreadPoolExecutor() as pool:
        open_transaction = pool.submit(stack.psql, *client)
        until(lambda: stack.psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %WHILE%'") == "1")
        told = followed(stack, port)
        open_transaction.result()
    assert "all 9 kept rows are there, 5 of them with new keys" in told
    assert "all 9 kept rows are there, 5 of them with new keys" in followed(stack, port)
    of_each = "SELECT description, count(*) FROM regulated.ledger_entries WHERE id >= 1000 GROUP BY 1 ORDER BY 1"
    assert stack.psql(of_each).splitlines() == ["kept|9", "open|5"]


def followed(stack: StackUnderTest, port: int) -> str:
    """What the commands of "Rows out of what was kept" that bring the rows over say."""
    page = (stack.project / "docs/runbooks/restore.md").read_text().partition("## Rows out of what was kept")[2]
    block = textwrap.dedent(page.partition("bring the rows over")[2].split("```")[1].removeprefix("console"))
    script = re.sub("^\\$ ", "", block, flags=re.MULTILINE).replace("8712", str(port))
    answer = ran(["bash", "-e", "-c", script], cwd=stack.project, env=stack.environment)
    assert answer.returncode == 0, answer.stderr
    return answer.stderr


def _descriptions(stack: StackUnderTest) -> list[str]:
    """None while a pooled connection of before is found broken."""
    try:
        return descriptions(stack)
    except AssertionError:
        return []


def test_a_drill_passes_and_leaves_its_evidence(stack: StackUnderTest, tmp_path: Path) -> None:
    answer = stack.hybrid("drill", "--seed", "7", "--output", str(tmp_path))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "local: passed in " in answer.stdout
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md", ".svg"]
    (path,) = tmp_path.glob("*.json")
    found = json.loads(path.read_text())
    assert (found["seed"], found["stack"], found["is_passed"]) == (7, "local", True)
    secrets = json.loads((stack.state / "secrets.json").read_text())
    texts = "".join(one.read_text() for one in tmp_path.iterdir())
    assert [name for name, value in _leaves(secrets) if len(value) > 8 and value in texts] == []


def _leaves(found: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(found, dict):
        return [leaf for key, value in found.items() for leaf in _leaves(value, key)]
    return [(name, str(found))]


def test_a_drill_that_is_interrupted_leaves_nothing(stack: StackUnderTest, tmp_path: Path) -> None:
    argv = ["env", "--default-signal=INT", str(stack.project / "hybrid"), "drill", "--output", str(tmp_path / "none")]
    with subprocess.Popen(
        argv, env=stack.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        while "recovering" not in (line := process.stderr.readline()):
            assert line
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted: the host ends what it began" in said
    assert "Traceback" not in said
    assert not (tmp_path / "none").exists()
    assert listed(stack)["leftovers"] == []
    assert [line for line in stack.command_lines() if "host.recovery" in line] == []
