"""A restore in place on the local stack: what is stopped and started when, also when a step fails."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backups import engine_process
from backups.errors import BackupError, UnansweredError
from backups.local_connection import LocalConnection
from backups.request import target
from host.common import layout
from host.recovery.contract import RestoreRequest
from local.common import disk_space, lock
from local.common.errors import LocalError
from local.host import database, spec
from local.stack import verified
from tests.backups.answering import plan

STAGED = {"plan": plan(into="main").model_dump(mode="json", by_alias=True), "staged": "main.staged-1"}
ANSWERS: dict[str, dict[str, Any]] = {"stage": STAGED, "swap": {"kept": "main.before-1"}}
ANSWERS["unswap"] = {"kept": "main.undone-1"}
CLUSTERS = str(layout.data(spec.MAJOR).parent)


class Host(LocalConnection):
    """A connection to a host that notes what is asked of it; `failing` steps are refused, each so many times.

    `interrupted`: the step at which Ctrl-C comes. `clusters`: the folder that stands for its folder of clusters.
    """

    interrupted = ""
    ran = True
    clusters = Path("nowhere")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **failing: int) -> None:
        self.done: list[str] = []
        self.failing = failing
        self.said: list[str] = []
        self.say: Callable[[str], None] = self.said.append
        self.fault: type[Exception] = LocalError
        self._route = SimpleNamespace(
            postgres=SimpleNamespace(name="postgres"), pooler=SimpleNamespace(name="pooler"), in_host=self._in_host
        )
        supervisor = SimpleNamespace(halt=self._halt, ensure=lambda _: None)
        here: Any = SimpleNamespace(state=None, supervisor=supervisor)
        self.here = here
        monkeypatch.setattr(lock, "hold", self._held)
        monkeypatch.setattr(verified, "forget", lambda _: self.done.append("forget"))
        monkeypatch.setattr(database, "wait_socket", lambda *_: self._step("start"))

    @property
    def route(self) -> Any:
        return self._route

    def _halt(self, _: str) -> bool:
        self._step("halt")
        return self.ran

    @contextmanager
    def _held(self, _: object) -> Iterator[None]:
        self.done.append("lock")
        yield
        self.done.append("unlock")

    def _step(self, name: str) -> None:
        self.done.append(name)
        if self.failing.get(name):
            self.failing[name] -= 1
            raise self.fault(f"{name}: failed")
        if name == self.interrupted:
            self.interrupted = ""
            signal.raise_signal(signal.SIGINT)

    def _in_host(self, argv: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([word.replace(CLUSTERS, str(self.clusters)) for word in argv], check=False)

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


@pytest.mark.parametrize("ran", [True, False])
def test_only_of_a_server_that_ran_it_is_said_for_how_long_it_was_stopped(
    ran: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(monkeypatch)
    host.ran = ran
    assert ("stopped" in host.restore().seconds) is ran


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
    with pytest.raises(BackupError, match=r"is in main\.undone-1, so the old data serve again: start: failed"):
        host.restore()
    assert host.done == ["lock", "forget", "stage", "halt", "swap", "start", "halt", "unswap", "start", "forget"]


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """As a command meets it; the run's own handler is for one alone."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("step", ["swap", "start"])
def test_ctrl_c_after_the_exchange_says_what_serves(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch)
    host.interrupted = step
    with pytest.raises(KeyboardInterrupt):
        host.restore()
    assert host.done == ["lock", "forget", "stage", "halt", "swap", "start", "forget"]
    assert host.said[-1] == "interrupted: main serves what was restored; what it had is in main.before-1"


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_hides_nothing_of_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, start=1)
    host.interrupted = "swap"
    with pytest.raises(BackupError, match=r"main\.undone-1"):
        host.restore()


def test_what_has_served_is_not_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, start=1)
    host.clusters = tmp_path
    (tmp_path / "main").mkdir()
    (tmp_path / "main/postmaster.pid").write_text("700\n/var/lib/postgresql/17/main\n1\n5432\n/run\n\n1 2\nready   \n")
    with pytest.raises(BackupError, match=r"still is what was restored, for main\.before-1 was not taken back: it has"):
        host.restore()
    assert "unswap" not in host.done


def test_both_faults_are_told_where_the_old_data_can_t_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, start=1, unswap=1)
    with pytest.raises(BackupError) as met:
        host.restore()
    assert str(met.value).splitlines() == [
        "main: what was restored does not answer: start: failed",
        "main: still is what was restored, for main.before-1 was not taken back: unswap: failed",
    ]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ("main.staged-1", "never had changed places"),
        (".main.before-1/hybrid-swap", "never had changed places"),
        (".main.before-1", "had changed places"),
        ("main.before-1", "had changed places"),
    ],
)
def test_what_main_is_after_a_kill_in_the_exchange_is_told(
    left: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / left).mkdir(parents=True)
    host = Host(monkeypatch, swap=1)
    host.fault, host.clusters = UnansweredError, tmp_path
    with pytest.raises(UnansweredError):
        host.restore()
    assert f"main {said} with what was restored; it is started as it is" in host.said
    assert host.done[-2:] == ["start", "forget"]


@pytest.mark.parametrize(
    ("holder", "way"),
    [
        (None, "`./hybrid local up` starts it"),
        ("`./hybrid restore`; wait for it", "in use by `./hybrid restore`; wait"),
    ],
)
def test_a_server_that_does_not_run_is_started_by_up_unless_a_command_has_stopped_it(
    holder: str | None, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BackupError("backup: PostgreSQL does not run, and only one that runs can be backed up")

    host = Host(monkeypatch)
    host.route.recovery, host.route.interrupt_recovery = list, None
    monkeypatch.setattr(engine_process, "run", refuse)
    monkeypatch.setattr(disk_space, "fault", lambda _: None)
    monkeypatch.setattr(lock, "holder", lambda _: holder)
    with pytest.raises(BackupError, match=f"can be backed up; {way}"):
        LocalConnection.ask(host, {"act": "backup"})


def test_in_a_container_it_is_refused_before_anything_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch)
    host.route.pooler.name = "postgres"
    with pytest.raises(BackupError, match="in a container PostgreSQL can't be stopped alone; allowed: "):
        host.restore()
    assert host.done == []
