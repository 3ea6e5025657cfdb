"""What Node.js runs, `npm test`, is a part of the run: ended with it, and looked after by it."""

import json
import os
import re
import subprocess
from urllib.parse import quote

import pytest

from local.host import migrations
from plan.project import ROOT
from tests.host.running import HostUnderTest


@pytest.mark.slow
def test_the_edge() -> None:
    ran = subprocess.run(["npm", "test", "--silent"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r" pass [1-9]", ran.stdout), ran.stdout


@pytest.mark.slow
def test_the_api_on_a_database(host: HostUnderTest) -> None:
    database = host.spec["postgres"]["database"]
    passwords = {role["name"]: role["password"] for role in host.spec["postgres"]["roles"]}
    place = {"host": "localhost", "port": str(host.spec["postgres"]["port"]), "dbname": database}
    tls = {"sslmode": "verify-full", "sslrootcert": str(host.authorities)}
    migrations.apply({"user": "migrator", "password": passwords["migrator"], **place, **tls}, ROOT / migrations.FOLDER)
    address = f"127.0.0.1:{host.spec['pooler']['port']}/{database}"
    urls = {role: f"postgres://{role}:{quote(passwords[role], safe='')}@{address}" for role in ("app", "public_read")}
    environment = {**os.environ, "TEST_DATABASES": json.dumps(urls)}
    argv = ["npm", "run", "--silent", "test-database"]
    ran = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
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
