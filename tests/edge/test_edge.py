"""What Node.js runs, `npm test`, is a part of the run: ended with it, and looked after by it."""

import re
import subprocess

import pytest

from plan.project import ROOT


@pytest.mark.slow
def test_the_edge() -> None:
    ran = subprocess.run(["npm", "test", "--silent"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r" pass [1-9]", ran.stdout), ran.stdout
