"""What a host asks its repository before a database is made of it, promoted, or serves again; and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from host.backup import repository
from host.common.rendering import RefusedError
from host.recovery import choice, inventory
from host.recovery.choice import Situation
from host.recovery.errors import RecoveryError
from host.recovery.pgbackrest import Repository
from host.recovery.wal import SEGMENT_BYTES, wal_name
from host.specification.model import Spec
from host.specification.reading import parse
from tests.host.recovery.held import backup, lsn, situation
from tests.host.specs import spec

FIRST, SECOND = backup(2), backup(10)


def held(monkeypatch: pytest.MonkeyPatch, without: tuple[int, ...] = ()) -> Situation:
    """What the repository of the host has from now on."""
    found = situation(FIRST, SECOND, without=without)
    monkeypatch.setattr(repository, "root", lambda: Path("/"))
    monkeypatch.setattr(repository, "HOLE_SECONDS", 0)
    monkeypatch.setattr(inventory, "read", lambda _: found.held)
    monkeypatch.setattr(choice, "read_situation", lambda *_: (found, None))
    return found


def declared(platform: str = "local", **postgres: Any) -> Spec:
    made = spec()
    return parse(made | {"platform": platform, "postgres": made["postgres"] | postgres})


def newest(
    monkeypatch: pytest.MonkeyPatch, *, without: tuple[int, ...] = (), platform: str = "local", **postgres: Any
) -> str:
    held(monkeypatch, without)
    return repository.newest(declared(platform, **postgres))


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


@pytest.mark.parametrize("without", [(15,), (10,)], ids=["behind-the-backup", "of-the-backup"])
def test_a_host_in_the_cloud_is_told_of_a_hole_and_of_the_setting_that_names_the_backup(
    monkeypatch: pytest.MonkeyPatch, without: tuple[int, ...]
) -> None:
    with pytest.raises(RefusedError, match=r"is missing.* the setting for --set is restoredFrom, of this host in"):
        newest(monkeypatch, without=without, platform="lightsail")
    assert newest(monkeypatch, without=without, platform="lightsail", restored_from=FIRST.label) == FIRST.label


AFTER_14 = f"0/{15 * SEGMENT_BYTES:X}"


@pytest.mark.parametrize(
    ("without", "at", "lacking"),
    [
        ((), AFTER_14, None),
        ((15,), AFTER_14, (15, 15)),
        ((15, 16), lsn(14), (15, 16)),
        ((20,), lsn(19), None),
        # It has these, whatever has become of them in the archive.
        ((12, 15), lsn(15), None),
        # Never started: from its backup on.
        ((12,), "0/0", (12, 12)),
        ((8,), "0/0", None),
        ((12,), "its beginning", (12, 12)),
    ],
)
def test_a_standby_is_not_promoted_at_a_hole_as_if_the_log_ended_there(
    monkeypatch: pytest.MonkeyPatch, without: tuple[int, ...], at: str, lacking: tuple[int, int] | None
) -> None:
    held(monkeypatch, without)
    fault = repository.ahead_fault(declared(), at)
    if lacking is None:
        assert fault is None
    else:
        first, last = (wal_name(1, number) for number in lacking)
        size = (21 - lacking[0]) * SEGMENT_BYTES
        assert (
            fault == f"archive: {first} .. {last} is missing: {size:,} bytes of log from there on would not come back"
        )
    # Who names a backup has read what is behind the hole.
    assert repository.ahead_fault(declared(restored_from=SECOND.label), at) is None


def test_a_standby_is_not_promoted_while_the_archive_can_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch)

    def refused(_: object) -> None:
        raise RecoveryError("backup repository b: [403]")

    monkeypatch.setattr(inventory, "read", refused)
    fault = repository.ahead_fault(declared(restored_from=SECOND.label), AFTER_14)
    assert fault == "the archive can't be read, and what it has must not be left out: backup repository b: [403]"


SEGMENT = "17-1/0000000100000000/00000001000000000000000{}-" + "0" * 40


@pytest.mark.parametrize(
    ("stanzas", "later"),
    [
        ({"main-17": 5}, None),
        ({"main-17": 5, "main-18": 6}, "main-18"),
        # One that was tried and given up: this host has archived since.
        ({"main-17": 5, "main-18": 4}, None),
        ({"main-17": 5, "main-16": 6, "else-18": 6}, None),
        ({"main-18": 6}, "main-18"),
    ],
)
def test_a_cluster_of_a_later_major_version_is_seen_to_serve(
    monkeypatch: pytest.MonkeyPatch, stanzas: dict[str, int], later: str | None
) -> None:
    def listed(_: object, command: str, *arguments: str) -> Any:
        *_, path = arguments
        if path == "archive":
            return dict.fromkeys((*stanzas, "."))
        at = stanzas.get(path.removeprefix("archive/"))
        return {SEGMENT.format(number): {"time": at - number} for number in range(3)} if at else None

    monkeypatch.setattr(repository, "root", lambda: Path("/"))
    monkeypatch.setattr(Repository, "json", listed)
    assert repository.later_major(declared()) == later


def test_whether_one_serves_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise RecoveryError("backup repository b: [403]")

    monkeypatch.setattr(repository, "root", lambda: Path("/"))
    monkeypatch.setattr(Repository, "json", refused)
    with pytest.raises(RefusedError, match=r"^the backup repository can't be read: backup repository b: \[403\]$"):
        repository.later_major(declared())
