"""When a call is tried again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover.cloudflare.transport import LONGEST_SECONDS, pause, retry_after

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Sat, 21 Nov 2026 12:00:09 GMT", 9.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(attempt=st.integers(1, 40), chance=st.floats(0, 1))
def test_a_pause_grows_to_its_limit_and_never_beyond(attempt: int, chance: float) -> None:
    assert 0 < pause(attempt, None, chance) <= LONGEST_SECONDS
    assert 5 <= pause(attempt, 5, chance) <= 5.2
