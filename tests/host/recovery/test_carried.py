"""What Systems Manager carries: the document's own command line, and an answer that the client can unpack."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

from backups import systems_manager
from components.host.document import TEMPLATES
from tests.commands import ran
from tests.host.specs import spec

PROJECT = Path(__file__).parents[3]


def carried(request: dict[str, Any], folder: Path) -> tuple[int, dict[str, Any]]:
    """The document's script with a host's three places in a folder, and with the real engine."""
    specification = folder / "specification.json"
    specification.write_text(json.dumps(spec()))
    script = (TEMPLATES / "recovery.sh").read_text()
    for there, here in (
        ("/opt/hybrid/current", str(PROJECT)),
        ("venv/bin/python", sys.executable),
        ("/run/hybrid/specification.json", str(specification)),
        ("--root / ", f"--root {folder} "),
        ("{{ Request }}", base64.b64encode(json.dumps(request).encode()).decode()),
    ):
        assert there in script
        script = script.replace(there, here)
    finished = ran(["sh", "-c", script], env={"PATH": os.defpath})
    command = systems_manager.Command(ssm=None, node="mi-1", number="1")
    return finished.returncode, json.loads(systems_manager._unpacked(command, finished.stdout))


def test_faults_are_carried_too(tmp_path: Path) -> None:
    code, answer = carried({"act": "dance"}, tmp_path)
    assert code == 1
    assert answer["faults"]
