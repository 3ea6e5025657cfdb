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
from tests.explorer import clock
from tests.explorer.conftest import new_world
from tests.explorer.machine import explore
from tests.explorer.steps import Explorer, Violation

pytestmark = [pytest.mark.local, pytest.mark.slow]

SEEDS = (316,)
"""A pooler and a server that are killed, a restore in place to a moment, lost instances, a server that has ended."""
STEPS, LONG_STEPS = 7, 30
MINUTES = float(os.environ.get("HYBRID_EXPLORER_MINUTES", "60"))
SEED_SECONDS = 3600
"""The most that a long sequence may take, its end included."""
KILLING = ("kill", "killed_act", "rebooted")
WHOLE_MINUTES, WHOLE_STEPS, WHOLE_KILLS = 480, 1000, 200
"""What a night's run has to come to (issue 15), and a shorter one in proportion."""
Explore = Callable[..., None]


@pytest.fixture
def explored(snapshot: Path, explored_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Explore:
    """Runs a seed's sequence of so many steps in a world of its own; who took them is added to the list."""

    def run(number: int, steps: int, made: list[Explorer], **has: bool) -> None:
        with ExitStack() as stack:

            def make() -> Explorer:
                folder = tmp_path_factory.mktemp("world")
                made.append(stack.enter_context(new_world(snapshot, explored_plan, folder, **has)))
                return made[-1]

            explore(number, make, steps, shrinks="HYBRID_EXPLORER_SHRINKS" in os.environ, **has)

    return run


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "number", [pytest.param(one, marks=pytest.mark.xdist_group(f"explorer{one}")) for one in SEEDS]
)
def test_nothing_is_lost_unannounced(explored: Explore, number: int) -> None:
    explored(number, STEPS, [])


@pytest.mark.soak
@pytest.mark.xdist_group("explorer")
@pytest.mark.timeout(MINUTES * 60 + SEED_SECONDS)
def test_nothing_is_lost_unannounced_for_long(explored: Explore) -> None:
    """A sequence that fails does not keep the others from being tried."""
    end = time.monotonic() + MINUTES * 60
    steps = kills = rows = 0
    failed: list[str] = []
    wanted = os.environ.get("HYBRID_EXPLORER_SEED")
    has_clock = clock.is_available()
    if not has_clock:
        _say(f"no clock is set: that takes root and {clock.COMPILER}")
    while time.monotonic() < end:
        number = int(wanted) if wanted else random.SystemRandom().randrange(2**31)
        _say(f"seed {number}")
        made: list[Explorer] = []
        try:
            # With all parts each `up` takes several times as long.
            explored(number, LONG_STEPS, made, has_clock=has_clock, has_site=number % 2 == 1)
        except (Violation, RuntimeError) as violation:
            failed.append(str(violation))
            _say(f"seed {number} failed: {violation}")
        for one in made:
            steps += len(one.steps)
            kills += sum(name in KILLING for name, *_ in one.steps)
            rows += sum(row.acked_at is not None for row in one.world.ledger.rows.values())
        _say(f"{steps} steps, {kills} kills, {rows} acknowledged rows, {len(failed)} sequences failed")
        if wanted:
            break
    if failed:
        raise Violation("\n\n".join(failed))
    share = 0.0 if wanted else MINUTES / WHOLE_MINUTES
    assert steps >= share * WHOLE_STEPS
    assert kills >= share * WHOLE_KILLS


def _say(words: str) -> None:
    print(f"explorer: {words}", file=sys.stderr, flush=True)
