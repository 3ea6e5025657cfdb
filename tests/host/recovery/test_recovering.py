"""The settings that a restored cluster recovers with."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host.database import tuning
from host.recovery import recovering
from host.recovery.clusters import working
from host.recovery.contract import Target
from host.recovery.recovering import Purpose
from tests.host.recovery.machine import machine
from tests.host.specs import spec


def test_a_staged_cluster_writes_into_its_timeline_what_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path, postgres=spec(memory_mb=16384, cpus=8)["postgres"])
    tuned, situation = tuning.of(made.spec), SimpleNamespace(recovery_timeline="1")
    plan: Any = SimpleNamespace(choice=SimpleNamespace(is_end=False), target=Target(kind="latest"), situation=situation)
    # The backup's server was smaller in one, and larger in the other.
    monkeypatch.setattr(recovering, "minimums", lambda *_: {"max_connections": 5, "max_worker_processes": 999})
    with working(made) as work:
        recovering._configure(work, plan, Purpose("stage"), "false")
        found = dict(re.findall(r"^(\w+) = '(.*)'$", work.inside("settings/postgresql.conf").read_text(), re.MULTILINE))
    assert (found["max_connections"], found["max_worker_processes"]) == (str(tuned.max_connections), "999")
    assert tuned.max_connections > recovering.DEFAULTS["max_connections"]
