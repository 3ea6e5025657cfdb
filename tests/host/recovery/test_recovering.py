"""The settings that a restored cluster recovers with, and what its server has said."""

import re
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest

from host.database import tuning
from host.recovery import recovering, tablespaces
from host.recovery.clusters import working
from host.recovery.contract import Target
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine
from host.recovery.recovering import Purpose, Server, running
from tests.host.recovery.machine import machine
from tests.host.specs import spec
from tests.waiting import until

LATE = 'FATAL:  directory "/srv/late" does not exist'


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (LATE, "/srv/late"),
        ('FATAL:  directory "/srv/a "quoted" name" does not exist', '/srv/a "quoted" name'),
        ('PANIC:  could not set permissions on directory "/srv/"x"": Read-only file system', '/srv/"x"'),
        ('FATAL:  could not create directory "/srv/"x"/PG_17_202406281": Read-only file system', '/srv/"x"'),
        ("FATAL:  database files are incompatible with server", None),
    ],
)
def test_the_folder_that_a_recovery_wants_is_found(said: str, path: str | None) -> None:
    log = f"2026-11-30 12:00:00.000 UTC [7] {said}\n"
    assert tablespaces.wanted(log) == (path and PurePosixPath(path))


def said(server: Server, reason: str) -> bool:
    return reason in server.log()


def test_the_reason_is_that_of_the_last_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on = machine(tmp_path)
    with working(on) as work:
        for reason in (LATE, "FATAL:  the second reason"):
            argv = ["sh", "-c", 'echo "now [7] $1"', "sh", reason]
            monkeypatch.setattr(Machine, "command", lambda *_, argv=argv, **__: argv)
            with running(work, work.settings, {}) as server, suppress(RecoveryError):
                until(partial(said, server, reason))
                server.stop()
            assert recovering.fatal(server.log()) == reason.partition("  ")[2]


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
