"""What tests of the recorder share."""

from typing import Any

import pytest

from plan import record


@pytest.fixture
def recorded(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stacks whose program really ran; nothing is known at first."""
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path_factory.mktemp("cache")))
    stacks: list[str] = []
    run = record._run

    def counted(ran: list[str], *more: Any) -> Any:
        stacks.extend(ran)
        return run(ran, *more)

    monkeypatch.setattr(record, "_run", counted)
    return stacks
