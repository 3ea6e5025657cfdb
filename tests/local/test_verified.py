"""A stack counts as verified only while neither it nor the code that verified it has changed."""

from pathlib import Path

import pytest

from local import verified
from local.state import State


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a file of each kind that is listed."""
    for name in verified.CODE:
        path = tmp_path / "project" / (f"{name}part.py" if name.endswith("/") else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was")
    monkeypatch.setattr(verified, "ROOT", tmp_path / "project")
    return tmp_path / "project"


def test_a_mark_is_taken_once(code: Path, state: State) -> None:
    assert not verified.take(state)
    verified.mark(state)
    assert verified.take(state)
    assert not verified.take(state)


@pytest.mark.parametrize("name", verified.CODE)
def test_other_code_has_not_verified_it(code: Path, state: State, name: str) -> None:
    verified.mark(state)
    path = code / (f"{name}part.py" if name.endswith("/") else name)
    path.write_text("otherwise")
    assert not verified.take(state)


def test_a_damaged_mark_is_none(code: Path, state: State) -> None:
    state.verified.write_bytes(b"\xff")
    assert not verified.take(state)
