"""Every adversary is refused by the rule that it tries to get past."""

import pytest

from plan.model import Plan
from tests.policies import running
from tests.policies.adversaries import ADVERSARIES, CORPORA
from tests.policies.running import rules
from tests.run.soak import IS_SOAK

FEWEST = 60
# A corpus can be any worker's.
NAMES = [
    pytest.param(name, marks=pytest.mark.xdist_group(f"adversaries: {corpus}"))
    for corpus, adversaries in CORPORA.items()
    for name in adversaries
]


@pytest.mark.parametrize("name", NAMES)
def test_an_adversary_is_refused(name: str, dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    adversary = ADVERSARIES[name]
    compliant = {"dev": dev_plan, "prod": prod_plan, "direct": direct_plan}[adversary.stack]
    # Any other pack would be asked for nothing; the soak sees that all of them can be.
    names = [] if IS_SOAK else [running.owner(adversary.rule)]
    (found,) = rules([adversary.change(compliant)], *names)
    assert adversary.rule in found


def test_there_are_enough_adversaries_and_no_two_share_a_name() -> None:
    assert len(ADVERSARIES) == sum(map(len, CORPORA.values())) >= FEWEST
