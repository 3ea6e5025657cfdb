"""The steps of `up`, as the list of parts gives them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.common import parts
from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.state import State
from local.host.serving import Serving
from local.processes.stack import Stack
from local.stack.up import Wish, _steps, up


def steps(*, is_serving: bool = True) -> dict[str, Any]:
    realisation: Any = SimpleNamespace(serving=Serving(is_serving=is_serving))
    return dict(_steps(realisation))


def test_every_part_is_a_step_with_its_own_after_it() -> None:
    known = [
        *("root", "supervisor", "objects", "postgres", "database", "pooler", "migrations", "backups", "edge"),
        *("control-plane", "dns", "standby", "edge-proxy", "failover"),
    ]
    assert [name for name in steps() if name in known] == known


def test_a_host_that_serves_nobody_has_no_clients() -> None:
    assert [*steps(is_serving=False)] == ["root", "supervisor", "clients", "objects", "postgres", "database"]


def test_a_part_whose_program_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SBIN", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    assert [part.name for part in parts.PARTS if not part.is_available] == ["dns"]
    assert steps()["dns"]() == "unchanged"


def test_nothing_is_made_for_a_standby_of_what_is_not_there(tmp_path: Path) -> None:
    stack = Stack(project=tmp_path, state=State(tmp_path / "state"), ports=Ports(7400))
    nothing: Any = None
    with pytest.raises(LocalError, match="nowhere: is not a local stack's folder; start that stack first"):
        up(stack, nothing, nothing, nothing, Wish(standby_of=tmp_path / "nowhere"))
    assert not stack.state.folder.exists()
