"""Changes of a recorded plan, to be made later; cases and corpora are lists of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from plan.model import Plan
from tests.policy.breaking import Inputs, added, broken, custom, swapped

Change = Callable[[Plan], Plan]


def on(name: str, change: Callable[[Inputs], Inputs]) -> Change:
    """Other inputs for the one custom resource of this name."""
    return lambda plan: broken(plan, name, change)


def put(path: str, value: Any) -> Callable[[Inputs], Inputs]:
    """Another value deep inside, such as at `rules.0.filter`; an index past the end appends, and None takes out."""
    return lambda inputs: _put(inputs, path.split("."), value)


def _put(values: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    first, *rest = steps
    if isinstance(values, list):
        index = int(first)
        item = values[index] if index < len(values) else {}
        return [*values[:index], _put(item, rest, value), *values[index + 1 :]]
    changed = {**(values or {}), first: _put((values or {}).get(first), rest, value)}
    return {key: item for key, item in changed.items() if rest or key != first or item is not None}


def plus(type_token: str, name: str = "extra", /, **inputs: Any) -> Change:
    """One more custom resource."""
    return lambda plan: added(plan, type_token, name, **inputs)


def minus(name: str) -> Change:
    """Without a resource; a component of the same name stays."""
    return lambda plan: replace(
        plan, resources=tuple(found for found in plan.resources if found.name != name or not found.custom)
    )


def options(name: str, **changes: Any) -> Change:
    """Other resource options for the one custom resource of this name."""

    def change(plan: Plan) -> Plan:
        old = custom(plan, name)
        return swapped(plan, old, replace(old, options=replace(old.options, **changes)))

    return change


def made_of(name: str, key: str, source: str) -> Change:
    """An input that is computed from another resource."""

    def change(plan: Plan) -> Plan:
        old, other = custom(plan, name), custom(plan, source)
        depends = {**old.property_dependencies, key: (*old.property_dependencies.get(key, ()), other.urn)}
        return swapped(plan, old, replace(old, property_dependencies=depends))

    return change


def both(*changes: Change) -> Change:
    """One after the other."""

    def change(plan: Plan) -> Plan:
        for one in changes:
            plan = one(plan)
        return plan

    return change
