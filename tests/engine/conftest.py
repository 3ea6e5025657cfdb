"""Engines for the tests that need the real `pulumi`. A run takes seconds, so what tests only look at is made once."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.engine.trial_engine import STACKS, TrialEngine


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> TrialEngine:
    """Nothing deployed. Shared: for looking only."""
    if shutil.which("pulumi") is None:
        pytest.skip("pulumi is not on PATH: install Pulumi's command-line tool to run the engine tests")
    return TrialEngine.make(tmp_path_factory.mktemp("engine") / "fresh")


@pytest.fixture(scope="session")
def first_previews(fresh: TrialEngine) -> dict[str, dict[str, Any]]:
    """What the engine would do for each stack while none exists."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(STACKS, pool.map(fresh.preview, STACKS), strict=True))


@pytest.fixture(scope="session")
def deployed(fresh: TrialEngine) -> TrialEngine:
    """All stacks are up. Shared: for looking only."""
    engine = fresh.copy(fresh.folder.with_name("deployed"))
    for stack in STACKS:
        # There is no database to wait for; test_engine_readiness.py has one.
        engine.set(stack, waitForDatabase=False)
    with ThreadPoolExecutor() as pool:
        list(pool.map(engine.up, STACKS))
    return engine


@pytest.fixture
def mine(deployed: TrialEngine, tmp_path: Path) -> TrialEngine:
    """A copy of `deployed`, for changing."""
    return deployed.copy(tmp_path / "engine")
