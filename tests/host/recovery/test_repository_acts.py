"""What damage is read from pgBackRest's words, where it is noted, and what is built on it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.recovery.contract import BackupRequest, Damage
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Inventory
from host.recovery.lock import IN_PLACE, alone
from host.recovery.machine import Machine
from host.recovery.pages import FAILED, FILE, FOUND, faults
from host.recovery.repository_acts import damages, kind_of, marks, take_backup
from host.specification.reading import parse
from tests.host.recovery.held import backup, situation
from tests.host.recovery.machine import machine
from tests.host.specs import spec


def test_damage_is_read_from_what_verify_says() -> None:
    log = (
        "INFO: verify command begin 2.55.1\n"
        "INFO: invalid checksum '20261121-123415F/bundle/1'\n"
        "INFO: invalid result 17-1/00/0A.zst: [95] CryptoError\n"
        "WARN: file missing '17-1/00/0B.zst'\n"
        "WARN: backup '20261121-123415F' found in backup.info but not in the repository\n"
    )
    found = [(one.file, one.fault) for one in damages("status: error\n", log)]
    assert found == [
        ("20261121-123415F/bundle/1", "invalid checksum"),
        ("17-1/00/0A.zst", "invalid result: CryptoError"),
        ("20261121-123415F", "found in backup.info but not in the repository"),
    ]


def test_a_file_that_could_not_be_read_is_not_called_damaged() -> None:
    log = "INFO: invalid result 17-1/00/0A.zst: [42] unexpected eof\nINFO: invalid result 17-1/00/0B.zst: [29] header\n"
    unread, damaged = damages("status: error\n", log)
    assert (unread.is_unread, unread.fault) == (True, "could not be read: unexpected eof")
    assert (damaged.is_unread, damaged.fault) == (False, "invalid result: header")


def test_damage_that_is_not_named_is_still_damage() -> None:
    report = "stanza: main\nstatus: error\n  No usable backup.info file\n"
    assert [one.fault for one in damages(report, "")] == ["No usable backup.info file"]
    report = "stanza: main\nstatus: error\n  backup: L, status: manifest missing, total files checked: 0\n"
    assert [(one.file, one.fault) for one in damages(report, "")] == [("L", "manifest missing")]
    assert list(damages("stanza: main\nstatus: ok\n", "")) == []


def test_half_a_page_at_a_files_end_is_told_from_a_wrong_checksum(tmp_path: Path) -> None:
    said = "WARN: page misalignment in file /data/some: file size 12288 is not divisible by page size 8192"
    (fault,) = faults(Machine(tmp_path, parse(spec())), said)
    assert fault.startswith("/data/some: file size 12288 is not divisible by page size 8192, as a full disk leaves it")


FIRST, SECOND = backup(2), backup(10)
SEGMENT = "17-1/0000000100000000/000000010000000000000007-" + "0" * 40 + ".zst"


def noted(**notes: str) -> Inventory:
    found = situation(FIRST, SECOND).held
    return replace(found, notes={FIRST.label: {name.replace("_", "-"): text for name, text in notes.items()}})


def test_damage_is_noted_at_its_backup_and_of_log_at_the_one_before_it() -> None:
    found = [
        Damage(file=f"{SECOND.label}/bundle/1", fault="invalid checksum"),
        Damage(file=SEGMENT, fault="invalid size"),
    ]
    assert marks(noted(), "primary", found) == {
        FIRST.label: {"damaged-log": "000000010000000000000007"},
        SECOND.label: {"damaged": f"invalid checksum of {SECOND.label}/bundle/1"},
    }
    assert marks(noted(), "copy", found[:1]) == {SECOND.label: {"damaged-copy": f"invalid checksum of {found[0].file}"}}


def test_a_note_is_taken_back_only_of_what_was_read_and_is_sound() -> None:
    before = noted(damaged="invalid checksum of L/1", damaged_log="000000010000000000000007")
    assert marks(before, "primary", []) == {FIRST.label: {"damaged": "", "damaged-log": ""}}
    unread = [Damage(file=one, fault="no answer", is_unread=True) for one in (f"{FIRST.label}/bundle/1", SEGMENT)]
    assert marks(before, "primary", unread) == {}
    # What is wrong with the copy is another matter.
    assert marks(before, "copy", []) == {}


@pytest.mark.parametrize(
    ("wanted", "backups", "kind"),
    [
        (None, [], "full"),
        (None, [FIRST], "diff"),
        ("incr", [FIRST], "incr"),
        ("diff", [backup(2, damage="x")], "full"),
        ("incr", [backup(2, error=True)], "full"),
        (None, [backup(2, damage="x"), SECOND], "diff"),
        (None, [FIRST, backup(10, damage="x")], "full"),
        ("incr", [FIRST, backup(10, kind="diff", damage="x")], "diff"),
        ("diff", [FIRST, backup(10, kind="diff", damage="x")], "diff"),
    ],
)
def test_nothing_is_built_on_a_backup_that_is_damaged(wanted: str | None, backups: list[Any], kind: str) -> None:
    assert kind_of(wanted, backups)[0] == kind


@pytest.mark.parametrize(
    ("platform", "advice"), [("lightsail", "; start it: systemctl start postgresql@17-main.service"), ("local", "")]
)
def test_a_server_that_does_not_run_is_not_backed_up(platform: str, advice: str, tmp_path: Path) -> None:
    on = machine(tmp_path, platform=platform)
    with pytest.raises(RecoveryError) as caught:
        take_backup(on, BackupRequest())
    assert caught.value.faults == [f"backup: PostgreSQL does not run, and only one that runs can be backed up{advice}"]


def test_no_backup_begins_while_a_restore_takes_mains_place(tmp_path: Path) -> None:
    on = machine(tmp_path)
    with alone(on, IN_PLACE), pytest.raises(RecoveryError, match=r"^backup: restore in place \(process \d+\) has been"):
        take_backup(on, BackupRequest())


def test_damaged_pages_are_read_from_both_programs() -> None:
    text = "WARN: invalid page checksums found in file /data/base/5/16384.1 at pages 131072, 131074-131080\nWARN: other"
    (found,) = FOUND.finditer(text)
    assert (found["path"], found["blocks"]) == ("/data/base/5/16384.1", "131072, 131074-131080")
    text = 'WARNING:  checksum verification failed in file "./pg_tblspc/16390/PG_17_202406281/5/16391", block 7: found'
    (failed,) = FAILED.finditer(text)
    file = FILE.fullmatch(failed["path"])
    assert file
    assert (file["space"], file["other"], file["number"], failed["block"]) == ("16390", "5", "16391", "7")
    assert FILE.fullmatch("/data/global/1262")
    assert not FILE.fullmatch("/data/pg_xact/0000")
