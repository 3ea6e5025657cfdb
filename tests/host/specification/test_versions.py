"""Which TimescaleDB runs in which PostgreSQL."""

import pytest

from host.specification.versions import suffices


@pytest.mark.parametrize(
    ("timescaledb", "postgresql", "expected"),
    [
        ("2.31.1", "17.11", True),
        ("2.31.1", "17.12", False),
        ("2.31.2", "17.12", True),
        ("2.31.2", "18.7", True),
        ("2.28.3", "15.20", False),
        ("2.28.5", "15.20", True),
        ("2.27.3", "16.16", True),
        ("2.29.0", "16.16", False),
    ],
)
def test_a_minor_of_november_2026_needs_a_repaired_timescaledb(
    timescaledb: str, postgresql: str, expected: bool
) -> None:
    assert suffices(timescaledb, postgresql) is expected
