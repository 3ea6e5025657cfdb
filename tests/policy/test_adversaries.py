"""Every adversary is refused by the rule that it tries to get past."""

import pytest

from plan.model import Plan
from tests.policy import (
    adversaries_edge,
    adversaries_exposure,
    adversaries_laundered,
    adversaries_residency,
    adversaries_safety,
)
from tests.policy import adversaries_secrets as secret_places
from tests.policy.adversaries import ADVERSARIES
from tests.policy.breaking import rules

FEWEST = 60


@pytest.fixture(scope="module")
def found(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> dict[str, set[str]]:
    """The rules that each adversary breaks; all in one go, because starting a pack takes longer than judging a plan."""
    plans = {"dev": dev_plan, "prod": prod_plan, "direct": direct_plan}
    changed = [adversary.change(plans[adversary.stack]) for adversary in ADVERSARIES.values()]
    return dict(zip(ADVERSARIES, rules(changed), strict=True))


@pytest.mark.parametrize("name", ADVERSARIES)
def test_an_adversary_is_refused(name: str, found: dict[str, set[str]]) -> None:
    assert ADVERSARIES[name].rule in found[name]


def test_there_are_enough_adversaries_and_no_two_share_a_name() -> None:
    parts = (
        adversaries_residency.RESIDENCY,
        adversaries_edge.EDGE,
        secret_places.SECRETS,
        adversaries_laundered.LAUNDERED,
        adversaries_exposure.EXPOSURE,
        adversaries_safety.SAFETY,
    )
    assert len(ADVERSARIES) == sum(len(part) for part in parts) >= FEWEST
