"""What pgBackRest's own words say of a repository; as it printed them."""

from typing import Any

import pytest

from host.backup.repository_state import RepositoryState, usable

LOADING = "unable to load info file '/postgresql/backup/main-17/backup.info' or '…/backup.info.copy':"
OVERWRITTEN = f"[CryptoError] {LOADING}\nCryptoError: cipher header invalid\nCryptoError: cipher header invalid"
UNDECIPHERED = f"[FormatError] {LOADING}\nFormatError: key/value found outside of section at line 1: ?"
FIRST_ONLY = "CryptoError: cipher header invalid\nFormatError: key/value found outside of section at line 1: ?"


def info(code: int, message: str, backups: int = 0, errors: int = 0) -> list[dict[str, Any]]:
    listed = [{"error": number < errors} for number in range(backups)]
    status = {"code": code, "message": message}
    return [{"backup": listed, "repo": [{"status": status}], "status": {"code": code, "message": "other"}}]


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ([], (False, True, 0)),
        (info(1, "missing stanza path"), (False, True, 0)),
        (info(3, "missing stanza data"), (False, True, 0)),
        (info(2, "no valid backups"), (True, False, 0)),
        (info(0, "ok", backups=3), (True, False, 3)),
        (info(0, "ok", backups=3, errors=1), (True, False, 2)),
        (info(99, OVERWRITTEN), (False, True, 0)),
        # Not this cluster's to delete: the passphrase may be wrong, and one of two copies may be good.
        (info(99, UNDECIPHERED), (False, False, 0)),
        (info(99, FIRST_ONLY), (False, False, 0)),
        (info(99, OVERWRITTEN, backups=1), (False, False, 1)),
        (info(99, "[FileReadError] unable to open"), (False, False, 0)),
    ],
)
def test_a_repository_is_lost_only_where_nothing_can_be_in_it(
    found: list[dict[str, Any]], state: tuple[bool, bool, int]
) -> None:
    read = RepositoryState.of(found)
    assert (read.is_readable, read.is_lost, read.backups) == state


def test_a_backup_that_is_damaged_or_builds_on_one_can_not_be_restored() -> None:
    damaged = {"label": "F", "annotation": {"next-xid": "7", "damaged": "invalid checksum"}}
    sound = {"label": "G", "annotation": {"next-xid": "7"}, "reference": None}
    listed: list[dict[str, Any]] = [
        damaged,
        {"label": "F_D", "reference": ["F"]},
        sound,
        {"label": "G_D", "reference": ["G"]},
    ]
    assert [one["label"] for one in usable(listed)] == ["G", "G_D"]
