"""What was found once is tried again, as it was found."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.explorer import kept
from tests.explorer.steps import Explorer, Step, Violation

pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

NOT_THERE = "acknowledged rows are not there"
NOT_ARCHIVED = "the newest row is not in the repository"
CHANGED = "rows of the cluster that serves have changed"
NOT_UP = "up --from-backups: exit 1"


def found(fault: str, steps: Sequence[Step], says: str, *, is_mended: bool = False) -> Any:
    """A sequence with its fault's number, and what it says as long as that is not mended.

    Whoever mends a fault says so here: its mark then fails the test. Each has a group of its own, so that they run
    beside each other.
    """
    marks: list[Any] = [pytest.mark.xdist_group(f"kept{fault}")]
    if not is_mended:
        marks.append(pytest.mark.xfail(strict=True, raises=Violation, reason=f"fault {fault}: … {says} …"))
    return pytest.param(steps, "" if is_mended else says, id=fault, marks=marks)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        found("1", kept.CRASH_THEN_LATEST, NOT_THERE, is_mended=True),
        found("2", kept.CRASHES_THEN_ARCHIVED, NOT_ARCHIVED, is_mended=True),
        found("2-every-start", kept.STARTS_THEN_ARCHIVED, NOT_ARCHIVED, is_mended=True),
        found("5", kept.TABLESPACE_AND_COPY, CHANGED, is_mended=True),
        found("5-drill", kept.TABLESPACE_AND_DRILL, CHANGED, is_mended=True),
        found("5-lost-host", kept.TABLESPACE_THEN_LOST, NOT_UP, is_mended=True),
        found("6", kept.RESTORED_THEN_LOST, NOT_UP, is_mended=True),
        found("7", kept.THERE_AND_BACK_THEN_LOST, NOT_THERE, is_mended=True),
        found("7-first-try", kept.THERE_AND_BACK_THEN_LOST_AT_ONCE, NOT_UP, is_mended=True),
        found(
            "7-before-its-timeline",
            kept.RESTORED_TO_BEFORE_ITS_TIMELINE,
            "could not locate required checkpoint record",
            is_mended=True,
        ),
        found("8", kept.BUCKET_MADE_ANEW, "restore beside to latest: exit 1", is_mended=True),
        found("8-there-and-back", kept.THERE_AND_BACK_THEN_LOST_WITH_ITS_BUCKET, "can't be read", is_mended=True),
        found("3-back", kept.BACK_WITHOUT_A_BACKUP, "no backup leads to what serves", is_mended=True),
        found("4-clock-ahead", kept.CLOCK_AHEAD_OF_THE_STORES, NOT_THERE, is_mended=True),
        found("4-clock-set-back", kept.CLOCK_SET_BACK_THEN_DRILL, "no moment can be restored", is_mended=True),
    ],
)
def test_what_was_found_is_not_found_again(explorer: Explorer, steps: list[Step], says: str) -> None:
    try:
        explorer.run(steps)
    except Violation as violation:
        if says not in str(violation):
            raise RuntimeError(f"another fault than the one that is kept: {violation}") from violation
        raise
