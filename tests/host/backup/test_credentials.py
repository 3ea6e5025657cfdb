"""The rotating key of the host's identity, as pgBackRest is handed it."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from host.backup import credential_process
from host.backup.credential_process import credentials
from host.backup.credentials import PROGRAM_CHECK

AGENTS = "[default]\naws_access_key_id = key-1\naws_secret_access_key = se%cret\naws_session_token = token=1\n"


def test_the_agents_key_becomes_a_credential_process_answer() -> None:
    assert credentials(AGENTS, 1_800_000_000) == {
        "Version": 1,
        "AccessKeyId": "key-1",
        "SecretAccessKey": "se%cret",
        "SessionToken": "token=1",
        "Expiration": "2027-01-15T08:15:00Z",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "profile default lacks aws_access_key_id, aws_secret_access_key, aws_session_token"),
        (AGENTS.replace("aws_session_token", "other"), "profile default lacks aws_session_token$"),
        ("se%cret", "is not an AWS credentials file"),
    ],
)
def test_a_key_that_is_not_whole_is_refused_without_showing_it(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}") as refusal:
        credentials(text, 0)
    assert "se%cret" not in str(refusal.value)


def run(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    user = pwd.getpwuid(os.getuid()).pw_name
    program = [sys.executable, "-I", credential_process.__file__, str(source), str(target), user]
    return subprocess.run(program, capture_output=True, text=True, timeout=20, check=False)


def test_the_answer_is_readable_by_its_user_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "credentials", tmp_path / "answer.json"
    source.write_text(AGENTS)
    assert run(source, target).returncode == 0
    assert json.loads(target.read_text())["AccessKeyId"] == "key-1"
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("more", "expected"), [("", 0), ("\nimport (\n", 1)])
def test_a_program_that_is_no_python_is_refused(tmp_path: Path, more: str, expected: int) -> None:
    path = tmp_path / "program.py.new"
    path.write_text(Path(credential_process.__file__).read_text() + more)
    check = PROGRAM_CHECK.format(path)
    assert subprocess.run(["sh", "-c", check], capture_output=True, timeout=20).returncode == expected


def test_a_broken_source_leaves_the_answer_before(tmp_path: Path) -> None:
    source, target = tmp_path / "credentials", tmp_path / "answer.json"
    source.write_text(AGENTS)
    run(source, target)
    source.write_text("[default]\n")
    answer = run(source, target)
    assert answer.returncode == 1
    assert json.loads(target.read_text())["AccessKeyId"] == "key-1"
    source.unlink()
    assert "No such file" in run(source, target).stderr
