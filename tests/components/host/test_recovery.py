"""The documents that operators, and CI, send to a host: what they take, and what they run."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from components.host.document import TEMPLATES
from components.host.recovery import (
    DRILL_PARAMETERS,
    PARAMETERS,
    TIMEOUT_SECONDS,
    drill_content,
    recovery_content,
)
from host.recovery.contract import DrillRequest, parse
from tests.commands import ran

SCRIPT = TEMPLATES / "recovery.sh"
DRILL = TEMPLATES / "drill.sh"
PATTERN = PARAMETERS["Request"][1]
REQUEST = base64.b64encode(json.dumps({"act": "list"}).encode()).decode()


def test_systems_manager_takes_it() -> None:
    model = botocore.session.Session().get_service_model("ssm").operation_model("CreateDocument")
    document = {"Name": "p-postgres-recovery", "DocumentType": "Command", "TargetType": "/"}
    call = {**document, "DocumentFormat": "JSON", "Content": json.dumps(recovery_content())}
    assert not ParamValidator().validate(call, model.input_shape).has_errors()


def test_it_runs_one_script_for_half_a_day_at_most() -> None:
    content: dict[str, Any] = recovery_content()
    (step,) = content["mainSteps"]
    assert content["schemaVersion"] == "2.2"
    assert step["inputs"]["runCommand"] == SCRIPT.read_text().splitlines()
    assert int(step["inputs"]["timeoutSeconds"]) == TIMEOUT_SECONDS == 12 * 3600
    assert {key: value["allowedPattern"] for key, value in content["parameters"].items()} == {"Request": PATTERN}


@pytest.mark.parametrize("value", ["'; reboot; '", "$(reboot)", "a b", "a\nb", "", "a" * 8001, "{{ Request }}"])
def test_nothing_ends_the_requests_quotes(value: str) -> None:
    assert re.fullmatch(PATTERN, value) is None
    assert re.fullmatch(PATTERN, REQUEST)


@pytest.mark.parametrize("ends_with", [0, 1])
def test_the_engine_gets_the_request_and_its_end_is_the_scripts(ends_with: int, tmp_path: Path) -> None:
    """The script as the agent puts it together, with the two paths of a host below a folder."""
    current = tmp_path / "opt/hybrid/current"
    python = current / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\npwd\nprintf "%s\\n" "$@"\nexit {ends_with}\n')
    python.chmod(0o755)
    script = SCRIPT.read_text().replace("{{ Request }}", REQUEST).replace("/opt/", f"{tmp_path}/opt/")
    finished = ran(["sh", "-c", script], env={"PATH": os.defpath})
    assert finished.returncode == ends_with, finished.stderr
    where, *arguments = finished.stdout.splitlines()
    assert where == str(current)
    specification = ["/run/hybrid/specification.json", "--root", "/"]
    assert arguments == ["-m", "host.recovery", *specification, "--compact", "--request", REQUEST]


def test_the_drills_document_has_one_act_and_lets_in_a_seed_alone() -> None:
    content: dict[str, Any] = drill_content()
    (step,) = content["mainSteps"]
    assert step["inputs"]["runCommand"] == DRILL.read_text().splitlines()
    assert list(content["parameters"]) == ["Seed"]
    pattern = content["parameters"]["Seed"]["allowedPattern"]
    for value in ('1, "act": "restore"', "1}", "'", "", "-1", "null\n", "12345678901", "1e3", "nullnull"):
        assert re.fullmatch(pattern, value) is None


@pytest.mark.parametrize("seed", [None, 0, 4_294_967_295])
def test_the_drills_script_asks_for_a_drill_with_the_seed(seed: int | None, tmp_path: Path) -> None:
    value = json.dumps(seed)
    assert re.fullmatch(DRILL_PARAMETERS["Seed"][1], value)
    python = tmp_path / "opt/hybrid/current/venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\ncat\nprintf "\\n%s\\n" "$*"\nexit 1\n')
    python.chmod(0o755)
    script = DRILL.read_text().replace("{{ Seed }}", value).replace("/opt/", f"{tmp_path}/opt/")
    finished = ran(["sh", "-c", script], env={"PATH": os.defpath})
    request, arguments = finished.stdout.splitlines()
    assert parse(request) == DrillRequest(seed=seed)
    assert arguments == "-m host.recovery /run/hybrid/specification.json --root / --compact"
    assert finished.returncode == 1


def test_an_engine_that_is_interrupted_while_python_starts_ends_without_a_word() -> None:
    """It is started with the signal blocked, as it would else say where Python was; another it lets in."""
    engine = [sys.executable, "-m", "host.recovery", "specification.json", "--root", "/"]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process = subprocess.Popen(engine, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with process:
        process.send_signal(signal.SIGINT)
        # Its input stays open: unless it is told, it waits for a request.
        assert process.wait(60) == 130
        assert process.communicate() == (b"", b"")
