"""What damage is read from pgBackRest's report and log."""

from host.recovery.repository_acts import damages


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
