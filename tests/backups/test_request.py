"""What the words of a command line ask of the engine."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.errors import BackupError
from backups.request import beside, cluster, drill, moment, source, target, zone_note
from host.recovery.contract import MAIN, RestoreRequest, document, parse


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("latest", "latest", None),
        ("2026-11-21 12:00", "time", "2026-11-21T12:00:00.000000Z"),
        ("2026-11-21T12:00:00Z", "time", "2026-11-21T12:00:00.000000Z"),
        ("2026-11-21T07:00:00.123456-05:00", "time", "2026-11-21T12:00:00.123456Z"),
        ("2026-11-21", "time", "2026-11-21T00:00:00.000000Z"),
        ("lsn:0/3000028", "lsn", "0/3000028"),
        ("0/abc", "lsn", "0/ABC"),
        ("xid:4711", "xid", "4711"),
        ("name:before the release: 2", "name", "before the release: 2"),
    ],
)
def test_a_target_is_read(text: str, kind: str, value: str | None) -> None:
    found = target(text)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "lsn:",
        "lsn:123",
        "0/123456789",
        "xid:",
        "xid:2",
        "xid:-5",
        "xid:four",
        "xid:99999999999999999999",
        "name:",
        "name:a\nb",
        f"name:{'é' * 32}",
        "2026-13-01",
        "0001-01-01T00:00+05:00",
        "oid:5",
    ],
)
def test_what_is_no_target_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BackupError, match="allowed: "):
        target(text)


@pytest.mark.parametrize("text", ["0/ﬀ", "xid:" + "9" * 5000])
def test_letters_and_numbers_of_another_kind_are_no_target(text: str) -> None:
    with pytest.raises(BackupError, match="allowed: "):
        target(text)


def test_a_timeline_is_within_what_postgresql_counts() -> None:
    with pytest.raises(BackupError, match="--timeline: 4294967296 is not a timeline; allowed: 1 to 4294967295"):
        target("latest", timeline=2**32)


@given(st.text())
def test_words_are_a_target_or_one_refusal(text: str) -> None:
    try:
        found = target(text)
    except BackupError:
        return
    assert found.kind == "latest" or found.value


@pytest.mark.parametrize("text", ["latest", "name:release"])
def test_exclusive_goes_with_what_has_a_before(text: str) -> None:
    with pytest.raises(BackupError, match="--exclusive"):
        target(text, is_exclusive=True)
    assert target("xid:5", is_exclusive=True).is_exclusive


@pytest.mark.parametrize(
    ("label", "is_one"),
    [("20261121-053408F", True), ("20261121-053408F_20261122-071500D", True), ("newest", False), ("../x", False)],
)
def test_a_backup_is_named_by_its_label(label: str, is_one: bool) -> None:
    if is_one:
        assert target("latest", label=label).label == label
    else:
        with pytest.raises(BackupError, match="--set"):
            target("latest", label=label)


def test_a_time_without_a_zone_is_taken_as_utc_and_said() -> None:
    assert zone_note("2026-11-21 12:00") == "no zone in '2026-11-21 12:00': taken as UTC, 2026-11-21 12:00:00 UTC"
    assert zone_note("2026-11-21 12:00+02:00") is None
    assert zone_note("latest") is None
    assert moment("2026-11-21 12:00") == (*moment("2026-11-21 14:00+02:00")[:1], False)


@pytest.mark.parametrize("name", ["", "Main", "a b", "1st", "../etc", "a" * 42, "main.before-20261121-1200", "-x"])
def test_a_name_that_no_cluster_may_have_is_refused(name: str) -> None:
    with pytest.raises(BackupError, match="is not a name for a cluster"):
        cluster(name)


def test_the_cluster_that_serves_is_never_discarded_opened_or_closed() -> None:
    assert cluster(MAIN) == MAIN
    assert beside("main.before-20261121-1200") == "main.before-20261121-1200"
    for name, fault in ((MAIN, "allowed: a restored or kept cluster"), ("../etc", "is not a name"), ("", "is not a")):
        with pytest.raises(BackupError, match=fault):
            beside(name)


def test_a_drill_is_asked_for_a_point_only_where_one_is_named() -> None:
    assert document(drill(7, None)) == {"act": "drill", "seed": 7}
    assert document(drill(None, "2026-11-21 12:00")) == {
        "act": "drill",
        "seed": None,
        "at": "2026-11-21T12:00:00.000000Z",
    }
    with pytest.raises(BackupError, match="is not a time"):
        drill(None, "yesterday")


def test_a_restore_is_asked_in_the_words_of_the_engine() -> None:
    wanted, where = target("xid:700", is_exclusive=True, timeline=2), source("copy", "2026-11-21 12:00")
    request = RestoreRequest(act="plan", target=wanted, source=where, into="side")
    assert document(request) == {
        "act": "plan",
        "target": {"kind": "xid", "value": "700", "is_exclusive": True, "timeline": 2, "set": None},
        "source": {"repository": "copy", "as_of": "2026-11-21T12:00:00.000000Z"},
        "into": "side",
        "replace": None,
    }
    assert parse(json.dumps(document(request))) == request
    assert document(source("primary", None)) == {"repository": "primary", "as_of": None}
