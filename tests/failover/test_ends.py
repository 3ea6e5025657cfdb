"""What is said and set at the end: also where it did not hold, was of some hosts only, or could not be undone."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from failover.common.terms import Act, Via
from failover.operation import operation
from failover.operation.outcome import Result, outcome_lines
from tests.failover.command_line import Answer, flags
from tests.failover.outside import STANDBY
from tests.failover.world import BATCH, HOST, RECORD, ROUTE, SCRIPT, World, down, unseen

# In place of ten.
LOST_ANSWER_SECONDS = 1.0
OTHER = "api.example.test"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose setting names the worker as the active side."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: trial\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  hybrid:failoverActive: worker\n")
    return folder


def says(checkout: Path) -> str:
    return (checkout / "Pulumi.local.yaml").read_text().split()[-1]


@pytest.mark.parametrize(
    ("refused", "hidden", "fits"),
    [
        (down(RECORD), unseen(ROUTE), "vercel"),
        (down(ROUTE), unseen(RECORD), "vercel-dns"),
        (down(ROUTE), down(RECORD), "worker"),
    ],
    ids=["blank", "led past", "nothing"],
)
def test_what_is_not_verified_still_says_which_setting_fits(
    world: World, checkout: Path, refused: dict[str, Any], hidden: dict[str, Any], fits: str
) -> None:
    world.faults(refused, hidden)
    outcome = world.act(checkout=checkout)
    assert outcome.result is Result.UNVERIFIED
    (line,) = [one for one in outcome_lines(outcome) if one.startswith("active side: ")]
    assert line.endswith(f"under config, and commit:   hybrid:failoverActive: {fits}")
    assert "as far as the API has confirmed its changes, and once `status` shows that it holds" in line
    assert says(checkout) == "worker"


def test_of_some_hosts_only_the_setting_is_not_written(worlds: Callable[..., World], checkout: Path) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    done = Answer("rollback", "--execute", "--host", OTHER, *flags(world), folder=checkout)
    assert done.code == 0
    message = f"it is one setting for all hosts, {HOST} too: no `pulumi up` before all are on one side; then set in"
    assert f"active side: {message}" in done.out
    assert says(checkout) == "worker"
    Answer("rollback", "--execute", "--host", OTHER, "--host", HOST, *flags(world), folder=checkout)
    assert says(checkout) == "vercel"


@pytest.mark.parametrize("via", list(Via))
def test_a_restore_that_is_backed_out_leaves_the_setting(world: World, checkout: Path, via: Via) -> None:
    world.act(via=via, checkout=checkout)
    before = says(checkout)
    world.outside.worker_status = 503
    outcome = world.act(Act.RESTORE, checkout=checkout)
    assert (outcome.result, says(checkout)) == (Result.BACKED_OUT, before)
    assert any(one.endswith(f"hybrid:failoverActive: {before}") for one in outcome_lines(outcome))


@pytest.mark.usefixtures("patient")
def test_a_restore_with_nothing_to_undo_says_so_and_does_not_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "LOST_ANSWER_SECONDS", LOST_ANSWER_SECONDS)
    world.outside.worker_status = 503
    said: list[str] = []
    started = time.monotonic()
    outcome = world.act(Act.RESTORE, total_seconds=300.0, say=said.append)
    assert time.monotonic() - started < LOST_ANSWER_SECONDS + 5
    assert (outcome.result, world.script()) == (Result.UNVERIFIED, SCRIPT)
    assert not any("backing out" in one for one in said)
    assert any("nothing to back out" in one and "rollback --execute" in one for one in outcome.warnings)


@pytest.mark.usefixtures("patient")
def test_a_restore_with_nothing_to_change_waits_for_caches(
    worlds: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restored already; a resolver goes on for a while with what plan B has left."""
    monkeypatch.setattr(operation, "LOST_ANSWER_SECONDS", LOST_ANSWER_SECONDS)
    world = worlds(resolvers=({"lie": STANDBY},))
    said: list[str] = []

    def step(message: str) -> None:
        said.append(message)
        if message == "verify from outside":
            timer.start()

    timer = threading.Timer(LOST_ANSWER_SECONDS + 1, world.resolvers[0].tell_the_truth)
    outcome = world.act(Act.RESTORE, total_seconds=300.0, say=step)
    timer.join()
    assert outcome.result is Result.SWITCHED


def test_a_near_rate_limit_counts_only_what_is_still_to_come(world: World) -> None:
    """Two reads of six, and four calls left: the lock, the route, plan B and the lock again."""
    world.control_plane.rate.limit = world.control_plane.rate._count + 6
    assert world.act().result is Result.SWITCHED


def test_one_call_too_few_is_refused(world: World) -> None:
    world.control_plane.rate.limit = world.control_plane.rate._count + 5
    world.refuses(r"\(rate limit\): the API allows 3 more calls for now and 4 may still be", force="does not help here")


def test_what_can_not_be_restored_at_once_is_told_before_it_is_rolled_back(worlds: Callable[..., World]) -> None:
    names = [f"h{number}.example.test" for number in range(4)]
    world = worlds(hosts=dict.fromkeys(names, "worker"))
    outcome = world.act()
    message = "going back takes more than one command: `restore --host …` takes 3 hosts a time, 2 after plan B"
    assert any(one.startswith(message) for one in outcome.warnings)
    world.refuses("12 API calls are more than 10: 3 hosts a time with --host", Act.RESTORE)
    assert world.act(Act.RESTORE, ids=world.ids.chosen(names[:3])).result is Result.SWITCHED
    assert world.act(Act.RESTORE, ids=world.ids.chosen(names[3:])).result is Result.SWITCHED
    assert [world.script(name) for name in names] == [SCRIPT] * 4


def test_two_hosts_can_be_restored_at_once_after_either_plan(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    world.faults(unseen(ROUTE))
    outcome = world.act()
    assert (outcome.plan, outcome.warnings) == ("B (DNS), after A did not hold", [])
    world.faults()
    assert world.act(Act.RESTORE).result is Result.SWITCHED


def test_a_lock_whose_answer_got_lost_keeps_two_calls_for_the_end(world: World) -> None:
    world.faults({**BATCH, "kind": "reset", "times": 1, "applied": True}, down(ROUTE), down(RECORD))
    outcome = world.act()
    assert (outcome.result, len(outcome.calls), world.locks()) == (Result.UNVERIFIED, 10, [])
