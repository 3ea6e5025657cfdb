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


def test_what_was_verified_is_marked(code: Path, state: State) -> None:
    assert not verified.is_marked(state)
    verified.mark(state, verified.current(state))
    assert verified.is_marked(state)


@pytest.mark.parametrize("name", verified.CODE)
def test_other_code_has_not_verified_it(code: Path, state: State, name: str) -> None:
    verified.mark(state, verified.current(state))
    (code / (f"{name}part.py" if name.endswith("/") else name)).write_text("otherwise")
    assert not verified.is_marked(state)


def test_what_has_changed_is_not_what_was_verified(code: Path, state: State) -> None:
    verified.mark(state, verified.current(state))
    verified.forget(state)
    assert not verified.is_marked(state)


def test_what_changes_while_it_is_verified_is_not_marked(code: Path, state: State) -> None:
    for change in (lambda: verified.forget(state), lambda: (code / "local/part.py").write_text("otherwise")):
        begun = verified.current(state)
        change()
        verified.mark(state, begun)
        assert not verified.is_marked(state)


def test_a_damaged_mark_is_none(code: Path, state: State) -> None:
    state.verified.write_bytes(b"\xff")
    assert not verified.is_marked(state)
