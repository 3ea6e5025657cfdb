"""What the residency pack says of a module's cases."""

import pytest

from plan.model import Plan
from tests.policy.residency_cases import judged, names


@pytest.fixture(scope="module")
def rules_broken(request: pytest.FixtureRequest, dev_plan: Plan) -> dict[str, set[str]]:
    """Names of the rules that each of the module's CASES breaks; one process judges all of them."""
    return {name: names(findings) for name, findings in judged(dev_plan, request.module.CASES).items()}
