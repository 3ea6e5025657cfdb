"""A host that served writes a demotion mark, and its standby serves only after it."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from host.database import contents
from host.database.cluster import StandbyMinimums
from host.database.contents import promoted
from host.database.serving import (
    MARK,
    ArchivedTimelines,
    HasLaterTimeline,
    Recovering,
    Recovery,
    away_reason,
    demotion_mark,
    promotion_fault,
    promotion_wait_fault,
    return_fault,
    taken_back,
    unfollowed_archive_fault,
)
from host.database.state import DatabaseState
from host.specification.model import Postgres
from host.specification.reading import parse
from tests.host.database.test_changes import state
from tests.host.specs import spec

SPEC = parse(spec(is_serving=False))
POSTGRES: Postgres = SPEC.postgres


def said(**changes: Any) -> list[str]:
    held = replace(state(POSTGRES), **changes)
    return [statement for change in demotion_mark(POSTGRES, held) for statement in change.statements]


def test_the_demotion_mark_goes_out_once_no_client_is_left() -> None:
    assert said(is_fenced=True) == [
        "SET TRANSACTION READ WRITE;",
        "ALTER DATABASE \"clinic\" SET hybrid.serving = 'ended';",
        "SELECT pg_switch_wal();",
    ]


def test_nothing_is_said_while_a_client_is_there_or_twice() -> None:
    assert said(is_fenced=False) == []
    assert said(is_fenced=True, settings=frozenset({MARK})) == []


def test_who_serves_again_takes_it_back() -> None:
    held = replace(state(POSTGRES), settings=frozenset({MARK}))
    assert taken_back(POSTGRES, held).statements == ('ALTER DATABASE "clinic" RESET hybrid.serving;',)
    assert taken_back(POSTGRES, state(POSTGRES)).statements == ()


@pytest.mark.parametrize(("settings", "is_forced"), [(frozenset({MARK}), False), (frozenset(), True)])
def test_a_standby_serves_after_the_demotion_mark_or_by_force(settings: frozenset[str], is_forced: bool) -> None:
    assert promotion_fault(replace(state(POSTGRES), settings=settings), is_forced=is_forced) is None


def test_a_standby_without_the_demotion_mark_is_told_what_to_do() -> None:
    fault = promotion_fault(state(POSTGRES), is_forced=False)
    assert fault
    assert all(way in fault for way in ("`./hybrid local up --stop-serving`", "`postgresServing`"))
    assert fault.endswith("touch /etc/hybrid/promote-without-mark")


def test_the_permission_to_promote_does_not_outlive_a_kill_after_the_promotion() -> None:
    removed, asked, *_ = (str(command) for command in promoted._inner(SPEC))
    assert removed == "rm -f /etc/hybrid/promote-without-mark"
    assert "/psql " in asked


def test_a_mark_that_comes_with_the_last_of_the_log_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """By force a promotion does not wait for it: what was seen before lacks it."""
    before = replace(state(POSTGRES), is_in_recovery=True)
    states = iter([before, replace(before, is_in_recovery=False, settings=before.settings | {MARK})])
    seen = lambda fact, **_: next(states) if fact is DatabaseState else True  # noqa: E731
    monkeypatch.setattr(contents, "host", SimpleNamespace(get_fact=seen))
    monkeypatch.setattr(contents, "guard_return", lambda *_: None)
    monkeypatch.setattr(contents, "verifiers", lambda _: {})
    done: list[str] = []
    monkeypatch.setattr(contents, "promoted", lambda **_: done.append("promoted"))
    monkeypatch.setattr(contents, "run", lambda name, lines, **_: done.append(name if lines else ""))
    monkeypatch.setattr(contents, "files", SimpleNamespace(file=lambda **_: None))
    contents.apply(parse(spec()), lambda _: None)
    assert list(filter(None, done))[:2] == ["promoted", "serving"]


def has_later(code: str, info: str) -> bool | None:
    fact = HasLaterTimeline.__new__(HasLaterTimeline)
    fact.command("main-17", 1)
    return fact.process([code, info])


@pytest.mark.parametrize(
    ("code", "newest", "status", "later"),
    [
        ("1", "000000010000000000000009", 0, False),
        ("1", "000000020000000000000009", 0, True),
        ("0", "000000010000000000000009", 2, True),
        ("1", "000000010000000000000009", 99, None),
        ("103", "000000010000000000000009", 0, None),
    ],
    ids=["own", "log-of-a-later", "history-of-a-later", "not-read", "archive-not-read"],
)
def test_a_later_timeline_is_seen_in_the_archive(code: str, newest: str, status: int, later: bool | None) -> None:
    info = [{"archive": [{"max": newest}], "status": {"code": status}}]
    assert has_later(code, json.dumps(info)) is later
    assert has_later(code, "") is None


def test_a_host_serves_again_only_where_nobody_was_promoted_since() -> None:
    assert return_fault(has_later=False) is None
    for later, message in ((True, "another host was promoted"), (None, "can't be read")):
        fault = return_fault(has_later=later)
        assert fault
        assert message in fault
        assert fault.endswith("touch /etc/hybrid/serve-without-later-rows")


def test_a_host_of_the_major_version_before_does_not_serve_again_without_the_rows_of_the_next() -> None:
    fault = return_fault(has_later=False, later_major="main-18")
    assert fault
    assert "of a later major version, whose log is archived as main-18" in fault
    assert fault.endswith("touch /etc/hybrid/serve-without-later-rows")


def test_a_standbys_minimums_are_read_from_its_control_data() -> None:
    lines = ["pg_control version number:            1700", "max_connections setting:              400"]
    lines += ["max_prepared_xacts setting:           5", "track_commit_timestamp setting:       off"]
    found = StandbyMinimums.process(StandbyMinimums.__new__(StandbyMinimums), lines)
    assert found == {"max_connections": 400, "max_prepared_transactions": 5}


def test_timelines_are_read_from_the_names_in_the_archive() -> None:
    fact = ArchivedTimelines.__new__(ArchivedTimelines)
    assert fact.process(["0000000100000000", "0000000A00000001", "00000003.history", "archive.info"]) == [1, 3, 10]
    assert fact.process(["0000000100000000", "unread"]) is None
    # Of no output, as where the repository was made anew, pyinfra does not ask further.
    assert fact.default() == []


def recovering(*lines: str) -> Recovering:
    return Recovery.process(Recovery.__new__(Recovery), list(lines))


def test_a_promotion_goes_on_until_it_has_ended() -> None:
    line = 'not paused|||0/5000060|||unknown|||{ "max_connections" : "48" }'
    going = recovering(line, "max_connections setting:   48")
    assert (going.state, going.lsn, going.lower) == ("not paused", "0/5000060", ())
    assert promotion_wait_fault(going, "store:443", away=1, seconds=100) is None
    assert recovering('ended|||its beginning|||unknown|||{ "max_connections" : "48" }').state == "ended"
    silent = recovering("psql: error: could not connect", "Minimum recovery ending location:     0/5000028")
    assert (silent.state, silent.lsn) == ("silent", "0/5000028")
    assert recovering("psql: error: could not connect").lsn == "its beginning"


def test_a_promotion_says_what_it_waits_for() -> None:
    line = 'paused|||0/5000060|||2026-11-30 12:00:00 UTC|||{ "max_connections" : "48" }'
    paused = promotion_wait_fault(recovering(line, "max_connections setting:   100"), "store:443", away=0, seconds=1)
    assert paused
    words = "max_connections = 48 is a lower setting than on the primary server, where its value was 100"
    assert f"promotion is not possible because of insufficient parameter settings: {words}. Apply again" in paused
    going = recovering(line.replace("paused", "not paused"))
    away = promotion_wait_fault(going, "store:443", away=21, seconds=30)
    assert away
    assert "waits for the archive, whose store store:443 has not answered for 21 s" in away
    for fault in (away, unfollowed_archive_fault(going, away_reason("store:443"))):
        assert "all that was committed after 0/5000060 (last commit: 2026-11-30 12:00:00 UTC)" in fault
        assert "echo 0/5000060 >/etc/hybrid/promote-without-archive" in fault
    late = promotion_wait_fault(going, "store:443", away=0, seconds=301)
    assert late
    assert "has not ended within 300 s; the log is replayed up to 0/5000060" in late
