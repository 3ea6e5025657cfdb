"""A stack counts as verified only while neither it nor the code that verified it has changed."""

from pathlib import Path

import pytest

from local.common.state import State
from local.stack import verified
from tests.small_disk import needs_disk, small_disk


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


@needs_disk
def test_what_changes_on_a_full_disk_is_not_what_was_verified(code: Path, state: State) -> None:
    with small_disk(state.folder, 64):
        state.prepare()
        verified.mark(state, verified.current(state))
        with pytest.raises(OSError, match="No space"):
            (state.folder / "filling").write_bytes(bytes(1 << 20))
        with verified.changing(state):
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


def test_who_changes_nothing_takes_the_mark_over(code: Path, state: State) -> None:
    assert verified.taken_over(state) is None
    verified.mark(state, verified.current(state))
    unchanged = verified.taken_over(state)
    assert unchanged
    # Until then it may be killed over a change.
    assert not verified.is_marked(state)
    verified.mark(state, unchanged)
    assert verified.is_marked(state)


def test_who_changes_nothing_does_not_take_over_what_another_changes(code: Path, state: State) -> None:
    verified.mark(state, verified.current(state))
    unchanged = verified.taken_over(state)
    assert unchanged
    verified.forget(state)
    verified.mark(state, unchanged)
    assert not verified.is_marked(state)


def test_what_is_renamed_at_the_same_moment_is_renamed(
    code: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the mark and the name of one's own."""
    verified.mark(state, verified.current(state))
    forget = verified.forget

    def beside(here: State) -> str:
        forget(here)
        return forget(here)

    monkeypatch.setattr(verified, "forget", beside)
    unchanged = verified.taken_over(state)
    monkeypatch.undo()
    monkeypatch.setattr(verified, "ROOT", code)
    assert unchanged
    verified.mark(state, unchanged)
    assert not verified.is_marked(state)


def test_who_verifies_while_it_changes_has_marked_another(code: Path, state: State) -> None:
    with verified.changing(state):
        verified.mark(state, verified.current(state))
    assert not verified.is_marked(state)


def test_a_damaged_mark_is_none(code: Path, state: State) -> None:
    state.verified.write_bytes(b"\xff")
    assert not verified.is_marked(state)
