"""Room for a stack, where the disk has little."""

import shutil
from types import SimpleNamespace

import pytest

from local.common import disk_space
from local.common.errors import LocalError
from local.common.state import State


@pytest.mark.parametrize(
    ("free_mb", "has_database", "is_enough"), [(63, True, False), (64, True, True), (900, False, False)]
)
def test_too_little_room_is_told_with_its_figures(
    state: State, monkeypatch: pytest.MonkeyPatch, free_mb: int, has_database: bool, is_enough: bool
) -> None:
    found = SimpleNamespace(free=free_mb * disk_space.MB, total=3000 * disk_space.MB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: found)
    if has_database:
        state.root.mkdir()
    if is_enough:
        disk_space.ensure(state)
        return
    needed = "64 MB" if has_database else "1,024 MB"
    with pytest.raises(
        LocalError, match=f"{state.folder}: .*{free_mb} MB of 3,000 MB are free, and {needed} are needed"
    ):
        disk_space.ensure(state)
