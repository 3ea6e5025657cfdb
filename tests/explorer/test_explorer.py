"""Random sequences of load, kills, losses and the operator's own acts: nothing is lost unannounced.

`make test` runs these seeds. `make test-long` draws new ones until HYBRID_EXPLORER_MINUTES are over, and says each:
HYBRID_EXPLORER_SEED=N runs that one again.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from plan.model import Plan
from tests.explorer.conftest import new_world
from tests.explorer.machine import explore
from tests.explorer.steps import Explorer, Violation

pytestmark = [pytest.mark.local, pytest.mark.slow]

SEEDS = (4, 14)
"""A cut-over there and back, and restores in place to moments between kills."""
STEPS, LONG_STEPS = 9, 30
MINUTES = float(os.environ.get("HYBRID_EXPLORER_MINUTES", "60"))
SEED_SECONDS = 3600
"""The most that a long sequence may take, its end included."""
Explore = Callable[[int, int], Explorer | None]


@pytest.fixture
def explored(snapshot: Path, explored_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Explore:
    """Runs a seed's sequence of so many steps in a world of its own; the explorer, where one was needed."""

    def run(number: int, steps: int) -> Explorer | None:
        made: list[Explorer] = []
        with ExitStack() as stack:

            def make() -> Explorer:
                made.append(stack.enter_context(new_world(snapshot, explored_plan, tmp_path_factory.mktemp("world"))))
                return made[-1]

            explore(number, make, steps, shrinks="HYBRID_EXPLORER_SHRINKS" in os.environ)
        return made[-1] if made else None

    return run


# Not each time: after a start through recovery it depends on a race whether the log is archived in time (fault 2).
@pytest.mark.xfail(strict=False, raises=Violation, reason="faults 1 to 8 are not mended yet: any sequence may meet one")
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "number", [pytest.param(one, marks=pytest.mark.xdist_group(f"explorer{one}")) for one in SEEDS]
)
def test_nothing_is_lost_unannounced(explored: Explore, number: int) -> None:
    explored(number, STEPS)


@pytest.mark.soak
@pytest.mark.xdist_group("explorer")
@pytest.mark.timeout(MINUTES * 60 + SEED_SECONDS)
def test_nothing_is_lost_unannounced_for_long(explored: Explore) -> None:
    end = time.monotonic() + MINUTES * 60
    steps = kills = rows = 0
    wanted = os.environ.get("HYBRID_EXPLORER_SEED")
    while time.monotonic() < end:
        number = int(wanted) if wanted else random.SystemRandom().randrange(2**31)
        print(f"explorer: seed {number}", file=sys.stderr, flush=True)
        explorer = explored(number, LONG_STEPS)
        if explorer is not None:
            steps += len(explorer.steps)
            kills += sum(name in ("kill", "killed_act") for name, *_ in explorer.steps)
            rows += sum(row.acked_at is not None for row in explorer.world.ledger.rows.values())
            print(f"explorer: {steps} steps, {kills} kills, {rows} acknowledged rows", file=sys.stderr, flush=True)
        if wanted:
            return
