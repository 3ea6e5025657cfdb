"""One run at a time, all stages in their order up to the first that fails, one report, and no secret left on a disk."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from host import converge
from host.apply import STAGES
from host.common import convergence_lock
from host.common.convergence_lock import BusyError, alone
from host.common.layout import TOLD_TO_SERVE
from host.common.report import Failure, Report
from host.converge import main
from tests.host.specs import spec


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> dict[str, Report]:
    """What each stage reports; filled by the test, and every stage that ran is left in it, in order."""
    given: dict[str, Report] = {}
    ran: dict[str, Report] = {}

    def apply(spec: object, root: Path, stage: str, *, is_dry: bool) -> Report:
        ran[stage] = given.get(stage, Report())
        return ran[stage]

    monkeypatch.setattr(converge, "apply", apply)
    monkeypatch.setattr(converge, "prepare_process", lambda root: None)
    given["ran"] = ran  # type: ignore[assignment]
    return given


def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *options: str, **changes: Any
) -> tuple[int, dict[str, Any], str]:
    path = tmp_path / "declared.json"
    path.write_text(json.dumps(spec() | changes))
    code = main([str(path), "--root", str(tmp_path / "root"), *options])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def test_all_stages_run_in_their_order(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played["files"] = Report(changed=["PostgreSQL settings"])
    code, report, _ = run(tmp_path, capsys)
    assert (code, report["changed"], report["failed"]) == (0, {"files": ["PostgreSQL settings"]}, [])
    assert list(played["ran"]) == list(report["seconds"]) == list(STAGES)
    assert list(STAGES) == ["packages", "machine", "files", "services", "database", "upgrade", "tunnel", "backups"]


def test_nothing_runs_after_a_stage_that_failed(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played["machine"] = Report(failed=[Failure(operation="data disk", error="it isn't there")])
    code, report, output = run(tmp_path, capsys)
    assert code == 1
    assert report["failed"] == [{"stage": "machine", "operation": "data disk", "error": "it isn't there"}]
    assert "machine: data disk: it isn't there\n" in output
    assert list(played["ran"]) == ["packages", "machine"]


def test_a_fault_that_concerns_no_other_stage_stops_none(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played["files"] = Report(failed=[Failure(operation="server certificate", error="it expired")], may_go_on=True)
    code, report, _ = run(tmp_path, capsys)
    assert (code, list(report["seconds"])) == (1, list(STAGES))


def test_a_dry_run_names_the_stages_that_wait_for_others(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played["packages"] = Report(changed=["packages"])
    played["database"] = Report(failed=[Failure(operation="reading the host's state", error="no server")])
    code, report, _ = run(tmp_path, capsys, "--dry")
    assert (code, report["failed"], report["unknown"]) == (0, [], ["database"])


def test_the_secrets_are_in_one_file_of_roots(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report, output = run(tmp_path, capsys)
    kept = tmp_path / "root/run/hybrid/specification.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    password = spec()["postgres"]["roles"][1]["password"]
    assert password in json.loads(kept.read_text())["postgres"]["roles"][1]["password"]
    assert password not in json.dumps(report) + output


def test_that_a_host_is_to_serve_is_noted_until_it_boots_again(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "root" / TOLD_TO_SERVE.removeprefix("/")
    run(tmp_path, capsys, "--dry")
    run(tmp_path, capsys, postgres=spec(is_serving=False, origin="backup")["postgres"])
    assert not note.exists()
    run(tmp_path, capsys)
    assert note.exists()
    # In memory.
    assert TOLD_TO_SERVE.startswith("/run/")


def test_secrets_that_a_killed_run_left_are_removed(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "root/run/hybrid"
    folder.mkdir(parents=True)
    (folder / ".specification.json.killed.new").write_text("{")
    run(tmp_path, capsys)
    assert [path.name for path in folder.iterdir() if "specification" in path.name] == ["specification.json"]


def test_a_refused_specification_runs_no_stage(
    played: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report, _ = run(tmp_path, capsys, platform="moon")
    assert (code, played["ran"]) == (1, {})
    assert report["failed"][0]["error"].startswith("spec.platform: ")


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with alone(tmp_path):
            order.append("second")

    with alone(tmp_path):
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.1)
        order.append("first")
    waiting.join(10)
    assert order == ["first", "second"]


def test_a_run_that_never_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convergence_lock, "LOCK_SECONDS", 0)
    with alone(tmp_path), pytest.raises(BusyError, match="another run has not ended within 0 s"), alone(tmp_path):
        pass
