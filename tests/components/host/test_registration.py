"""The first script of a machine: it registers it, and does and holds nothing else."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from components.host.registration import SCRIPT, SETUP_URL

# What an activation is made of (botocore's model of Systems Manager).
IDENTIFIER, CODE = "b2a0d0b4-4d4c-4a5e-9b1f-0123456789ab", "Code/+0123456789abcd"
RECORDING = """#!/bin/sh
echo "${0##*/} $*" >>"$JOURNAL"
"""
DOWNLOADING = """
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho "ssm-setup-cli $*" >>"$JOURNAL"\\n' >"$2"
"""
FAILING_TWICE = """
[ "$(grep -c '^curl' "$JOURNAL")" -gt 2 ] || exit 22
"""


def rendered() -> str:
    parts = {"@URL@": SETUP_URL, "@REGION@": "ca-central-1", "@ID@": IDENTIFIER, "@CODE@": CODE}
    text = SCRIPT.read_text()
    for mark, value in parts.items():
        assert text.count(mark) == 1
        text = text.replace(mark, value)
    return text


def run(tmp_path: Path, **commands: str) -> tuple[int, list[str]]:
    """Runs the script for real, with stand-ins for what touches the machine; returns its exit code and its acts."""
    (tmp_path / "bin").mkdir()
    for name in ("apt-get", "curl", "sleep"):
        path = tmp_path / "bin" / name
        path.write_text(RECORDING + commands.get(name, ""))
        path.chmod(0o755)
    journal = tmp_path / "journal"
    journal.touch()
    environment = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "JOURNAL": str(journal),
        "TMPDIR": str(tmp_path),
    }
    finished = subprocess.run(["sh"], input=rendered(), env=environment, text=True, capture_output=True, timeout=60)
    return finished.returncode, journal.read_text().splitlines()


def test_it_is_far_below_lightsails_limit() -> None:
    # 16 KB (AWS, CreateInstances); Lightsail puts lines of its own before it.
    assert len(rendered()) < 2048


def test_it_is_a_shell_script() -> None:
    assert rendered().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n"], input=rendered(), text=True, check=True, timeout=60)


def test_it_comes_from_montreal_over_tls() -> None:
    assert re.findall(r"https?://[^\s\"]+", rendered()) == [SETUP_URL]
    assert SETUP_URL.startswith("https://amazon-ssm-ca-central-1.s3.ca-central-1.amazonaws.com/")


def test_it_fetches_checks_and_registers(tmp_path: Path) -> None:
    code, acts = run(tmp_path, curl=DOWNLOADING)
    assert code == 0
    assert acts == [
        "apt-get -qq update",
        "apt-get -qq -y install ca-certificates curl gnupg",
        f"curl -fsS --retry 5 --proto =https --tlsv1.2 -o ssm-setup-cli {SETUP_URL}",
        f"ssm-setup-cli -register -region ca-central-1 -activation-id {IDENTIFIER} -activation-code {CODE}",
    ]
    # Without that flag the agent's signature is checked.
    assert "-skip-signature-validation" not in acts[-1]


def test_it_tries_again(tmp_path: Path) -> None:
    code, acts = run(tmp_path, curl=FAILING_TWICE + DOWNLOADING)
    assert code == 0
    assert [act.partition(" ")[0] for act in acts].count("sleep") == 2


@pytest.mark.parametrize("command", ["apt-get", "curl"])
def test_it_gives_up_in_the_end(tmp_path: Path, command: str) -> None:
    code, acts = run(tmp_path, **{command: "exit 1\n"})
    assert code == 1
    assert not any(act.startswith("ssm-setup-cli") for act in acts)
    assert len([act for act in acts if act.startswith("sleep")]) == 10
