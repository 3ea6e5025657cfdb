"""Packs that all policy tests ask, and what the residency pack says of a module's cases."""

from collections.abc import Iterator

import pytest

from plan.model import Plan
from tests.policies import running
from tests.policies.residency.cases import judged, names


@pytest.fixture(scope="session", autouse=True)
def ended_packs() -> Iterator[None]:
    yield
    running.end()


@pytest.fixture(scope="module")
def rules_broken(request: pytest.FixtureRequest, dev_plan: Plan) -> dict[str, set[str]]:
    """Names of the rules that each of the module's CASES breaks."""
    return {name: names(findings) for name, findings in judged(dev_plan, request.module.CASES).items()}
