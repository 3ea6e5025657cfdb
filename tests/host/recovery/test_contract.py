"""Requests that are refused, and answers of an older or a newer engine."""

import base64
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from host.recovery.__main__ import main
from host.recovery.contract import Plan, Restored, Source, Target, parse, sent, written
from host.recovery.errors import RecoveryError
from tests.host.recovery.held import backup


def faults(**request: Any) -> list[str]:
    with pytest.raises(RecoveryError) as caught:
        parse(json.dumps(request))
    return caught.value.faults


def test_all_faults_of_a_request_are_named_at_once() -> None:
    found = faults(act="restore", target={"kind": "xid", "value": "x"}, into="../main", more=1)
    assert len(found) == 3
    assert any("is not a transaction number" in fault for fault in found)
    assert any("request.into: is not a name" in fault for fault in found)
    assert any("request.more: unknown" in fault for fault in found)


@pytest.mark.parametrize(
    ("kind", "value", "more"),
    [
        ("time", "2026-11-01 10:00", {}),
        ("time", "yesterday", {}),
        ("lsn", "5000", {}),
        ("xid", "2", {}),
        ("xid", "-5", {}),
        ("name", "x" * 64, {}),
        ("name", "two\nlines", {}),
        ("name", "point", {"is_exclusive": True}),
        ("latest", "now", {}),
        ("time", None, {}),
        ("latest", None, {"set": "../../x"}),
        ("latest", None, {"timeline": 0}),
    ],
)
def test_a_target_that_could_mean_anything_is_refused(kind: str, value: str | None, more: dict[str, Any]) -> None:
    (fault,) = faults(act="plan", target={"kind": kind, "value": value, **more}, into="copy")
    assert fault.startswith("request.target")


@pytest.mark.parametrize("name", ["main/../x", ".hybrid", "main.before-/x", "", "A"])
def test_a_name_never_leaves_its_folder(name: str) -> None:
    assert faults(act="discard", name=name)


def test_a_request_that_is_no_request_is_refused() -> None:
    for text in ("", "[]", "{", '{"act": "drop"}'):
        with pytest.raises(RecoveryError, match="request"):
            parse(text)


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    montreal = timezone(timedelta(hours=-5))
    assert written(datetime(2026, 11, 21, 7, 0, 0, 5, tzinfo=montreal)) == "2026-11-21T12:00:00.000005Z"


def test_of_what_an_act_does_not_give_nothing_is_sent() -> None:
    plan = Plan(target=Target(kind="latest"), source=Source(), into="main", backup=backup(2, references=("a", "b")))
    answer = sent(Restored(plan=plan, staged="main.staged-20261121-120000"))
    assert answer.keys() == {"plan", "staged"}
    assert answer["plan"]["backup"].keys() & {"label", "references", "timeline"} == {"label", "timeline"}


def test_an_answer_of_another_engine_is_read() -> None:
    earlier = {"target": {"kind": "latest"}, "source": {"repository": "copy"}, "into": "main"}
    assert Plan.model_validate(earlier).faults == []
    later = {"target": {"kind": "latest", "set": None, "more": 1}, "source": {"more": 1}, "into": "main", "more": 1}
    assert Plan.model_validate(later).source == Source()


def test_a_specification_that_went_with_a_reboot_is_told_with_the_way_to_have_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Both would outlive the call.
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    request = base64.b64encode(b'{"act": "drill"}').decode()
    assert main([str(tmp_path / "specification.json"), "--root", str(tmp_path), "--request", request]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert "after a reboot the next convergence writes it" in fault
