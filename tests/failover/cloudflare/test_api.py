"""The comment of the record that other machines see."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from failover.cloudflare.api import LONGEST_COMMENT, held_lock, lock_comment


@given(who=st.text(max_size=200), seconds=st.integers(0, 10**9))
def test_a_lock_comment_fits_and_is_read_back(who: str, seconds: int) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    comment = lock_comment("0123abcd", moment, who)
    found = held_lock("1", "name", comment)
    assert len(comment) <= LONGEST_COMMENT
    assert (found.operation, found.at) == ("0123abcd", moment)
    assert found.is_stale(moment + timedelta(seconds=601))
    assert not found.is_stale(moment + timedelta(seconds=599))


@given(comment=st.text(max_size=120))
def test_a_comment_of_somebody_else_is_no_fault(comment: str) -> None:
    assert held_lock("1", "name", comment).name == "name"
