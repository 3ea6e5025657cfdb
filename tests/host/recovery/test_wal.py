"""Positions, numbers and names of the log."""

from host.recovery.wal import number_of, position, timeline_of, wal_name


def test_positions_and_names_of_the_log_agree() -> None:
    name = wal_name(3, number_of("0000000300000002000000FE") + 2)
    assert name == "000000030000000300000000"
    assert position("2/FE000000") == number_of("0000000300000002000000FE") * 2**24


def test_segments_are_numbered_across_logs() -> None:
    for number in (0, 255, 256, 70000):
        name = wal_name(5, number)
        assert (timeline_of(name), number_of(name)) == (5, number)
