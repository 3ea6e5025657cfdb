"""What was found once is tried again, as it was found."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.explorer import kept
from tests.explorer.steps import Explorer, Step, Violation

pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.timeout(600)]


def found(fault: str, steps: Sequence[Step], *, is_mended: bool = False, is_long: bool = False) -> Any:
    """A sequence with its fault's number; each in a group of its own, so that they run beside each other.

    Whoever mends a fault says so here: its mark then fails the test.
    """
    marks: list[Any] = [pytest.mark.xdist_group(f"kept{fault}")]
    if is_long:
        marks.append(pytest.mark.soak)
    if not is_mended:
        marks.append(
            pytest.mark.xfail(strict=True, raises=Violation, reason=f"fault {fault}: see the sequence's words")
        )
    return pytest.param(steps, id=fault, marks=marks)


@pytest.mark.parametrize(
    "steps",
    [
        found("1", kept.CRASH_THEN_LATEST),
        found("2", kept.CRASHES_THEN_ARCHIVED),
        found("2-every-start", kept.STARTS_THEN_ARCHIVED, is_long=True),
        found("5", kept.TABLESPACE_AND_COPY),
        found("5-drill", kept.TABLESPACE_AND_DRILL),
        found("6", kept.RESTORED_THEN_LOST),
        found("7", kept.THERE_AND_BACK_THEN_LOST),
        found("7-first-try", kept.THERE_AND_BACK_THEN_LOST_AT_ONCE),
        found("8", kept.BUCKET_MADE_ANEW),
    ],
)
def test_what_was_found_is_not_found_again(explorer: Explorer, steps: list[Step]) -> None:
    explorer.run(steps)
