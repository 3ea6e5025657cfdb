"""What is said of a standby before a cut-over in the cloud; tests/host/database/test_standby.py asks two real hosts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from backups.errors import BackupError
from backups.standby import ensure_following
from host.recovery.contract import Position, document

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SERVING = Position(is_standby=False, lsn=1000, timeline=2, marker=NOW)
STANDBY = Position(is_standby=True, lsn=1000, has_marker=True)


class Host:
    def __init__(self, position: Position) -> None:
        self.position = position
        self.asked: list[Any] = []

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        return document(self.position)


def following(*positions: Position, seconds: float = 0) -> tuple[dict[str, Any], str]:
    hosts: dict[str, Any] = {name: Host(one) for name, one in zip("abc", positions, strict=False)}
    try:
        return hosts, ensure_following(hosts, lambda _: None, seconds)
    except BackupError as error:
        return hosts, str(error)


def test_a_standby_that_has_what_was_just_written_is_noted_where_clients_are_served() -> None:
    hosts, said = following(STANDBY, SERVING)
    assert said == "a follows b on timeline 2"
    assert following(STANDBY, SERVING, STANDBY)[1] == "a and c follow b on timeline 2"
    assert [one["marker"] for one in hosts["a"].asked] == [None, None, "2026-11-30T00:00:00.000000Z"]
    assert [one["followed"] for one in hosts["b"].asked] == [None, None, None, 2]
    # Nothing is written before it is seen not to be ahead: the log of the one that serves would come past it.
    assert [one.get("marks", True) for one in hosts["b"].asked] == [False, False, True, True]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("lsn", "seconds", "fault"),
    [
        (1000, 0, "a: lacks what b wrote 0 s ago"),
        # It is said at once.
        (1001, 60, "a: has replayed more than b has written: it follows another"),
    ],
)
def test_one_that_lacks_it_is_not_noted(lsn: int, seconds: float, fault: str) -> None:
    standby = STANDBY.model_copy(update={"lsn": lsn, "has_marker": False})
    hosts, said = following(standby, SERVING, seconds=seconds)
    assert said.startswith(fault)
    assert "b serves on; no cut-over to a: docs/runbooks/database.md" in said
    assert {one["followed"] for one in hosts["b"].asked} == {None}


@pytest.mark.parametrize("positions", [[SERVING], [STANDBY], [SERVING, SERVING], [STANDBY, STANDBY]])
def test_one_has_to_serve_and_one_to_follow(positions: list[Position]) -> None:
    assert f"of {len(positions)} hosts" in following(*positions)[1]
