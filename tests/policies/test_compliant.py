"""No rule alarms over a stack that is in order."""

import pytest

from plan.model import Plan
from tests.changed_stack import record_each
from tests.policies import running
from tests.policies.compliant import ADDED, RECORDED

FEWEST = 30


@pytest.fixture(scope="module")
def alarms(dev_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the gate says of each, in one go."""
    recorded = record_each(tmp_path_factory.mktemp("compliant"), [*RECORDED.values()])
    plans = [*recorded, *(change(dev_plan) for change in ADDED.values())]
    names = [*RECORDED, *ADDED]
    return {
        name: [f"{finding.rule}: {finding.urn}: {finding.message}" for finding in verdict.findings]
        for name, verdict in zip(names, running.judge(plans), strict=True)
    }


@pytest.mark.parametrize("name", [*RECORDED, *ADDED])
def test_a_compliant_stack_passes(name: str, alarms: dict[str, list[str]]) -> None:
    assert alarms[name] == []


def test_there_are_enough_compliant_stacks() -> None:
    assert len(RECORDED) + len(ADDED) == len({*RECORDED, *ADDED}) >= FEWEST
