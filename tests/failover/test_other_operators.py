"""Other operators of the same hosts: how long a lock holds, who can be pushed aside, what no change means then."""

import fcntl
import multiprocessing
import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from failover.cloudflare.api import held_lock, held_seconds, lock_comment
from failover.common.lock import machine_lock
from failover.common.terms import Act
from failover.operation.journal import Journal
from failover.operation.outcome import Result
from tests.failover.world import World

REASON = "the other has gone home"
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(("budget", "seconds"), [(5.0, 600), (300.0, 600), (600.0, 660), (3600.0, 3660)])
def test_a_lock_holds_longer_than_its_operation_may_run(budget: float, seconds: int) -> None:
    assert held_seconds(budget) == seconds
    found = held_lock("1", "name", lock_comment("0123abcd", NOW, "eve@far", held_seconds(budget)))
    assert (found.operation, found.who, found.until) == ("0123abcd", "eve@far", NOW + timedelta(seconds=seconds))
    assert not found.is_stale(NOW + timedelta(seconds=max(budget, seconds - 1)))
    assert found.is_stale(NOW + timedelta(seconds=seconds + 1))


def test_a_lock_of_an_earlier_version_holds_for_ten_minutes() -> None:
    found = held_lock("1", "name", "operation 0123abcd since 2026-11-21T12:00:00Z by eve@far")
    assert (found.who, found.until) == ("eve@far", NOW + timedelta(seconds=600))
    assert str(found) == "operation 0123abcd of eve@far since 12:00:00 UTC, until 12:10:00 at most"


def test_an_operation_says_how_long_its_lock_holds(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (comment,) = world.locks_while(world.operation(total_seconds=3600.0), monkeypatch)
    assert " for 3660 s by " in comment


def test_a_live_operation_of_another_machine_with_a_long_budget_is_not_taken_over(world: World) -> None:
    world.leave_lock("00c0ffee", 900, seconds=3660)
    world.refuses("operation 00c0ffee of eve@far")
    assert "00c0ffee" in world.locks()[0]


def test_a_live_operation_of_this_machine_can_not_be_forced(world: World) -> None:
    with machine_lock(world.paths.lock, "0123abcd"):
        (line,) = world.refuses(force=REASON)
    assert line.endswith(f"is still running; wait until it ends, or end it (kill {os.getpid()})")
    assert not world.paths.journal.exists()


def _hold(path: str, ready: "multiprocessing.Queue[int]") -> None:
    from pathlib import Path

    with machine_lock(Path(path), "0123abcd"):
        ready.put(1)
        time.sleep(60)


def test_of_a_process_that_was_killed_nothing_is_left_that_would_have_to_be_forced(world: World) -> None:
    spawned = multiprocessing.get_context("spawn")
    ready: multiprocessing.Queue[int] = spawned.Queue()
    process = spawned.Process(target=_hold, args=(str(world.paths.lock), ready))
    process.start()
    ready.get(timeout=30)
    world.refuses(f"kill {process.pid}")
    process.kill()
    process.join()
    assert world.act().result is Result.SWITCHED


def test_who_only_looks_at_the_lock_does_not_hold_up_an_operation(world: World) -> None:
    world.paths.lock.touch()
    handle = os.open(world.paths.lock, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    timer = threading.Timer(0.06, os.close, [handle])
    timer.start()
    outcome = world.act()
    timer.join()
    assert outcome.result is Result.SWITCHED


@pytest.mark.parametrize("act", list(Act))
def test_nothing_to_change_is_no_good_news_while_another_operation_runs(world: World, act: Act) -> None:
    if act is Act.ROLLBACK:
        world.act()
    world.leave_lock("00c0ffee", 30)
    first, last = world.refuses(act=act)
    assert first.startswith("refused (lock): operation 00c0ffee of eve@far since ")
    assert last == f"{act.side} answers just now, and nothing was changed; whether it stays so is not known"


def test_with_force_what_is_there_is_held_under_the_own_lock(world: World) -> None:
    world.act()
    world.leave_lock("00c0ffee", 30)
    outcome = world.act(force=REASON)
    assert (outcome.result, world.script(), world.locks()) == (Result.SWITCHED, None, [])
    assert outcome.overridden[0].startswith("lock: operation 00c0ffee")


def test_a_lock_that_is_over_does_not_matter_where_there_is_nothing_to_change(world: World) -> None:
    world.act()
    world.leave_lock("00c0ffee", 900)
    assert world.act().result is Result.ALREADY


def test_a_standby_that_is_down_does_not_matter_where_there_is_nothing_to_change(world: World) -> None:
    world.act()
    lines = Journal(world.paths.journal).lines()
    world.outside.standby_status = 404
    assert world.act().result is Result.ALREADY
    assert Journal(world.paths.journal).lines() == lines
