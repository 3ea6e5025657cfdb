"""Engines for the tests that need the real `pulumi`."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trial_engine import TrialEngine

Preview = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> TrialEngine:
    """Nothing deployed. Shared: for looking only."""
    if shutil.which("pulumi") is None:
        pytest.skip("pulumi is not on PATH: install Pulumi's command-line tool to run the engine tests")
    return TrialEngine.make(tmp_path_factory.mktemp("engine") / "fresh")


@pytest.fixture(scope="session")
def deployed(fresh: TrialEngine) -> TrialEngine:
    """The dev stack is up. Shared: for looking only."""
    engine = fresh.copy(fresh.folder.with_name("deployed"))
    engine.up("dev")
    return engine


@pytest.fixture
def mine(deployed: TrialEngine, tmp_path: Path) -> TrialEngine:
    """A copy of `deployed`, for changing."""
    return deployed.copy(tmp_path / "engine")


@pytest.fixture(scope="session")
def first_preview(fresh: TrialEngine) -> Preview:
    """What the engine would do for a stack that does not exist yet, asked once a stack."""
    return functools.cache(fresh.preview)
