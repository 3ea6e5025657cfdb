"""A damaged file is refused in one line, which says what is wrong with which resource, within seconds."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from plan import saved
from plan.model import PlanError
from tests.commands import hybrid
from tests.plan.engine_files import BUCKET, HOLDER, exported, previewed, stack, state

OTHER = f"{BUCKET}-2"
CALLED = r"bucket \(aws:s3/bucket:Bucket\)"


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parent": BUCKET}, f"{CALLED} is its own parent, or depends on itself; make it again"),
        ({"parent": OTHER}, f"{CALLED} is its own parent, or depends on itself through bucket-2"),
        ({"dependencies": [OTHER]}, "is its own parent, or depends on itself through"),
        ({"propertyDependencies": {"a": [BUCKET]}}, "depends on itself"),
        ({"inputs": deep(900)}, f"{CALLED} is nested deeper than 100 levels"),
        ({"inputs": {"a": float("nan")}}, f"{CALLED} has a number that JSON does not have"),
        ({"inputs": {"a": [10**400]}}, f"{CALLED} has a number beyond"),
        ({"inputs": {"a": "\ud800"}}, f"{CALLED} has a text with half of a character"),
        ({"inputs": {"\udfff": 1}}, f"{CALLED} has a text with half of a character"),
        ({"dependencies": "abc"}, f"{CALLED}: dependencies is not a list"),
        ({"aliases": [5]}, f"{CALLED}: aliases.0 is not text"),
        ({"custom": "yes"}, f"{CALLED}: custom is not true or false"),
        ({"inputs": "x"}, f"{CALLED}: inputs is not an object"),
        ({"parent": "nobody"}, f"{CALLED}: parent is not a URN"),
    ],
)
def test_the_resource_and_the_fault_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = exported(tmp_path, stack(), state(OTHER, parent=BUCKET), {**state(BUCKET), **changes})
    with pytest.raises(PlanError, match=f"is damaged: .*{said}") as caught:
        saved.read_state(path)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"deployment": {"resources": [', "is not JSON: it ends too early in line 1, column 31"),
        ('{"deployment": x}', "is not JSON: it can't be read in line 1, column 16"),
        ("[" * 5000, "is nested deeper than 100 levels"),
        ("1" * 5000, "has a number of thousands of digits"),
        ('{"a": {"urn": "urn:pulumi:d::p::t::n", "b": 1, "b": 2}}', r"n \(t\) has the key b twice"),
        ('{"b": 1, "b": 2}', "the file has the key b twice"),
    ],
)
def test_another_text_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    for read in (saved.read, saved.read_state, saved.read_preview):
        with pytest.raises(PlanError, match=said):
            read(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_windows_writes_is_read(tmp_path: Path, encoding: str) -> None:
    path = exported(tmp_path, stack(), state(BUCKET))
    path.write_text(path.read_text(), encoding=encoding)
    assert [*saved.read(path).by_urn] == [BUCKET]


def test_the_file_in_the_states_bucket_is_a_state(tmp_path: Path) -> None:
    path = exported(tmp_path, stack(), state(BUCKET))
    document = json.loads(path.read_text())
    path.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "dev", "latest": document["deployment"]}}))
    assert [*saved.read_state(path).by_urn] == [*saved.read(path).by_urn] == [BUCKET]


def test_diagnostics_of_text_are_damage(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"is damaged: diagnostics.0 is not an object; make it again"):
        saved.read_preview(previewed(tmp_path, diagnostics=["x"]))


def test_twenty_thousand_resources_are_drawn_within_seconds(tmp_path: Path) -> None:
    holders = [state(f"{HOLDER}{number}") for number in range(50)]
    buckets = [state(f"{BUCKET}{number}", parent=f"{HOLDER}{number % 50}") for number in range(20_000)]
    path = exported(tmp_path, stack(), *holders, *buckets)
    started = time.process_time()
    plan = saved.read_state(path)
    assert sum(len(plan.children(holder["urn"])) for holder in holders) == 20_000
    assert time.process_time() - started < 10


def test_the_commands_say_it_in_one_line(tmp_path: Path) -> None:
    path = exported(tmp_path, stack(), {**state(BUCKET), "parent": BUCKET})
    for command in (("gate", "--state"), ("residency", "--from"), ("graph", "--from")):
        ran = hybrid(*command, str(path))
        assert (ran.code, len(ran.err.splitlines())) == (1, 1)
