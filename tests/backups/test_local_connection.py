"""A restore in place on the local stack: what is stopped and started when, also when a step fails."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from backups import engine_process
from backups.errors import BackupError
from backups.local_connection import LocalConnection
from backups.request import target
from host.recovery.contract import RestoreRequest
from local.common import lock, room
from local.common.errors import LocalError
from local.host import database
from local.stack import verified
from tests.backups.answering import plan

STAGED = {"plan": plan(into="main").model_dump(mode="json", by_alias=True), "staged": "main.staged-1"}
ANSWERS: dict[str, dict[str, Any]] = {"stage": STAGED, "swap": {"kept": "main.before-1"}, "unswap": {}}


class Host(LocalConnection):
    """A connection to a host that notes what is asked of it; `failing` steps are refused, each so many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **failing: int) -> None:
        self.done: list[str] = []
        self.failing = failing
        self.say: Callable[[str], None] = lambda _: None
        self._route = SimpleNamespace(postgres=SimpleNamespace(name="postgres"), pooler=SimpleNamespace(name="pooler"))
        supervisor = SimpleNamespace(halt=lambda _: self._step("halt"), ensure=lambda _: None)
        here: Any = SimpleNamespace(state=None, supervisor=supervisor)
        self.here = here
        monkeypatch.setattr(lock, "hold", self._held)
        monkeypatch.setattr(verified, "forget", lambda _: self.done.append("forget"))
        monkeypatch.setattr(database, "wait_socket", lambda *_: self._step("start"))

    @property
    def route(self) -> Any:
        return self._route

    @contextmanager
    def _held(self, _: object) -> Iterator[None]:
        self.done.append("lock")
        yield
        self.done.append("unlock")

    def _step(self, name: str) -> None:
        self.done.append(name)
        if self.failing.get(name):
            self.failing[name] -= 1
            raise LocalError(f"{name}: failed")

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._step(request["act"])
        return dict(ANSWERS[request["act"]])

    def restore(self, to: str = "xid:700") -> Any:
        wanted = RestoreRequest(act="restore", target=target(to), into="main", replace="main")
        return self.restore_in_place(wanted)


def test_the_server_goes_on_while_the_new_data_are_staged(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch)
    assert host.restore().plan.keeps == "main.before-1"
    assert host.done == ["lock", "forget", "stage", "halt", "swap", "start", "forget", "unlock"]


def test_for_the_newest_state_it_is_stopped_first(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch)
    host.restore("latest")
    assert host.done == ["lock", "forget", "halt", "stage", "swap", "start", "forget", "unlock"]


@pytest.mark.parametrize(("step", "to"), [("stage", "xid:700"), ("stage", "latest"), ("swap", "xid:700")])
def test_when_a_step_fails_the_old_data_serve_again(step: str, to: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, **{step: 1})
    with pytest.raises(LocalError, match=step):
        host.restore(to)
    assert host.done.count("halt") == host.done.count("start")
    assert host.done[-2:] == ["start" if "halt" in host.done else "stage", "forget"]
    assert "unswap" not in host.done


def test_restored_data_that_do_not_start_are_swapped_back(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, start=1)
    with pytest.raises(BackupError, match="did not start, so the old data serve again: start: failed"):
        host.restore()
    assert host.done == ["lock", "forget", "stage", "halt", "swap", "start", "halt", "unswap", "start", "forget"]


def test_a_server_that_does_not_run_is_started_by_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BackupError("backup: PostgreSQL does not run, and only one that runs can be backed up")

    host = Host(monkeypatch)
    host.route.recovery, host.route.interrupt_recovery = list, None
    monkeypatch.setattr(engine_process, "run", refuse)
    monkeypatch.setattr(room, "fault", lambda _: None)
    with pytest.raises(BackupError, match=r"can be backed up; `\./hybrid local up` starts it"):
        LocalConnection.ask(host, {"act": "backup"})


def test_in_a_container_it_is_refused_before_anything_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch)
    host.route.pooler.name = "postgres"
    with pytest.raises(BackupError, match="in a container PostgreSQL can't be stopped alone; allowed: "):
        host.restore()
    assert host.done == []
