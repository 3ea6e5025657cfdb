"""Ways past a rule, as changes of a recorded plan; the corpora are made of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from plan.model import Plan, Resource
from tests.policy.breaking import Inputs, added, broken, removed

Change = Callable[[Plan], Plan]

AWS_PROVIDER = "pulumi:providers:aws"


@dataclass(frozen=True)
class Adversary:
    """A compliant stack, made bad in one way."""

    rule: str
    """The rule that must refuse it; others may, too."""
    change: Change
    stack: str = "dev"
    """Which compliant plan it starts from: dev, prod or direct."""


def on(name: str, change: Callable[[Inputs], Inputs]) -> Change:
    """Other inputs for the one custom resource of this name."""
    return lambda plan: broken(plan, name, change)


def put(path: str, value: Any) -> Callable[[Inputs], Inputs]:
    """Another value deep inside, such as at `rules.0.filter`; a list index past the end appends."""
    return lambda inputs: _put(inputs, path.split("."), value)


def _put(values: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    first, *rest = steps
    if isinstance(values, list):
        index = int(first)
        item = values[index] if index < len(values) else {}
        return [*values[:index], _put(item, rest, value), *values[index + 1 :]]
    return {**(values or {}), first: _put((values or {}).get(first), rest, value)}


def plus(type_token: str, name: str = "extra", /, **inputs: Any) -> Change:
    """One more custom resource."""
    return lambda plan: added(plan, type_token, name, **inputs)


def minus(name: str) -> Change:
    return lambda plan: removed(plan, name)


def both(*changes: Change) -> Change:
    def change(plan: Plan) -> Plan:
        for one in changes:
            plan = one(plan)
        return plan

    return change


def options(name: str, **changes: Any) -> Change:
    """Other resource options for the one custom resource of this name."""

    def change(plan: Plan) -> Plan:
        (old,) = [found for found in plan.resources if found.name == name and found.custom]
        return _swapped(plan, old, replace(old, options=replace(old.options, **changes)))

    return change


def made_of(name: str, key: str, source: str) -> Change:
    """An input that is computed from another resource."""

    def change(plan: Plan) -> Plan:
        (old,) = [found for found in plan.resources if found.name == name and found.custom]
        (other,) = [found for found in plan.resources if found.name == source and found.custom]
        depends = {**old.property_dependencies, key: (*old.property_dependencies.get(key, ()), other.urn)}
        return _swapped(plan, old, replace(old, property_dependencies=depends))

    return change


def component(name: str, type_token: str, **outputs: Any) -> Change:
    """Other registered outputs for a component."""

    def change(plan: Plan) -> Plan:
        (old,) = [found for found in plan.resources if found.name == name and found.type == type_token]
        return _swapped(plan, old, replace(old, outputs={**old.outputs, **outputs}))

    return change


def exported(**values: Any) -> Change:
    return lambda plan: replace(plan, outputs={**plan.outputs, **values})


def configured(**values: Any) -> Change:
    """Other settings of the stack."""
    return lambda plan: replace(plan, settings={**plan.settings, **{f"hybrid:{key}": values[key] for key in values}})


def elsewhere(provider: Inputs | None, type_token: str, **inputs: Any) -> Change:
    """One more resource with a provider of its own; None is the default provider, which is never declared."""

    def change(plan: Plan) -> Plan:
        urn = None
        if provider is not None:
            plan = added(plan, AWS_PROVIDER, "second", **provider)
            plan = _swapped(plan, plan.resources[-1], replace(plan.resources[-1], provider=None))
            urn = plan.resources[-1].urn
        plan = added(plan, type_token, "extra", **inputs)
        return _swapped(plan, plan.resources[-1], replace(plan.resources[-1], provider=urn))

    return change


def child(change: Change, *ancestors: tuple[str, str, Inputs]) -> Change:
    """The resource that `change` adds last, below components: type, name, registered outputs; outermost first."""

    def changed(plan: Plan) -> Plan:
        plan = change(plan)
        last, parent, path = plan.resources[-1], None, ""
        for type_token, name, outputs in ancestors:
            path += f"{type_token}$"
            urn = f"urn:pulumi:{plan.stack}::{plan.project}::{path[:-1]}::{name}"
            more = Resource(
                urn=urn, type=type_token, name=name, custom=False, parent=parent, inputs=outputs, outputs=outputs
            )
            plan = replace(plan, resources=(*plan.resources, more))
            parent = urn
        return _swapped(plan, last, replace(last, parent=parent, urn=last.urn.replace(last.type, path + last.type)))

    return changed


def _swapped(plan: Plan, old: Resource, new: Resource) -> Plan:
    return replace(plan, resources=tuple(new if found is old else found for found in plan.resources))
