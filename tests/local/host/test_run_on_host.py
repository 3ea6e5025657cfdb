"""A command on the database's host, run by the operator."""

from types import SimpleNamespace
from typing import Any

import pytest

from local.host import database


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -INT $$", 130), ("kill -KILL $$", 137)])
def test_the_exit_code_is_a_shells(script: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = SimpleNamespace(is_made=True, terminal=lambda *_: ["sh", "-c", script])
    postgres = SimpleNamespace(port=1, database="none")
    monkeypatch.setattr(database, "runtime", lambda _: runtime)
    monkeypatch.setattr(database, "running", lambda _: SimpleNamespace(postgres=postgres))
    stack: Any = None
    assert database.run_on_host(stack, ["nothing"]) == code
