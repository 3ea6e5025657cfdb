"""Folders that change places: what a kill or a failure in between leaves, and who starts main again."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host.common import convergence_lock, layout
from host.recovery import clusters, inventory, recovering, repository_acts, restore, swap
from host.recovery.contract import SWAP_NOTE, ListRequest, RestoreRequest, Target
from host.recovery.errors import RecoveryError
from host.recovery.machine import utc_now
from tests.backups.answering import plan
from tests.host.recovery.machine import cluster, machine, names, whose
from tests.host.specs import spec
from tests.waiting import LIMIT_SECONDS, until

STAGED = "main.staged-20261121-120000"
KEPT = "main.before-20261121-120000"


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it by name."""


def killing(real: Callable[..., Any], at: int) -> Callable[..., Any]:
    """The same, and its call of this number never comes."""
    calls = iter(range(1, 100))

    def called(*arguments: Any) -> Any:
        if next(calls) == at:
            raise Killed
        return real(*arguments)

    return called


def test_an_exchange_keeps_what_main_had(tmp_path: Path) -> None:
    made = machine(tmp_path)
    cluster(made, "main")
    cluster(made, STAGED)
    kept = swap.exchange(made, STAGED)
    assert names(made) == sorted(["main", kept])
    assert (whose(made, "main"), whose(made, kept)) == (STAGED, "main")
    assert not (clusters.folder(made, "main") / SWAP_NOTE).exists()


@pytest.mark.parametrize(("function", "call"), [("rename", 1), ("_exchange", 1), ("rename", 2)])
def test_a_kill_in_between_is_never_told_as_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, call: int
) -> None:
    made = machine(tmp_path)
    cluster(made, "main")
    cluster(made, STAGED)
    place: Any = swap if function == "_exchange" else os
    with monkeypatch.context() as patch:
        patch.setattr(place, function, killing(getattr(place, function), call))
        with pytest.raises(Killed):
            swap.exchange(made, STAGED)
    clusters.clean(made, has_staged=True)
    # A backup of main would have it, and with that each restore from there.
    assert not (clusters.folder(made, "main") / SWAP_NOTE).exists()
    is_exchanged = (function, call) == ("rename", 2)
    assert whose(made, "main") == (STAGED if is_exchanged else "main")
    # The copy is gone where it did not come in, and main's old data are kept where it did.
    assert [whose(made, name) for name in names(made) if name != "main"] == (["main"] if is_exchanged else [])
    assert [one.kind for one in clusters.listed(made)] == (["kept"] if is_exchanged else [])


def test_notes_of_another_exchange_in_a_backup_hinder_no_restore_to_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path)
    cluster(made, "main")

    @contextmanager
    def recovered(folder: clusters.Work, *_: object) -> Iterator[Any]:
        for note in (clusters.STATE_NOTE, SWAP_NOTE):
            (folder.inside("data") / note).write_text("of another exchange")
        yield SimpleNamespace(
            server=SimpleNamespace(stop=lambda: None, psql=lambda _: None), answer=lambda: None, seconds={}
        )

    answer = plan(into="main")
    monkeypatch.setattr(restore, "prepared", lambda *_: SimpleNamespace(is_whole=False, answer=lambda: answer))
    monkeypatch.setattr(recovering, "recovered", recovered)
    monkeypatch.setattr(recovering, "durable", lambda _: None)
    wanted = RestoreRequest(act="stage", target=Target(kind="xid", value="700"), into="main", replace="main")
    staged = restore.staged(made, wanted).staged
    assert staged is not None
    swap.exchange(made, staged)


def test_a_listing_says_of_main_s_old_data_that_they_are_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path)
    cluster(made, f".{KEPT}")
    cluster(made, f".{KEPT}-2", hybrid_swap=f".{KEPT}-2")
    monkeypatch.setattr(inventory, "read", lambda _: SimpleNamespace(now=utc_now(), backups=[]))
    monkeypatch.setattr(repository_acts, "_covered", lambda *_: ([], []))
    monkeypatch.setattr(repository_acts, "archive", lambda _: [])
    found = repository_acts.listing(made, ListRequest())
    assert (found.displaced, found.leftovers) == ([f".{KEPT}"], [f".{KEPT}-2"])
    clusters.clean(made)
    assert names(made) == [KEPT]


def test_an_exchange_that_is_refused_leaves_what_was_staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = machine(tmp_path)
    cluster(made, "main")
    cluster(made, STAGED)

    def refused(*_: object) -> None:
        raise RecoveryError("can't change places")

    monkeypatch.setattr(swap, "_exchange", refused)
    with pytest.raises(RecoveryError, match="can't change places"):
        swap.exchange(made, STAGED)
    assert names(made) == ["main", STAGED]


@pytest.mark.parametrize("is_standby", [True, False])
def test_nothing_takes_the_place_of_main_on_a_host_that_does_not_serve(tmp_path: Path, is_standby: bool) -> None:
    # That it is to serve does not say that it was promoted.
    made = machine(tmp_path, postgres=spec(is_serving=is_standby)["postgres"])
    cluster(made, "main", **({"standby.signal": ""} if is_standby else {}))
    cluster(made, STAGED)
    cluster(made, KEPT)
    reason = "is a standby of the host that serves; promote it first" if is_standby else "was told not to serve"
    for act, name in ((swap.exchange, STAGED), (swap.back, KEPT)):
        with pytest.raises(RecoveryError, match=reason):
            act(made, name)
    assert [whose(made, name) for name in names(made)] == names(made)
    assert clusters.faults(made, "copy", None) == []


def test_a_listing_does_without_what_is_being_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = machine(tmp_path)
    note = '{"port": 5433, "made_at": "2026-11-21T12:00:00.000000Z"}'
    cluster(made, ".hybrid-recovery-old", **{"hybrid_restored.json": note})
    gone = cluster(made, "gone", **{"hybrid_restored.json": note})
    cluster(made, "there", **{"hybrid_restored.json": note})
    real = clusters.is_restored

    def vanishing(on: Any, name: str) -> bool:
        found = real(on, name)
        if name == "gone":
            (gone / clusters.NOTE).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(clusters, "is_restored", vanishing)
    assert [one.name for one in clusters.listed(made)] == ["there"]


def replacing(made: Any, monkeypatch: pytest.MonkeyPatch, start: Callable[..., None]) -> None:
    """A restore into `side`, which is there, up to its start."""
    note = '{"port": 5433, "made_at": "2026-11-21T12:00:00.000000Z"}'
    cluster(made, "side", **{"hybrid_restored.json": note})
    cluster(made, clusters.WORK)
    data = clusters.folder(made, clusters.WORK) / "data"
    data.mkdir()
    (data / "whose").write_text("new")
    monkeypatch.setattr(restore, "start", start)
    monkeypatch.setattr(restore, "configure", lambda *_: None)
    monkeypatch.setattr(recovering, "durable", lambda _: None)
    wanted: Any = type("Plan", (), {"into": "side"})()
    restore._put_beside(clusters.Work(made, made.clusters / clusters.WORK), wanted)


def test_a_cluster_is_deleted_with_its_tablespaces_and_no_other_s(tmp_path: Path) -> None:
    made = machine(tmp_path)
    folders = {name: tmp_path / "srv" / name for name in ("own", "shared", "another_major")}
    for folder, rows in zip(folders.values(), ("PG_17_202406281", "PG_17_202406281", "PG_16_202307071"), strict=True):
        (folder / rows).mkdir(parents=True)
    for name, links in (("main", ("shared",)), (KEPT, ("own", "shared", "another_major"))):
        folder = cluster(made, name) / clusters.LINKS
        folder.mkdir()
        for number, link in enumerate(links):
            (folder / str(number)).symlink_to(f"/srv/{link}")
    (tmp_path / "srv/own/PG_17_202406281/rows").write_bytes(bytes(100_000))
    assert clusters.size(made, KEPT) > 100_000
    assert restore.discard(made, KEPT) > 100_000
    assert [len(list(folder.iterdir())) for folder in folders.values()] == [0, 1, 1]
    assert names(made) == ["main"]


def test_a_cluster_is_deleted_with_its_log_elsewhere_and_no_other_s(tmp_path: Path) -> None:
    made = machine(tmp_path)
    for name, log in (("main", "shared"), (KEPT, "own"), ("main.undone-20261121-120000", "shared")):
        (cluster(made, name) / "pg_wal").symlink_to(f"/srv/{log}")
        (tmp_path / "srv" / log / "archive_status").mkdir(parents=True, exist_ok=True)
        (tmp_path / "srv" / log / "000000010000000000000004").write_bytes(bytes(100_000))
        (tmp_path / "srv" / log / "somebody-s").touch()
    assert restore.discard(made, KEPT) > 100_000
    restore.discard(made, "main.undone-20261121-120000")
    assert [path.name for path in (tmp_path / "srv/own").iterdir()] == ["somebody-s"]
    assert len(list((tmp_path / "srv/shared").iterdir())) == 3


def test_a_restored_cluster_is_deleted_once_the_new_one_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path)
    replacing(made, monkeypatch, lambda *_: None)
    assert whose(made, "side") == "new"
    assert names(made) == [clusters.WORK, "side"]


def test_a_restored_cluster_serves_again_where_the_new_one_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, started = machine(tmp_path), []

    def start(_: object, name: str, port: int) -> None:
        started.append((whose(made, name), port))
        if whose(made, name) == "new":
            raise RecoveryError("side: does not answer")

    with pytest.raises(RecoveryError, match="does not answer"):
        replacing(made, monkeypatch, start)
    assert started[1] == ("side", 5433)
    assert names(made) == [clusters.WORK, "side"]


def test_a_kill_as_one_replaces_another_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = machine(tmp_path)
    monkeypatch.setattr(restore, "put_back", lambda *_: None)
    with pytest.raises(Killed):
        replacing(made, monkeypatch, lambda *_: (_ for _ in ()).throw(Killed()))
    clusters.clean(made)
    assert (names(made), whose(made, "side")) == (["side"], "side")


def test_main_is_started_when_the_engine_is_killed(tmp_path: Path) -> None:
    started = tmp_path / "started"
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$@" > {started}\n')
    (tmp_path / "systemctl").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as engine:
        argv = ["sh", "-c", swap.GUARD, "sh", str(engine.pid), "postgresql@17-main.service"]
        with subprocess.Popen(argv, env=environment) as guard:
            assert guard.poll() is None
            assert not started.exists()
            engine.kill()
            engine.wait()
            guard.wait(LIMIT_SECONDS)
    until(started.exists)
    assert started.read_text() == "start postgresql@17-main.service\n"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of systemd, which does nothing."""
    asked: list[str] = []

    def here(_: object, argv: list[str], **__: object) -> subprocess.CompletedProcess[str]:
        asked.append(" ".join(word for word in argv[:2] if not word.startswith("--")))
        return subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr("host.recovery.machine.Machine.here", here)
    monkeypatch.setattr("host.recovery.machine.Machine.is_serving", lambda _: True)
    monkeypatch.setattr(swap, "_no_convergence", lambda _: nullcontext())
    return asked


def test_main_is_not_stopped_before_somebody_else_would_start_it(tmp_path: Path, commands: list[str]) -> None:
    with swap.stopped_at_the_end(machine(tmp_path), from_the_start=True):
        assert commands == ["systemd-run", "systemctl stop"]


def test_main_is_not_touched_while_a_convergence_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convergence_lock, "LOCK_SECONDS", 0)
    made = machine(tmp_path)
    with (
        convergence_lock.alone(made.path(layout.RUN)),
        pytest.raises(RecoveryError, match=r"host\.converge: has not ended within 0 s"),
        swap.stopped_at_the_end(made, from_the_start=True),
    ):
        pytest.fail("it went on")


def test_the_first_fault_is_told_where_main_does_not_start_again(
    tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        raise RecoveryError("main: does not answer")

    monkeypatch.setattr(swap, "_start", failing)
    with (
        pytest.raises(RecoveryError) as caught,
        swap.stopped_at_the_end(machine(tmp_path), from_the_start=True),
    ):
        raise RecoveryError("archive: a hole")
    assert caught.value.faults == ["archive: a hole", "main: does not answer"]


def test_every_fault_is_told_where_the_old_one_can_t_be_taken_back(
    tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path)
    cluster(made, "main")
    cluster(made, STAGED)

    def failing(*_: object) -> str:
        raise RecoveryError("does not work")

    monkeypatch.setattr(swap, "_start", failing)
    monkeypatch.setattr(swap, "back", failing)
    with pytest.raises(RecoveryError) as caught, swap.stopped_at_the_end(made, from_the_start=False) as exchange:
        exchange(STAGED)
    first, taken, *_ = caught.value.faults
    assert first == "does not work"
    assert "could not be taken back" in taken


def failing_start(made: Any, monkeypatch: pytest.MonkeyPatch, *faults: BaseException) -> None:
    """Each start of main meets the next of these faults, and those after them none."""
    coming = iter(faults)

    def start(_: object) -> None:
        if fault := next(coming, None):
            raise fault

    cluster(made, "main")
    cluster(made, STAGED)
    monkeypatch.setattr(swap, "_start", start)


def test_what_has_served_is_not_taken_away(
    tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path)
    failing_start(made, monkeypatch, RecoveryError("does not answer"))
    (clusters.folder(made, STAGED) / "postmaster.pid").write_text("700\n/data\n1\n5432\n/run\n\n1 2\nready   \n")
    with (
        pytest.raises(RecoveryError, match=r"for it has served; what it had is in main\.before-"),
        swap.stopped_at_the_end(made, from_the_start=False) as exchange,
    ):
        exchange(STAGED)
    assert whose(made, "main") == STAGED


def test_a_full_disk_as_the_old_one_is_taken_back_hides_nothing(
    tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = machine(tmp_path)
    failing_start(made, monkeypatch, RecoveryError("does not answer"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(swap, "_begin_timeline", full)
    with pytest.raises(RecoveryError) as caught, swap.stopped_at_the_end(made, from_the_start=False) as exchange:
        exchange(STAGED)
    first, still, full_disk = caught.value.faults
    assert first == "does not answer"
    assert still.startswith("main: still is what was restored, for main.before-")
    assert full_disk.endswith("no space is left")


def test_an_interruption_after_the_exchange_says_what_is_kept(
    tmp_path: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path)
    failing_start(made, monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt), swap.stopped_at_the_end(made, from_the_start=False) as exchange:
        exchange(STAGED)
    assert "main is what was restored, and is started; what it had is in main.before-" in capsys.readouterr().err
