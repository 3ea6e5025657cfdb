"""From which backup a lost host is restored, and what is refused unless the backup is named."""

from pathlib import Path
from typing import Any

import pytest

from host.backup import repository
from host.common.rendering import RefusedError
from host.recovery import choice, inventory
from host.recovery.wal import wal_name
from host.specification.reading import parse
from tests.host.recovery.held import backup, situation
from tests.host.specs import spec

FIRST, SECOND = backup(2), backup(10)


def newest(monkeypatch: pytest.MonkeyPatch, *, without: tuple[int, ...] = (), **postgres: Any) -> str:
    held = situation(FIRST, SECOND, without=without)
    monkeypatch.setattr(repository, "root", lambda: Path("/"))
    monkeypatch.setattr(inventory, "read", lambda _: held.held)
    monkeypatch.setattr(choice, "read_situation", lambda *_: (held, None))
    made = spec()
    return repository.newest(parse(made | {"platform": "local", "postgres": made["postgres"] | postgres}))


def test_the_newest_backup_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert newest(monkeypatch) == SECOND.label


def test_a_backup_without_its_own_log_is_refused_and_the_older_one_may_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(RefusedError, match=rf"{wal_name(1, 10)}, with which .* from backup {FIRST.label} \(--set\)$"):
        newest(monkeypatch, without=(10,))
    assert newest(monkeypatch, without=(10,), restored_from=FIRST.label) == FIRST.label


def test_a_host_that_is_to_serve_is_not_silently_without_what_lies_behind_a_hole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = rf"^archive: {wal_name(1, 15)} .. {wal_name(1, 15)} is missing: .* named: {SECOND.label} \(--set\)$"
    with pytest.raises(RefusedError, match=told):
        newest(monkeypatch, without=(15,))
    assert newest(monkeypatch, without=(15,), restored_from=SECOND.label) == SECOND.label
    # A standby follows what is archived, and is asked before it serves.
    assert newest(monkeypatch, without=(15,), is_serving=False) == SECOND.label
