"""Two local stacks: the second is a standby of the first, and serves in its place, as a resize by restore goes."""

from collections.abc import Iterator

import pytest

from local.stack.up import Wish
from tests.local.stack_under_test import StackUnderTest, add_entry, descriptions, removed

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
    assert "serves nobody" in answer.stderr
    assert answer.stdout == ""
    assert second.bring_up() == []


def test_a_standby_says_why_it_lets_nobody_in(pair: Pair) -> None:
    _, second = pair
    answer = second.told("db", "status")
    assert answer.returncode == 1
    assert "a standby, or a host that was told to stop serving, lets no client in" in answer.stderr
    assert second.psql("SELECT pg_is_in_recovery()") == "t"


def test_a_standby_is_not_promoted_while_the_first_serves(pair: Pair) -> None:
    answer = pair[1].told("local", "up", "--promote")
    assert answer.returncode == 1
    assert "no demotion mark of the host that served before" in answer.stderr
    assert running(pair[1]) == {"objects", "postgres"}


def test_the_second_serves_what_the_first_was_given_last(pair: Pair) -> None:
    first, second = pair
    add_entry(first, "the last one before the move")
    first.bring_up(wish=Wish(serves=False))
    assert running(first) == {"objects", "postgres"}
    assert second.run("up", "--promote").returncode == 0
    assert "the last one before the move" in descriptions(second)
    add_entry(second, "the first one after it")
    assert "the first one after it" in descriptions(second)
    assert second.bring_up() == []
