"""A world for each sequence of steps: of its own, because it is left as nobody would want it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from plan.model import Plan
from tests.changed_stack import record_with
from tests.explorer import clock
from tests.explorer.steps import Explorer, Step
from tests.explorer.world import ARCHIVE_SECONDS, World
from tests.local.snapshot import stopped_stack
from tests.local.stack_under_test import StackUnderTest, removed


@pytest.fixture(scope="session")
def explored_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return record_with(tmp_path_factory.mktemp("plan"), archiveTimeoutSeconds=ARCHIVE_SECONDS)


@contextmanager
def new_world(
    snapshot: Path, plan: Plan, folder: Path, *, has_clock: bool = False, has_site: bool = False
) -> Iterator[Explorer]:
    """With a clock of its own it takes more processor time: each command is a process as soon as that has been set."""
    with stopped_stack(snapshot, folder / "a") as a, removed(StackUnderTest(folder / "b")) as b:
        world = World(a, b, plan, folder, has_site=has_site)
        if has_clock:
            world.clock.make()
            world.clock.install(a.state / "root")
        try:
            explorer = Explorer(world)
            explorer.begin()
            yield explorer
        finally:
            world.stop_load()


@pytest.fixture
def explorer(
    snapshot: Path, explored_plan: Plan, tmp_path_factory: pytest.TempPathFactory, steps: Sequence[Step]
) -> Iterator[Explorer]:
    """For a test of these steps."""
    has_clock = any(name.startswith("clock_") for name, *_ in steps)
    has_site = any(name.startswith("site_") or {*values} & {"edge", "workerd"} for name, *values in steps)
    if has_clock and not clock.is_available():
        pytest.skip(f"no clock can be set: that takes root and {clock.COMPILER}")
    folder = tmp_path_factory.mktemp("world")
    with new_world(snapshot, explored_plan, folder, has_clock=has_clock, has_site=has_site) as made:
        yield made
