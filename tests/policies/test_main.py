"""The pack of every rule as the engine starts it: by its folder, which is the first that Python looks into."""

import subprocess
import sys
from pathlib import Path

from tests.commands import ROOT


def test_no_room_stands_for_a_module_of_pythons_own(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.symlink_to(ROOT / "policies")
    # Whatever the libraries import later finds what is found here.
    program = """
import runpy, sys
import policies.rules.rule
def serve(*_):
    sys.modules.pop("secrets", None)
    import secrets
    print(secrets.token_hex)
policies.rules.rule.serve = serve
runpy.run_path(sys.argv[1], run_name="__main__")
"""
    for given in (ROOT / "policies", folder):
        ran = subprocess.run(
            [sys.executable, "-c", program, str(given)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert ran.stdout.startswith("<function token_hex"), ran.stderr
