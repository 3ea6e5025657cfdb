"""What the journal says of operations before: for these hosts, of this stack, and of no others."""

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from failover.common.lock import holder, machine_lock
from failover.common.terms import Act
from failover.operation.journal import Journal, Paths
from failover.operation.outcome import Result
from tests.failover.command_line import Answer, flags
from tests.failover.world import HOST, SCRIPT, World

NOW = datetime(2026, 11, 21, tzinfo=UTC)
OTHER = "api.example.test"


class Book:
    """A journal that is written line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, operation: str, *hosts: str, step: str = "operation", **details: Any) -> "Book":
        return self.line(operation, step, "begin", hosts=list(hosts or (HOST,)), **details)

    def done(self, operation: str, step: str = "operation", phase: str = "done", **details: Any) -> "Book":
        return self.line(operation, step, phase, **details)

    def line(self, operation: str, step: str, phase: str, **details: Any) -> "Book":
        Journal(self.path).write(operation, step, phase, moment=NOW, **details)
        return self

    def open(self, *hosts: str, **asker: Any) -> list[str]:
        """Ids of what is unfinished for these hosts."""
        found = Journal(self.path, hosts=hosts or (HOST,), **asker).unfinished()
        return [one.id for one in found.operations] if found else []


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "journal.jsonl")


def test_another_hosts_operation_ends_none(book: Book) -> None:
    book.begin("a1", HOST).begin("b1", OTHER).done("b1")
    assert (book.open(HOST), book.open(OTHER), book.open(HOST, OTHER)) == (["a1"], [], ["a1"])
    book.begin("a2", HOST).done("a2")
    assert book.open(HOST, OTHER) == []


def test_an_operation_of_two_hosts_stays_open_for_the_one_that_was_not_seen_to(book: Book) -> None:
    book.begin("ab", HOST, OTHER).begin("b1", OTHER).done("b1")
    assert (book.open(HOST), book.open(OTHER)) == (["ab"], [])


def test_all_that_was_cut_short_since_the_last_end_is_open_and_its_locks_are_own(book: Book) -> None:
    book.begin("a0").begin("a1").done("a1").begin("a2").begin("a3").begin("b1", OTHER)
    found = Journal(book.path, hosts=(HOST, OTHER)).unfinished()
    assert found
    assert found.id == "b1, a3, a2"
    assert found.ids == {"a2", "a3", "b1"}


def test_what_was_refused_ends_nothing(book: Book) -> None:
    book.begin("a1").begin("a2").done("a2", phase="refused")
    assert book.open() == ["a1"]
    assert Journal(book.path).last() is None


def test_a_drill_is_open_until_it_is_done_or_somebody_means_another_side(book: Book) -> None:
    book.begin("d1", step="drill").begin("r1", act="rollback", drill="d1", is_drill=True).done("r1")
    found = Journal(book.path, hosts=(HOST,)).unfinished()
    assert found
    assert (found.id, found.is_drill) == ("d1", True)
    assert found.ids == {"d1", "r1"}
    assert "after its rollback" in str(found)
    book.begin("r2", act="restore").done("r2")
    assert book.open() == []
    book.begin("d2", step="drill").done("d2", step="drill")
    assert book.open() == []


def test_a_running_drill_is_not_open_to_its_own_operations_but_an_older_one_is(book: Book) -> None:
    book.begin("d1", step="drill").begin("r1", act="rollback", drill="d1")
    assert (book.open(drill="d1"), book.open(drill="d2"), book.open()) == (["r1"], ["d1"], ["d1"])
    assert "in its rollback, before its first change" in str(Journal(book.path).unfinished())


def test_with_what_was_meant_it_is_not_a_drills_any_more(book: Book) -> None:
    book.begin("d1", step="drill").begin("r1", act="restore")
    found = Journal(book.path, hosts=(HOST,)).unfinished()
    assert found
    assert (found.id, found.is_drill) == ("r1, d1", False)
    assert found.next_step == "`restore --execute` finishes it, `rollback --execute` backs it out"


def test_stacks_that_share_a_journal_do_not_share_operations(book: Book) -> None:
    book.begin("d1", stack="dev", act="rollback").begin("old", OTHER, act="rollback").done("old")
    assert (book.open(stack="dev"), book.open(stack="prod")) == (["d1"], [])
    assert Journal(book.path, "prod", (OTHER,)).last()
    assert Journal(book.path, "dev", (HOST,)).last() is None


def test_each_stack_has_a_journal_and_a_lock_of_its_own_and_reads_the_older_one(tmp_path: Path) -> None:
    dev, prod = (Paths.of(tmp_path / f"{name}.json", stack=name) for name in ("dev", "prod"))
    assert (dev.journal, dev.lock) != (prod.journal, prod.lock)
    assert Paths.of(tmp_path / "x.json", stack="../a/b").journal.parent == tmp_path
    Book(tmp_path / "failover-journal.jsonl").begin("a1", HOST).begin("b1", OTHER)
    for place, host, name in ((dev, HOST, "a1"), (prod, OTHER, "b1")):
        found = Journal(place.journal, place.stack, (host,), place.older).unfinished()
        assert found
        assert found.id == name


SCRIPTS = {"r": "older"}


@pytest.mark.parametrize(
    ("declared", "lines", "script"),
    [
        ("older", [("r", "site", None)], "site"),
        # An older version did not note what the file named.
        ("older", [("r", "site", None, {})], "site"),
        # Looked up since, and found another.
        ("newer", [("r", "site", None)], None),
        # Sent twice, backed out of a restore.
        ("older", [("r", "site", None), ("r", "site", None), ("r", None, "site")], "site"),
        ("older", [], None),
    ],
)
def test_the_script_that_a_rollback_found_is_known_as_long_as_it_is_in_force(
    book: Book, declared: str, lines: list[Any], script: str | None
) -> None:
    book.begin("a1", act="rollback", scripts=lines[0][3] if lines and len(lines[0]) > 3 else SCRIPTS)
    for route, before, after, *_ in lines:
        book.line("a1", "route", "begin", route=route, before=before, after=after)
    book.done("a1", act="rollback", result="switched")
    found = Journal(book.path).last_scripts({"r": declared})
    assert found == ({"r": script} if script else {})
    book.begin("a2", act="restore", scripts=SCRIPTS).done("a2", result="backed out")
    assert Journal(book.path).last_scripts({"r": declared}) == found
    book.begin("a3", act="restore", scripts=SCRIPTS).done("a3", result="switched")
    assert Journal(book.path).last_scripts({"r": declared}) == {}


@pytest.mark.parametrize("cause", ["a fast clock", "a look-up while it is rolled back"])
def test_the_newer_script_survives_a_look_up(world: World, cause: str) -> None:
    host = world.ids.hosts[0]
    assert host.route
    world.change_ids(route={"script": "older"})
    if cause == "a fast clock":
        ids = dataclasses.replace(world.ids, resolved_at="2099-01-01T00:00:00Z")
        world.act(ids=ids)
    else:
        world.act()
        assert Answer("resolve", *flags(world)).code == 0
        ids = world.ids
        assert ids.scripts == {host.route.id: "older"}
    assert world.act(Act.RESTORE, ids=ids).result is Result.SWITCHED
    assert world.script() == SCRIPT


def test_an_operation_of_one_host_leaves_anothers_open(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    one, other = world.ids.chosen([HOST]), world.ids.chosen([OTHER])
    Book(world.paths.journal).begin("0123abcd", HOST, act="rollback", stack="local")
    world.leave_lock("0123abcd")
    outcome = world.act(ids=other)
    assert (outcome.result, outcome.continues) == (Result.SWITCHED, None)
    assert (world.script(OTHER), world.script()) == (None, SCRIPT)
    assert "0123abcd" in world.locks()[0]
    outcome = world.act(ids=one)
    assert (outcome.result, outcome.continues) == (Result.SWITCHED, "0123abcd")
    assert (world.script(), world.locks()) == (None, [])


def test_a_look_at_the_lock_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = tmp_path / "lock", []
    with machine_lock(path, "0123abcd") as other:
        assert other is None
        found = holder(path)
        assert found
        assert found.operation == "0123abcd"
        killed = path.read_bytes()
    monkeypatch.setattr("durable.lock.fcntl.flock", lambda *arguments: asked.append(arguments))
    assert holder(path) is None
    # As kill -9 leaves it: no process has such a number.
    path.write_bytes(killed.replace(str(os.getpid()).encode(), b"4194305"))
    assert holder(path) is None
    assert holder(tmp_path / "none") is None
    assert asked == []


def test_a_lock_is_given_back_after_a_refusal_too(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ValueError, match="refused"), machine_lock(path, "0123abcd"):
        raise ValueError("refused")
    assert path.read_bytes() == b""
