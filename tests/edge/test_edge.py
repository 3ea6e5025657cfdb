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


def test_every_route_has_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests/edge").glob("*.test.ts"))
    routes = sorted((ROOT / "apps/worker/src/routes").glob("*.ts"))
    paths = {path: re.findall(r'path: "(/[a-z][^"{]*)', path.read_text()) for path in routes}
    assert len(paths) >= 4
    missing = [
        f"tests/edge/api.test.ts: add a test of {url or 'its path'} ({path.relative_to(ROOT)})"
        for path, urls in paths.items()
        for url in urls or [""]
        if not url or url not in tests
    ]
    assert not missing, "\n".join(missing)
