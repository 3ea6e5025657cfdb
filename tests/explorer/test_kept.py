"""What was found once is tried again, as it was found."""

import pytest

from tests.explorer import kept
from tests.explorer.steps import Explorer, Step

pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(kept.CRASH_THEN_LATEST, id="1"),
        pytest.param(kept.CRASH_THEN_ARCHIVED, id="2"),
        pytest.param(kept.TABLESPACE_AND_DRILL, id="5-drill"),
        pytest.param(kept.TABLESPACE_AND_COPY, id="5-copy"),
        pytest.param(kept.THERE_AND_BACK_THEN_LOST, id="7"),
        pytest.param(kept.BUCKET_MADE_ANEW, id="8"),
    ],
)
def test_kept(explorer: Explorer, steps: list[Step]) -> None:
    explorer.run(steps)
