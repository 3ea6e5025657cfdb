"""Which backup a target is restored from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from host.recovery.choice import Live, choose
from host.recovery.commits import Committed, DamagedError
from host.recovery.contract import Loss, Target, written
from host.recovery.errors import RecoveryError
from host.recovery.inventory import Segment
from host.recovery.timelines import history_entries
from host.recovery.wal import SEGMENT_BYTES, position, wal_name
from tests.host.recovery.held import at, backup, lsn, reading, situation

FIRST, SECOND = backup(2), backup(10)
BOTH = (FIRST, SECOND)


def target(kind: str, value: Any = None, **more: Any) -> Target:
    value = written(value) if kind == "time" else value
    return Target.model_validate({"kind": kind, "value": value, **more})


LIVE = Live(next_xid=20_000, position=2**40, timeline=1, started_at=at(1))


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        (target("latest"), SECOND.label),
        (target("time", at(9)), FIRST.label),
        # A backup's end is known to the second: right after it, it may not be consistent yet.
        (target("time", at(10.1)), FIRST.label),
        (target("time", at(10.2)), SECOND.label),
        (target("lsn", lsn(9)), FIRST.label),
        (target("lsn", lsn(10)), SECOND.label),
        (target("xid", "9999"), FIRST.label),
        (target("xid", "10000"), SECOND.label),
        # Before every annotation: it may be in any of them.
        (target("xid", "5"), FIRST.label),
        (target("name", "point"), FIRST.label),
        (target("name", "point", set=SECOND.label), SECOND.label),
        (target("latest", set=FIRST.label), FIRST.label),
    ],
)
def test_the_newest_backup_before_the_target_is_chosen(wanted: Target, label: str) -> None:
    choice = choose(wanted, situation(*BOTH))
    assert (choice.backup and choice.backup.label, choice.faults) == (label, ())


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (target("time", at(1)), "is before the end of the first backup; restorable: 2026-11-01T02:06:01"),
        (target("time", at(30)), "is after the newest commit; latest takes what there is"),
        (target("time", at(99)), "is in the future"),
        (target("lsn", lsn(1)), "is before the end of the first backup"),
        (target("lsn", lsn(21)), "is after the end of the log"),
        (target("time", at(9), set=SECOND.label), "which is after"),
        (target("latest", set="20200101-000000F"), "is not in the repository, which has"),
    ],
)
def test_what_no_backup_leads_to_is_refused(wanted: Target, message: str) -> None:
    (fault,) = choose(wanted, situation(*BOTH)).faults
    assert message in fault


def test_a_live_server_has_its_log_archived_so_that_now_can_be_reached() -> None:
    assert choose(target("time", at(30)), situation(*BOTH, live=LIVE)).faults == ()
    (fault,) = choose(target("xid", "20000"), situation(*BOTH, live=LIVE)).faults
    assert "has not begun yet: the next one is 20000" in fault


def test_a_damaged_backup_is_not_chosen() -> None:
    choice = choose(target("latest"), situation(FIRST, backup(10, error=True)))
    assert choice.backup == FIRST
    assert "no usable backup" in choose(target("latest"), situation(backup(2, error=True))).faults[0]


def test_the_log_is_told_from_the_backup_to_the_target() -> None:
    names = [one.number for one in choose(target("time", at(12.5)), situation(*BOTH)).wal]
    assert names == [10, 11, 12]
    assert [one.number for one in choose(target("lsn", lsn(3)), situation(*BOTH)).wal] == [2, 3]


def test_a_hole_in_the_log_is_refused_unless_the_target_is_before_it() -> None:
    (fault,) = choose(target("time", at(8)), situation(FIRST, without=(5, 6))).faults
    assert "000000010000000000000005 .. 000000010000000000000006 is missing" in fault
    assert choose(target("time", at(4.5)), situation(FIRST, without=(5, 6))).faults == ()
    assert "is missing" in choose(target("latest"), situation(FIRST, without=(2,))).faults[0]


def test_latest_ends_before_a_hole_and_says_how_much_is_behind_it() -> None:
    choice = choose(target("latest"), situation(FIRST, without=(5, 6)))
    assert [one.number for one in choice.wal] == [2, 3, 4]
    assert choice.note == "archive: 000000010000000000000005 .. 000000010000000000000006 is missing"
    # Of twenty segments one is archived at the end of each hour, and its newest commit is six minutes older.
    assert choice.loss == Loss(bytes=16 * SEGMENT_BYTES, seconds=16 * 3600 + 360)
    live = choose(target("latest"), situation(FIRST, without=(5, 6), live=LIVE)).loss
    assert live is not None
    assert live.bytes == LIVE.position - 5 * SEGMENT_BYTES


def test_a_later_timeline_is_reached_by_its_history() -> None:
    choice = choose(target("latest"), situation(*BOTH, branch=12, timeline=2))
    assert choice.backup == SECOND
    assert [one.name[7] + one.name[-2:] for one in choice.wal][:4] == ["10A", "10B", "10C", "20C"]
    # What was backed up after the branch, on the first timeline, does not lead there.
    late = backup(15)
    assert choose(target("latest"), situation(*BOTH, late, branch=12, timeline=2)).backup == SECOND
    assert choose(target("latest", timeline=1), situation(*BOTH, late, branch=12, timeline=1)).backup == late


def test_a_time_that_was_given_up_needs_its_timeline() -> None:
    (fault,) = choose(target("time", at(14)), situation(*BOTH, branch=12, timeline=2)).faults
    assert "name the timeline, 1 for what was given up" in fault
    assert choose(target("time", at(14), timeline=1), situation(*BOTH, branch=12, timeline=1)).faults == ()
    assert choose(target("time", at(25)), situation(*BOTH, branch=12, timeline=2)).faults == ()


def test_a_history_is_read_as_postgresql_writes_it() -> None:
    text = "1\t0/5000000\tno recovery target specified\n\n2\t0/6000000\tafter 2026-11-01 10:00:00.5+00\n"
    first, second, third = history_entries(3, text)
    assert (first.timeline, first.end, first.left_at) == (1, 0x5000000, None)
    assert second.left_at == datetime(2026, 11, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    assert third.timeline == 3


def test_a_timeline_that_a_recovery_did_not_come_to_is_not_of_its_lineage() -> None:
    """As after a restore in place to a moment before the one before it."""
    text = "1\t0/5000000\tno recovery target specified\n\n2\t0/4000000\tbefore 2026-11-01 10:00:00.5+00\n"
    first, third = history_entries(3, text)
    assert (first.timeline, first.end, third.timeline) == (1, 0x4000000, 3)
    assert first.left_at == datetime(2026, 11, 1, 10, 0, 0, 500_000, tzinfo=UTC)


def spans(*backups: Any, **more: Any) -> list[tuple[datetime, datetime, bool]]:
    return [(one.since, one.until, one.is_live) for one in situation(*backups, **more).windows]


def test_without_a_hole_there_is_one_window_that_moves_on_where_the_server_archives() -> None:
    since = FIRST.stopped_at + timedelta(seconds=1)
    assert spans(*BOTH) == [(since, at(20.9), False)]
    assert spans(*BOTH, live=LIVE) == [(since, at(60), True)]
    assert spans() == []


def test_log_that_was_dropped_ends_the_window_before_any_is_archived_after_it() -> None:
    live = replace(LIVE, has_dropped=True)
    assert [(one.until, one.is_live) for one in situation(FIRST, live=live).windows] == [(at(20.9), False)]
    assert choose(target("time", at(20.9)), situation(FIRST, live=live)).is_end


def test_a_window_ends_at_a_hole_until_a_backup_is_taken_after_it() -> None:
    first, second = (one.stopped_at + timedelta(seconds=1) for one in BOTH)
    assert spans(FIRST, live=LIVE, without=(5, 6)) == [(first, at(4.9), False)]
    assert spans(*BOTH, live=LIVE, without=(5, 6)) == [(first, at(4.9), False), (second, at(60), True)]
    # After the newest backup: from no backup on can now be reached.
    assert spans(*BOTH, live=LIVE, without=(15,)) == [(first, at(14.9), False)]


def test_the_newest_backup_without_its_own_log_ends_the_window_though_nothing_is_archived_after_it() -> None:
    late = backup(20)
    found = situation(FIRST, late, live=LIVE, without=(20,))
    assert [(one.since, one.until, one.is_live) for one in found.windows] == [
        (FIRST.stopped_at + timedelta(seconds=1), at(19.9), False)
    ]
    (hole,) = found.covered.holes
    name = wal_name(1, 20)
    assert hole.cause.startswith(f"archive: {name} .. {name} is missing; archive: ")
    assert hole.cause.endswith(f", with which backup {late.label} begins")
    # The way on is named, and what it costs: nothing is chosen unasked.
    (fault,) = choose(target("latest"), found).faults
    assert fault.startswith(f"archive: {name}, with which backup {late.label} begins, is missing; ")
    assert fault.endswith(f": {written(at(19.9))}, from backup {FIRST.label} (--set)")
    older = choose(target("latest", set=FIRST.label), found)
    assert (older.faults, older.wal[-1].number) == ((), 19)
    assert older.loss == Loss(bytes=LIVE.position - 20 * SEGMENT_BYTES, seconds=(at(60) - at(19.9)).total_seconds())
    assert choose(target("time", at(19.9)), found).is_end
    assert choose(target("lsn", lsn(19), set=FIRST.label), found).faults == ()
    lost = choose(target("latest", set=FIRST.label), replace(found, live=None)).loss
    assert lost == Loss(bytes=SEGMENT_BYTES, seconds=(late.stopped_at - at(19.9)).total_seconds())


def unreadable(one: Segment, start: int, end: int) -> Committed:
    raise RecoveryError(f"{one.name}: can't be read")


def test_a_backup_without_the_end_of_its_log_leads_nowhere_and_the_older_one_is_named() -> None:
    late = backup(18, stopped_at=at(19.5), wal_stop=wal_name(1, 19), lsn_stop=lsn(19))
    found = situation(FIRST, late, live=LIVE, hours=19, without=(19,))
    (fault,) = choose(target("latest"), found).faults
    assert f"{wal_name(1, 19)} is missing, and backup {late.label} ends after it; the newest moment" in fault
    assert fault.endswith(f"from backup {FIRST.label} (--set)")
    # As of a host that was lost, where nothing can read the log yet.
    unread = replace(found, live=None, reading=unreadable)
    (fault,) = choose(target("latest"), unread).faults
    told = f": in {wal_name(1, 18)}, archived {written(at(19))}, from backup {FIRST.label} (--set)"
    assert fault.endswith(told)
    (alone,) = choose(target("latest"), situation(late, hours=19, without=(18,))).faults
    assert alone.endswith("; nothing is restorable")


def test_a_backup_without_its_own_log_opens_no_window() -> None:
    assert spans(FIRST, without=(2,)) == []
    assert spans(backup(2, wal_stop=wal_name(1, 4)), without=(3,)) == []
    assert spans(backup(2, error=True)) == []


def test_what_was_given_up_for_a_restored_timeline_is_in_no_window() -> None:
    since = FIRST.stopped_at + timedelta(seconds=1)
    assert spans(*BOTH, branch=12, timeline=2) == [(since, at(12.5), False), (at(22.5), at(40.9), False)]


@pytest.mark.parametrize("hour", [13, 21, 40])
def test_a_timeline_begins_with_its_first_commit_whatever_the_stores_clock_tells(hour: int) -> None:
    whole = situation(*BOTH, branch=12, timeline=2)
    found = replace(whole, held=replace(whole.held, histories={2: at(hour)}))
    assert [one.since for one in found.windows] == [FIRST.stopped_at + timedelta(seconds=1), at(22.5)]
    (fault,) = choose(target("time", at(22)), found).faults
    assert "name the timeline, 1 for what was given up" in fault


@pytest.mark.parametrize(("started", "since"), [(30, 30), (1, 22)])
def test_a_timeline_without_a_commit_begins_at_the_latest_as_its_server_was_started(started: int, since: int) -> None:
    def uncommitted(one: Segment, start: int, end: int) -> Committed:
        return None if one.name.startswith("00000002") else reading(one, start, end)

    live = replace(LIVE, timeline=2, started_at=at(started))
    found = replace(situation(*BOTH, branch=12, timeline=2, live=live), reading=uncommitted)
    assert [(one.since, one.is_live) for one in found.windows][1:] == [(at(since), True)]


def test_what_a_lost_host_had_not_archived_is_a_hole_with_the_nearest_moments_beside_it() -> None:
    since = FIRST.stopped_at + timedelta(seconds=1)
    found = situation(*BOTH, branch=12, timeline=2, is_lost=True)
    # Its newest archived commit, and the beginning of the timeline that came after it.
    assert [(one.since, one.until) for one in found.windows] == [(since, at(11.9)), (at(22.1), at(40.9))]
    cause = "timeline 1 ended at timeline 2; nothing of it is archived after 2026-11-01T11:54:00.000000Z"
    assert [(one.since, one.until, one.cause) for one in found.covered.holes] == [
        (at(11.9), at(22.1), cause),
        (at(40.9), at(60), "archive: nothing comes after 00000002000000000000001E"),
    ]
    (fault,) = choose(target("time", at(15)), found).faults
    assert f"can't be restored: {cause}" in fault
    assert "the nearest that can be: 2026-11-01T11:54:00.000000Z and 2026-11-01T22:06:00.000000Z" in fault
    for time in (at(11.9), at(22.1)):
        assert choose(target("time", time), found).faults == ()
    assert choose(target("time", at(15), timeline=2), found).faults == (fault,)


def test_a_hole_names_the_timeline_that_has_its_moments_and_the_option() -> None:
    """As after the way back of a cut-over: the standby served on a timeline of its own meanwhile."""
    lost = situation(*BOTH, branch=12, timeline=2, is_lost=True)
    meanwhile = tuple(replace(one, name=wal_name(3, one.number)) for one in situation().held.segments[1][11:19])
    held = replace(
        lost.held,
        segments={**lost.held.segments, 3: meanwhile},
        histories={**lost.held.histories, 3: at(12)},
    )
    found = replace(lost, held=held)
    named = f"; timeline 3 has {written(at(12))} .. {written(at(20))}: --timeline 3"
    cause = f"timeline 1 ended at timeline 2; nothing of it is archived after {written(at(11.9))}{named}"
    assert found.covered.holes[0].cause == cause
    (fault,) = choose(target("time", at(15)), found).faults
    assert f"can't be restored: {cause} (" in fault


def test_what_a_stopped_server_alone_has_is_in_the_window_and_told_apart() -> None:
    found = situation(*BOTH)
    own = tuple(replace(one, sha1=None) if one.number > 18 else one for one in found.held.segments[1])
    stopped = replace(found, held=replace(found.held, segments={1: own}))
    (window,) = stopped.windows
    assert (window.until, window.archived_until) == (at(20.9), at(18.9))
    (hole,) = stopped.covered.holes
    assert "main does not run, and after this no commit can be read of its log" in hole.cause
    assert choose(target("time", at(20)), stopped).faults == ()
    (archived,) = found.windows
    assert archived.archived_until is None


def test_what_a_killed_server_had_not_archived_and_the_next_timeline_begins_with_is_in_the_window() -> None:
    lost = situation(*BOTH, branch=12, timeline=2, is_lost=True)
    copied = position(lsn(12))

    def copy(one: Segment, start: int, end: int) -> Committed:
        is_earlier = one.name == wal_name(2, 12) and end <= copied
        return reading(replace(one, archived_at=at(13)) if is_earlier else one, start, end)

    lineage = history_entries(2, f"1\t{lsn(12)}\tno recovery target specified\n")
    found = replace(lost, lineage=lineage, reading=copy)
    assert [one.until for one in found.windows] == [at(12.3), at(40.9)]
    assert choose(target("time", at(12.2)), found).faults == ()


def test_a_host_that_was_lost_right_after_its_only_backup_left_a_hole_with_that_cause() -> None:
    late = backup(11, stopped_at=at(11.95))
    (hole, _) = situation(late, branch=12, timeline=2, is_lost=True).covered.holes
    assert (hole.since, hole.until) == (late.stopped_at + timedelta(seconds=1), at(22.1))
    assert hole.cause.startswith("timeline 1 ended at timeline 2")


def test_the_end_of_a_window_is_all_of_its_log() -> None:
    found = situation(FIRST, without=(5,))
    assert choose(target("time", at(4.9)), found).is_end
    assert not choose(target("time", at(4.8)), found).is_end
    assert not choose(target("time", at(4.9), is_exclusive=True), found).is_end
    assert not choose(target("time", at(4.9)), situation(FIRST)).is_end


def test_a_damaged_backup_or_segment_is_a_hole_that_names_it() -> None:
    hurt = backup(10, damage="invalid checksum of L/bundle/1")
    (hole, _) = situation(FIRST, hurt, backup(15), without=(7,)).covered.holes
    assert hole.cause == (
        "archive: 000000010000000000000007 .. 000000010000000000000007 is missing;"
        f" backup {hurt.label} is damaged: invalid checksum of L/bundle/1"
    )
    assert choose(target("latest"), situation(FIRST, hurt)).backup == FIRST
    whole = situation(FIRST)
    found = replace(whole, held=replace(whole.held, damaged=frozenset({wal_name(1, 7)})))
    assert [one.until for one in found.windows] == [at(6.9)]
    assert found.covered.holes[0].cause.endswith("07 is damaged")


def test_a_segment_that_can_not_be_read_shortens_the_window_and_is_named() -> None:
    def failing(one: Segment, start: int, end: int) -> Committed:
        if one.number > 15:
            raise (RecoveryError if one.number == 16 else DamagedError)(f"{one.name}: can't be read")
        return reading(one, start, end)

    whole = situation(FIRST, hours=17)
    assert situation(FIRST, hours=17).windows[0].until == at(17.9)
    ((hole,),) = [replace(whole, reading=failing).covered.holes]
    assert hole.since == FIRST.stopped_at + timedelta(seconds=1)
    assert hole.cause.endswith("000000010000000000000010: can't be read")


def test_every_time_of_a_window_can_be_planned_and_no_time_of_a_hole() -> None:
    found = situation(*BOTH, live=LIVE, without=(5, 6))
    for hour in (2.5, 4.9, 10.5, 20.5, 35):
        assert choose(target("time", at(hour)), found).faults == ()
    for hour in (5.5, 6.9, 9.9):
        (fault,) = choose(target("time", at(hour)), found).faults
        assert "is missing" in fault


def test_a_fault_names_every_window() -> None:
    (fault,) = choose(target("time", at(1)), situation(*BOTH, live=LIVE, without=(5, 6))).faults
    assert "restorable: 2026-11-01T02:06:01.000000Z .. 2026-11-01T04:54:00.000000Z, 2026-11-01T10:06:01" in fault
    assert fault.endswith(" .. now")


def test_a_hole_is_named_on_the_timeline_that_it_lies_on() -> None:
    note = choose(target("latest"), situation(FIRST, without=(5,), branch=12, timeline=2)).note
    assert note == "archive: 000000010000000000000005 .. 000000010000000000000005 is missing"


def test_what_lies_on_other_timelines_is_said_and_nothing_where_nothing_does() -> None:
    assert situation(*BOTH).note == ""
    ended = "timeline 2 is followed; timeline 1 has 2026-11-01T12:30:00.000000Z .. 2026-11-01T21:00:00.000000Z"
    assert situation(*BOTH, branch=12, timeline=2).note == f"{ended}, which is not on it"
    other = "timeline 1 is followed; timeline 2 has 2026-11-01T22:00:00.000000Z .. 2026-11-02T17:00:00.000000Z"
    assert situation(*BOTH, branch=12, timeline=1).note == f"{other}, which is not on it"


def test_the_highest_timeline_is_the_one_that_served_last() -> None:
    # The first goes on being archived: it was told to stop, and is restarted now and then.
    held = situation(*BOTH, branch=12, hours=40).held
    assert (held.timelines, held.current_timeline) == ([1, 2], 2)
    assert situation().held.current_timeline == 1


def test_a_timeline_whose_history_is_lost_is_followed_from_its_own_backups() -> None:
    own = backup(16, timeline=2)
    found = situation(*BOTH, own, branch=12, timeline=2)
    assert found.recovery_timeline == "2"
    bare = replace(found, held=replace(found.held, histories={}), lineage=history_entries(2, ""))
    choice = choose(target("latest"), bare)
    assert (choice.backup, choice.faults, bare.recovery_timeline) == (own, (), "current")
