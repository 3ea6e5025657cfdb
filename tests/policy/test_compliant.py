"""No rule alarms over a stack that is in order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from plan.model import Plan
from policies.gate import judge
from tests.changed_stack import record_with
from tests.policy.compliant import ADDED, RECORDED

FEWEST = 30


@pytest.fixture(scope="module")
def alarms(dev_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the gate says of each, in one go."""

    def recorded(name: str) -> Plan:
        stack, settings = RECORDED[name]
        return record_with(tmp_path_factory.mktemp("compliant"), stack, **settings)

    with ThreadPoolExecutor(max_workers=2) as pool:
        plans = [*pool.map(recorded, RECORDED), *(change(dev_plan) for change in ADDED.values())]
    names = [*RECORDED, *ADDED]
    return {
        name: [f"{finding.rule}: {finding.urn}: {finding.message}" for finding in verdict.findings]
        for name, verdict in zip(names, judge(plans), strict=True)
    }


@pytest.mark.parametrize("name", [*RECORDED, *ADDED])
def test_a_compliant_stack_passes(name: str, alarms: dict[str, list[str]]) -> None:
    assert alarms[name] == []


def test_there_are_enough_compliant_stacks() -> None:
    assert len(RECORDED) + len(ADDED) == len({*RECORDED, *ADDED}) >= FEWEST
