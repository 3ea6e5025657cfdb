"""Cases of the residency pack: a recorded plan, broken or changed in one way, and the rules that it then breaks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from plan.model import Plan, Resource
from policies.rules.findings import Finding
from tests.policies import running
from tests.policies.changes import Change, Inputs, added


@dataclass(frozen=True)
class Case:
    """One change of a compliant plan."""

    change: Change
    rules: frozenset[str] = frozenset()
    """All rules of the pack that it breaks."""


def case(change: Change, *rules: str) -> Case:
    return Case(change, frozenset(rules))


def inside(type_token: str, component_type: str, outputs: Inputs, /, **inputs: Any) -> Change:
    """One more resource, in a component that registers these outputs."""

    def change(plan: Plan) -> Plan:
        urn = f"urn:pulumi:{plan.stack}::{plan.project}::{component_type}::group"
        given = {"dataClass": "public", **outputs}
        group = Resource(urn=urn, type=component_type, name="group", custom=False, inputs=given, outputs=outputs)
        more = added(plan, type_token, **inputs)
        return replace(more, resources=(*more.resources[:-1], group, replace(more.resources[-1], parent=urn)))

    return change


def judged(plan: Plan, cases: Mapping[str, Case]) -> dict[str, tuple[Finding, ...]]:
    """What the residency pack finds in each case."""
    verdicts = running.judge([one.change(plan) for one in cases.values()], "residency")
    return {
        name: tuple(found for found in verdict.findings if found.pack == "hybrid-residency")
        for name, verdict in zip(cases, verdicts, strict=True)
    }


def names(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.rule for finding in findings}
