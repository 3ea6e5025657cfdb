"""`./hybrid drill` by its exit code: what misses a target, or could not go on, is no drill that passed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from backups import connect
from backups.errors import BackupError
from host.recovery.contract import Evidence, document
from scripts.drill import drill
from tests.backups import answering

app = Typer()
app.command()(drill)


class Engine:
    """Answers one drill, and nothing else: there is no picture."""

    stack = "dev"
    evidence = Path()

    def __init__(self, found: Evidence) -> None:
        self.found = found
        self.asked: list[Mapping[str, Any]] = []

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if request["act"] != "drill":
            raise BackupError("not now")
        return document(self.found)


def drilled(monkeypatch: pytest.MonkeyPatch, engine: Engine, *arguments: str) -> Result:
    monkeypatch.setattr(connect, "connect", lambda *_: engine)
    return CliRunner().invoke(app, arguments)


def test_a_drill_that_passed_ends_with_0(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = drilled(monkeypatch, Engine(answering.evidence()), "--output", str(tmp_path))
    assert answer.exit_code == 0, answer.output


def test_a_recovery_that_took_too_long_ends_with_1_and_leaves_its_evidence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes = {"recovery_time_seconds": 1900.5, "is_passed": False}
    late = answering.evidence(faults=["recovery took 1900.5 s; the target is 1800 s"], **changes)
    answer = drilled(monkeypatch, Engine(late), "--output", str(tmp_path))
    assert answer.exit_code == 1
    assert "recovery took 1900.5 s; the target is 1800 s" in answer.output
    (path,) = tmp_path.glob("*.json")
    assert json.loads(path.read_text())["is_passed"] is False


def test_a_drill_that_could_not_go_on_ends_with_1_and_leaves_its_evidence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "restores": [],
        "windows": [],
        "recovery_point_seconds": None,
        "recovery_time_seconds": None,
    }
    stopped = answering.evidence(faults=["store: does not answer"], is_passed=False, **changes)
    answer = drilled(monkeypatch, Engine(stopped), "--output", str(tmp_path))
    assert answer.exit_code == 1
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md"]


def test_a_point_is_asked_for_by_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine = Engine(answering.evidence())
    drilled(monkeypatch, engine, "--output", str(tmp_path), "--at", "2026-11-21T10:00:00Z")
    assert engine.asked[0] == {"act": "drill", "seed": None, "at": "2026-11-21T10:00:00.000000Z"}
    answer = drilled(monkeypatch, engine, "--at", "yesterday")
    assert answer.exit_code == 2
