"""Two local stacks: the second is a standby of the first, and serves in its place, as a resize by restore goes."""

from collections.abc import Iterator

import pytest

from local.stack.up import Wish
from tests.local.stack_under_test import StackUnderTest, add_entry, descriptions, removed
from tests.waiting import until

# The second is made, and takes the first one's place.
pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.random_order(disabled=True)]


@pytest.fixture(scope="module")
def pair(
    own_stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[StackUnderTest, StackUnderTest]]:
    """A stack that is up, and one that is not there yet."""
    with removed(StackUnderTest(tmp_path_factory.mktemp("second") / "state")) as second:
        yield own_stack, second


Pair = tuple[StackUnderTest, StackUnderTest]


def running(stack: StackUnderTest) -> set[str]:
    return {name for name, part in stack.parts().items() if part.is_running}


def test_a_standby_is_made_and_serves_nothing(pair: Pair) -> None:
    first, second = pair
    answer = second.run("up", "--standby-of", str(first.state))
    assert answer.returncode == 0, answer.stderr
    assert running(second) == {"objects", "postgres"}
    assert "accepts no clients" in answer.stderr
    assert answer.stdout == ""
    assert second.bring_up() == []


def test_a_standby_says_why_it_lets_nobody_in(pair: Pair) -> None:
    _, second = pair
    answer = second.told("db", "status")
    assert answer.returncode == 1
    assert "a standby, or a host that was told to stop serving, accepts no clients" in answer.stderr
    assert second.psql("SELECT pg_is_in_recovery()") == "t"


def test_a_standby_is_not_restored_in_place(pair: Pair) -> None:
    answer = pair[1].told("restore", "--to", "latest", "--into", "main", "--replace", "main", "--apply")
    assert answer.returncode == 1
    assert "is a standby of the host that serves; promote it first" in answer.stderr


def test_a_standby_is_not_promoted_while_the_first_serves(pair: Pair) -> None:
    answer = pair[1].told("local", "up", "--promote")
    assert answer.returncode == 1
    assert "no demotion mark of the host that served before" in answer.stderr
    assert running(pair[1]) == {"objects", "postgres"}


def test_a_standby_that_can_not_follow_is_seen_before_anybody_is_shut_out(pair: Pair) -> None:
    first, second = pair
    moment = first.psql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    add_entry(first, "is taken back")
    first.psql("SELECT pg_switch_wal()")
    until(lambda: "is taken back" in second.psql("SELECT string_agg(description, ' ') FROM regulated.ledger_entries"))
    planned = first.told("restore", "--to", moment, "--into", "main", "--replace", "main", "--apply")
    assert planned.returncode == 0, planned.stderr
    answer = first.told("local", "up", "--stop-serving")
    assert answer.returncode == 1
    assert "follows another timeline, and never will follow. This stack serves on" in answer.stderr
    assert "follows another timeline" in first.told("db", "standby").stderr
    assert "is taken back" not in descriptions(first)


def test_a_standby_is_made_again_by_one_command(pair: Pair) -> None:
    first, second = pair
    assert "of its own, is not replaced" in first.told("local", "up", "--rebuild").stderr
    answer = second.run("up", "--standby-of", str(first.state), "--rebuild")
    assert answer.returncode == 0, answer.stderr
    assert running(second) == {"objects", "postgres"}
    assert first.told("db", "standby").stdout == f"{second.state} follows {first.state}\n"
    assert "no standby follows the local stack" in second.told("db", "standby").stderr


def test_the_second_serves_what_the_first_was_given_last(pair: Pair) -> None:
    first, second = pair
    add_entry(first, "the last one before the move")
    first.bring_up(wish=Wish(serves=False))
    assert running(first) == {"objects", "postgres"}
    answer = first.told("db", "standby")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "does not run, or was told to stop serving" in answer.stderr
    assert second.run("up", "--promote").returncode == 0
    assert "the last one before the move" in descriptions(second)
    add_entry(second, "the first one after it")
    assert "the first one after it" in descriptions(second)
    assert second.bring_up() == []
