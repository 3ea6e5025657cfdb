"""What the engine reads: requests, pgBackRest's words, and markers."""

import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from host.recovery.checks import compared
from host.recovery.contract import Plan, Restored, Source, Target, parse, sent, written
from host.recovery.errors import RecoveryError
from host.recovery.inventory import number_of, position, wal_name
from host.recovery.pgbackrest import Repository, error_words
from host.recovery.repository_acts import damages
from tests.host.recovery.held import at, backup


def faults(**request: Any) -> list[str]:
    with pytest.raises(RecoveryError) as caught:
        parse(json.dumps(request))
    return caught.value.faults


def test_all_faults_of_a_request_are_named_at_once() -> None:
    found = faults(act="restore", target={"kind": "xid", "value": "x"}, into="../main", more=1)
    assert len(found) == 3
    assert any("is not a transaction number" in fault for fault in found)
    assert any("request.into: is not a name" in fault for fault in found)
    assert any("request.more: unknown" in fault for fault in found)


@pytest.mark.parametrize(
    ("kind", "value", "more"),
    [
        ("time", "2026-11-01 10:00", {}),
        ("time", "yesterday", {}),
        ("lsn", "5000", {}),
        ("xid", "2", {}),
        ("xid", "-5", {}),
        ("name", "x" * 64, {}),
        ("name", "two\nlines", {}),
        ("name", "point", {"is_exclusive": True}),
        ("latest", "now", {}),
        ("time", None, {}),
        ("latest", None, {"set": "../../x"}),
        ("latest", None, {"timeline": 0}),
    ],
)
def test_a_target_that_could_mean_anything_is_refused(kind: str, value: str | None, more: dict[str, Any]) -> None:
    (fault,) = faults(act="plan", target={"kind": kind, "value": value, **more}, into="copy")
    assert fault.startswith("request.target")


@pytest.mark.parametrize("name", ["main/../x", ".hybrid", "main.before-/x", "", "A"])
def test_a_name_never_leaves_its_folder(name: str) -> None:
    assert faults(act="discard", name=name)


def test_a_request_that_is_no_request_is_refused() -> None:
    for text in ("", "[]", "{", '{"act": "drop"}'):
        with pytest.raises(RecoveryError, match="request"):
            parse(text)


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    montreal = timezone(timedelta(hours=-5))
    assert written(datetime(2026, 11, 21, 7, 0, 0, 5, tzinfo=montreal)) == "2026-11-21T12:00:00.000005Z"


def test_of_what_an_act_does_not_give_nothing_is_sent() -> None:
    plan = Plan(target=Target(kind="latest"), source=Source(), into="main", backup=backup(2, references=("a", "b")))
    answer = sent(Restored(plan=plan, staged="main.staged-20261121-120000"))
    assert answer.keys() == {"plan", "staged"}
    assert answer["plan"]["backup"].keys() & {"label", "references", "timeline"} == {"label", "timeline"}


def test_an_answer_of_another_engine_is_read() -> None:
    earlier = {"target": {"kind": "latest"}, "source": {"repository": "copy"}, "into": "main"}
    assert Plan.model_validate(earlier).faults == []
    later = {"target": {"kind": "latest", "set": None, "more": 1}, "source": {"more": 1}, "into": "main", "more": 1}
    assert Plan.model_validate(later).source == Source()


def test_positions_and_names_of_the_log_agree() -> None:
    name = wal_name(3, number_of("0000000300000002000000FE") + 2)
    assert name == "000000030000000300000000"
    assert position("2/FE000000") == number_of("0000000300000002000000FE") * 2**24


def test_an_error_is_one_line_without_hints_and_bytes() -> None:
    words = (
        "WARN: first\nERROR: [055]: unable to load\x00 file:\n       [FileMissing] gone\n       HINT: do\nINFO: end\n"
    )
    assert error_words(words) == "unable to load file: [FileMissing] gone"


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


def test_markers_are_held_against_those_of_the_source() -> None:
    source = [at(hour) for hour in range(6)]
    exact = compared(source, source[:4], at(3.5), is_exact=True)
    assert (exact.expected, exact.found, exact.is_passed) == (4, 4, True)
    assert compared(source, source[:3], at(3.5), is_exact=True).missing == [at(3)]
    assert compared(source, source[:5], at(3.5), is_exact=True).unexpected == [at(4)]
    assert compared(source, [*source[:4], at(3.2)], at(3.5), is_exact=True).unexpected == [at(3.2)]


def test_a_marker_that_was_being_committed_may_be_there_or_not() -> None:
    source, last = [at(1), at(2)], at(2) + timedelta(milliseconds=3)
    for found in (source, source[:1]):
        assert compared(source, found, last, is_exact=False).is_passed
    assert compared(source, source[:1], last + timedelta(seconds=2), is_exact=False).missing == [at(2)]


def repository() -> Repository:
    backup = SimpleNamespace(cipher_passphrase="", key_secret="", bucket="backups", endpoint="store", replica=None)
    machine: Any = SimpleNamespace(spec=SimpleNamespace(backup=backup))
    return Repository(machine)


@pytest.mark.parametrize(
    ("command", "fault"), [("restore", "is damaged in the repository"), ("info", "it can't be decrypted")]
)
@pytest.mark.parametrize("words", ["ERROR: [095]: unable to flush", "ERROR: [082]: cipher header invalid"])
def test_a_file_that_can_not_be_decrypted_after_others_could_is_damaged(command: str, fault: str, words: str) -> None:
    assert fault in repository().fault(command, 95, words)


@pytest.mark.parametrize(
    "words",
    [
        "raised from local-1 protocol: zst error: [-20] Data corruption detected [FormatError] on 2 retries",
        "error restoring '/var/lib/postgresql/data/base/5/16384': checksum does not match",
    ],
)
def test_a_file_that_is_not_what_was_backed_up_is_damaged(words: str) -> None:
    assert "is damaged in the repository" in repository().fault("restore", 29, f"ERROR: [029]: {words}")


def test_a_store_that_ends_within_an_answer_does_not_answer() -> None:
    words = repository().fault("backup", 42, "ERROR: [042]: unexpected eof while reading line")
    assert words == "backup repository backups: the store store does not answer: unexpected eof while reading line"
