"""No look of pgBackRest's for WAL is taken for a fault because PostgreSQL begins at that moment."""

import json
import sys

import pytest

from local.host import namespace
from tests.commands import ran
from tests.host.recovery.site import Site
from tests.run.soak import trials

pytestmark = pytest.mark.slow

TIMES = trials(4, 1000)


def test_a_label_that_comes_and_goes_is_no_fault(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.done({"act": "list"})
    spec = site.host.root.with_name("recovery.json")
    argv = [sys.executable, "-m", "tests.host.recovery.label_race", str(spec), str(site.host.root), str(TIMES)]
    answer = ran(namespace.enter(site.host.pid, argv), timeout=280)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    with capsys.disabled():
        print(f"archive-get while a label comes and goes: {found}")
    assert (found["codes"], found["fault"]) == ([0], None)
