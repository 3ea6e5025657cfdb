"""Which side an answer names."""

import pytest

from failover.common.terms import Side
from failover.probe.clients import side_of

W, V = Side.WORKER, Side.VERCEL


@pytest.mark.parametrize(
    ("header", "side"), [("worker", W), ("Vercel", V), ("pages", W), ("", None), ("vercel, worker", None)]
)
def test_a_side_is_named_by_one_word(header: str, side: Side | None) -> None:
    assert side_of({"x-served-by": header}) is side
