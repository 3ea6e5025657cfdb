"""What pgBackRest's errors are taken for."""

from types import SimpleNamespace
from typing import Any

import pytest

from host.recovery.contract import Source
from host.recovery.inventory import no_stanza
from host.recovery.pgbackrest import Repository, error_message, one_line


def test_an_error_is_one_line_without_hints_and_bytes() -> None:
    message = (
        "WARN: first\nERROR: [055]: unable to load\x00 file:\n       [FileMissing] gone\n       HINT: do\nINFO: end\n"
    )
    assert error_message(message) == "unable to load file: [FileMissing] gone"


def repository(source: Source | None = None) -> Repository:
    given = {"bucket": "backups", "endpoint": "store", "stanza": "main-17", "replica": None}
    backup = SimpleNamespace(cipher_passphrase="", key_secret="", **given)
    machine: Any = SimpleNamespace(spec=SimpleNamespace(backup=backup))
    return Repository(machine, source or Source())


@pytest.mark.parametrize(
    ("command", "fault"), [("restore", "is damaged in the repository"), ("info", "it can't be decrypted")]
)
@pytest.mark.parametrize("text", ["ERROR: [095]: unable to flush", "ERROR: [082]: cipher header invalid"])
def test_a_file_that_can_not_be_decrypted_after_others_could_is_damaged(command: str, fault: str, text: str) -> None:
    assert fault in repository().fault(command, 95, text)


@pytest.mark.parametrize(
    "text",
    [
        "raised from local-1 protocol: zst error: [-20] Data corruption detected [FormatError] on 2 retries",
        "error restoring '/var/lib/postgresql/data/base/5/16384': checksum does not match",
    ],
)
def test_a_file_that_is_not_what_was_backed_up_is_damaged(text: str) -> None:
    assert "is damaged in the repository" in repository().fault("restore", 29, f"ERROR: [029]: {text}")


def test_what_is_said_of_a_file_and_its_copy_is_said_once_and_ends_with_a_word() -> None:
    refused = "ServiceError: [500] Internal Server Error"
    retried = "    [ServiceError] on 9 retries from 1-2ms: [500] Internal Server Error"
    text = f"unable to load 'a' or 'b':\n{refused}\n{retried}\n{refused}\nHINT: x"
    assert one_line(text) == f"unable to load 'a' or 'b': {refused}"
    assert one_line("seven77 " * 50) == f"{'seven77 ' * 37}..."


def test_a_store_that_ends_within_an_answer_does_not_answer() -> None:
    message = repository().fault("backup", 42, "ERROR: [042]: unexpected eof while reading line")
    assert message == "backup repository backups: the store store does not answer: unexpected eof while reading line"


UNTRUSTED = "unable to verify certificate presented by 'store:443 (10.0.0.1)': [18] self-signed certificate"


@pytest.mark.parametrize("command", ["info", "restore", "archive-get", "backup"])
@pytest.mark.parametrize(
    ("code", "text", "told"),
    [
        (95, UNTRUSTED, "shows a certificate that is not trusted, so nothing is asked of it: self-signed certificate"),
        (
            103,
            f"unable to load info file 'a' or 'b':\nCryptoError: {UNTRUSTED}\nHINT: is or was the repo encrypted?",
            "shows a certificate that is not trusted, so nothing is asked of it: self-signed certificate",
        ),
        (
            39,
            "HTTP request failed with 403 (Forbidden):\n*** Path/Query ***:\nHEAD /bucket",
            "refuses this host with 403: its credentials have ended, or the bucket's policy forbids it",
        ),
        (
            101,
            "[503] Service Unavailable\n[ServiceError] on 7 retries from 1-2ms: [503] Service Unavailable",
            "fails with [503] Service Unavailable: its own fault, which may pass; try again",
        ),
    ],
    ids=["certificate", "certificate-of-a-file", "forbidden", "fails"],
)
def test_a_store_that_refuses_is_no_wrong_passphrase_and_no_damaged_file(
    command: str, code: int, text: str, told: str
) -> None:
    message = repository().fault(command, code, f"ERROR: [{code:03}]: {text}")
    assert message == f"backup repository backups: the store store {told}"


def test_a_store_whose_disk_is_full_is_said_to_be() -> None:
    message = repository().fault("backup", 82, "ERROR: [082]: raised from local-1 shim protocol: [507]")
    assert message == "backup repository backups: the disk of the store store is full; make room there"


def test_a_time_before_the_first_backup_is_not_answered_as_an_empty_repository() -> None:
    early = Source.model_validate({"as_of": "2020-01-01T00:00:00Z"})
    assert no_stanza(repository(early), "missing stanza data") == (
        "backup repository backups: as it was on 2020-01-01T00:00:00.000000Z it had no backups of stanza main-17:"
        " missing stanza data; name another time, or none"
    )
    assert "is empty: " in no_stanza(repository(), "missing stanza data")
