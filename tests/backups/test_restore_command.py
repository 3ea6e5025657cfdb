"""`./hybrid restore` by what it writes where: a plan, or why there is none."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from backups import connect
from backups.errors import BackupError
from host.recovery.contract import Plan, document
from scripts.restore import restore
from tests.backups import answering

app = Typer()
app.command()(restore)
TO_LATEST = ("--to", "latest", "--into", "side")


class Engine:
    """Answers a plan, and restores nothing."""

    stack = "dev"

    def __init__(self, found: Plan) -> None:
        self.found = found
        self.requests: list[Mapping[str, Any]] = []

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert request["act"] == "plan"
        self.requests.append(request)
        return document(self.found)


def restored(monkeypatch: pytest.MonkeyPatch, found: Plan, *arguments: str) -> Result:
    monkeypatch.setattr(connect, "connect", lambda *_: Engine(found))
    return CliRunner().invoke(app, [*TO_LATEST, *arguments])


def test_a_plan_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = restored(monkeypatch, answering.plan())
    assert answer.exit_code == 0, answer.output
    assert "20261121-070000F" in answer.stdout
    assert "nothing has been done" in answer.stderr


@pytest.mark.parametrize("arguments", [(), ("--apply",)])
def test_of_a_plan_that_can_not_be_only_the_faults_are_told(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    answer = restored(monkeypatch, answering.plan(faults=["side: no room", "side: no backup"]), *arguments)
    assert isinstance(answer.exception, BackupError)
    assert str(answer.exception) == "side: no room\nside: no backup"
    assert answer.stdout == ""


@pytest.mark.parametrize("arguments", [("--json",), ("--json", "--apply")])
def test_a_program_gets_the_faults_as_data(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    answer = restored(monkeypatch, answering.plan(faults=["side: no room"]), *arguments)
    assert isinstance(answer.exception, BackupError)
    assert json.loads(answer.stdout)["faults"] == ["side: no room"]


def test_the_loss_that_is_accepted_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(answering.plan())
    monkeypatch.setattr(connect, "connect", lambda *_: engine)
    CliRunner().invoke(app, [*TO_LATEST])
    CliRunner().invoke(app, [*TO_LATEST, "--accept-loss", "4711"])
    # An engine that does not know the field refuses it.
    assert [request.get("accepted_loss", "left out") for request in engine.requests] == ["left out", 4711]
    assert CliRunner().invoke(app, [*TO_LATEST, "--accept-loss", "0"]).exit_code == 2
