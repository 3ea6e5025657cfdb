"""The safety pack alone, and stacks broken one way at a time for it."""

from collections.abc import Mapping, Sequence

from plan.model import Plan
from policies.rules.findings import Finding
from tests.policies import running
from tests.policies.changes import Change

Case = tuple[Change, set[str]]
"""How a plan is changed, and which rules it breaks then."""


def findings(plans: Sequence[Plan]) -> list[tuple[Finding, ...]]:
    return [verdict.findings for verdict in running.judge(plans, "safety")]


def judged(plan: Plan, cases: Mapping[str, Case]) -> dict[str, set[str]]:
    """Names of the rules that each case breaks."""
    found = findings([change(plan) for change, _ in cases.values()])
    return {case: {one.rule for one in found[index]} for index, case in enumerate(cases)}


def expected(cases: Mapping[str, Case]) -> dict[str, set[str]]:
    return {case: names for case, (_, names) in cases.items()}
