"""The edit loop's words on what was saved; the loop itself is tried in tests/local/test_from_nothing.py."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.host import database
from local.stack import dev


def test_a_saved_rollback_file_is_no_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = {tmp_path / "0001_one.sql", tmp_path / "0001_one.rollback.sql"}
    for path in saved:
        path.touch()
    monkeypatch.setattr(database, "run_migrations", lambda _: ["0001_one"])
    realisation: Any = SimpleNamespace()
    assert dev._migrate(realisation, saved) == "0001_one applied"
