"""Where on a time axis a file of the log was written."""

from datetime import timedelta

from backups.wal import ranges
from tests.backups.answering import NOW, archive, backup, listing, read, wal


def test_moments_between_backups_are_in_proportion() -> None:
    given = listing(
        [backup(NOW - timedelta(hours=10), first_wal=0, seconds=0)], [archive(0, 101, NOW, gaps=[(51, 60)])]
    )
    before, gap, after = ranges(read(given))
    assert (before.last, gap.first, gap.last, after.first) == (wal(51), wal(51), wal(60), wal(61))
    assert abs(gap.start - (NOW - timedelta(hours=5))) < timedelta(minutes=1)
    assert abs(gap.end - (NOW - timedelta(hours=4))) < timedelta(minutes=1)
    assert after.end == NOW


def test_a_gap_at_the_end_is_all_that_is_left() -> None:
    given = listing([backup(NOW - timedelta(hours=1), first_wal=1)], [archive(1, 9, NOW, gaps=[(8, 9)])])
    assert [one.is_missing for one in ranges(read(given))] == [False, True]


def test_a_timeline_begins_where_the_one_before_was_left() -> None:
    left = NOW - timedelta(hours=3)
    given = listing(
        [backup(NOW - timedelta(hours=9), first_wal=1)], [archive(1, 50, left), archive(45, 90, NOW, timeline=2)]
    )
    first, second = ranges(read(given))
    assert (first.end, second.start, second.end) == (left, left, NOW)


def test_log_without_a_backup_or_a_time_is_drawn_at_once() -> None:
    (only,) = ranges(read(listing([], [archive(4, 9, None)])))
    assert (only.start, only.end) == (NOW, NOW)
