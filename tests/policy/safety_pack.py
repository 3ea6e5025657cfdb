"""The safety pack alone, and stacks broken one way at a time for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from plan.model import Plan
from policies import analyzer
from policies.findings import Finding
from policies.gate import judge
from tests.policy.breaking import Inputs, added, broken

Case = tuple[Callable[[Plan], Plan], set[str]]
"""How a plan is changed, and which rules it breaks then."""


def findings(plans: Sequence[Plan]) -> list[tuple[Finding, ...]]:
    return [verdict.findings for verdict in judge(plans, analyzer.folders(["safety"]))]


def judged(plan: Plan, cases: Mapping[str, Case]) -> dict[str, set[str]]:
    """Names of the rules that each case breaks; all in one go, because a pack serves many plans."""
    found = findings([change(plan) for change, _ in cases.values()])
    return {case: {one.rule for one in found[index]} for index, case in enumerate(cases)}


def expected(cases: Mapping[str, Case]) -> dict[str, set[str]]:
    return {case: names for case, (_, names) in cases.items()}


def on(name: str, change: Callable[[Inputs], Inputs]) -> Callable[[Plan], Plan]:
    """Other inputs for one resource."""
    return lambda plan: broken(plan, name, change)


def plus(type_token: str, /, **inputs: Any) -> Callable[[Plan], Plan]:
    """One more resource."""
    return lambda plan: added(plan, type_token, **inputs)


def minus(name: str) -> Callable[[Plan], Plan]:
    """Without a resource; a component of the same name stays."""
    return lambda plan: replace(
        plan, resources=tuple(found for found in plan.resources if found.name != name or not found.custom)
    )


def option(name: str, **changes: Any) -> Callable[[Plan], Plan]:
    """Other options for one resource."""

    def change(plan: Plan) -> Plan:
        (old,) = [found for found in plan.resources if found.name == name and found.custom]
        new = replace(old, options=replace(old.options, **changes))
        return replace(plan, resources=tuple(new if found is old else found for found in plan.resources))

    return change


def at(path: str, item: Any) -> Callable[[Inputs], Inputs]:
    """Another value at the end of a path, `rules.0.status`; None takes it out."""

    def put(values: Any, steps: list[str]) -> Any:
        step, rest = steps[0], steps[1:]
        if isinstance(values, list):
            number = int(step)
            old = values[number] if number < len(values) else {}
            return [*values[:number], put(old, rest) if rest else item, *values[number + 1 :]]
        kept = {key: value for key, value in (values or {}).items() if key != step}
        if rest:
            return {**kept, step: put((values or {}).get(step), rest)}
        return kept if item is None else {**kept, step: item}

    return lambda inputs: put(inputs, path.split("."))
