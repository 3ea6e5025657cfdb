"""Positions, numbers and names of the log, and what was committed in it."""

from datetime import UTC, datetime

from host.recovery.commits import _between
from host.recovery.wal import number_of, position, timeline_of, wal_name


def test_positions_and_names_of_the_log_agree() -> None:
    name = wal_name(3, number_of("0000000300000002000000FE") + 2)
    assert name == "000000030000000300000000"
    assert position("2/FE000000") == number_of("0000000300000002000000FE") * 2**24


def test_segments_are_numbered_across_logs() -> None:
    for number in (0, 255, 256, 70000):
        name = wal_name(5, number)
        assert (timeline_of(name), number_of(name)) == (5, number)


def test_the_first_commit_is_the_first_of_the_log_also_where_the_clock_was_set_back() -> None:
    record = (
        "rmgr: Transaction len (rec/tot): 34/34, tx: 7, lsn: 0/{}, prev 0/0, desc: COMMIT 2026-11-30 20:{}:00 UTC\n"
    )
    dump = "".join(record.format(*one) for one in (("5000060", 31), ("50000A0", 32), ("5000100", 30)))
    first, latest, last = (datetime(2026, 11, 30, 20, minute, tzinfo=UTC) for minute in (31, 32, 30))
    assert _between(dump, 0, 2**64) == (first, latest)
    assert _between(dump, 0x5000100, 2**64) == (last, last)
    assert _between(dump, 0, 0x5000060) is None
