"""Changes of a recorded plan, to be made later; cases and adversaries are lists of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from components.common.cloudflare_ranges import IPV4, IPV6
from plan.model import Plan, Resource

Inputs = dict[str, Any]
Change = Callable[[Plan], Plan]
AWS_PROVIDER = "pulumi:providers:aws"


def broken(plan: Plan, name: str, change: Callable[[Inputs], Inputs]) -> Plan:
    """The plan with other inputs for the one custom resource of this name."""
    old = custom(plan, name)
    return swapped(plan, old, replace(old, inputs=change(old.inputs)))


def custom(plan: Plan, name: str) -> Resource:
    """The one custom resource of this name."""
    (found,) = [found for found in plan.resources if found.name == name and found.custom]
    return found


def swapped(plan: Plan, old: Resource, new: Resource) -> Plan:
    return replace(plan, resources=tuple(new if found is old else found for found in plan.resources))


def without(key: str) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {name: value for name, value in inputs.items() if name != key}


def having(**changes: Any) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {**inputs, **changes}


def port_rule(**changes: Any) -> Callable[[Inputs], Inputs]:
    rule = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrs": ["203.0.113.0/24"], "ipv6Cidrs": ["100::/64"]}
    return having(portInfos=[{key: value for key, value in {**rule, **changes}.items() if value is not None}])


def cloudflare_port(**changes: Any) -> Callable[[Inputs], Inputs]:
    """PostgreSQL's port, open as it is without a tunnel."""
    return port_rule(**{"fromPort": 5432, "toPort": 5432, "cidrs": [*IPV4], "ipv6Cidrs": [*IPV6], **changes})


def mtls(**changes: Any) -> Callable[[Inputs], Inputs]:
    """None takes a part out."""

    def change(inputs: Inputs) -> Inputs:
        parts = {**inputs["mtls"], **changes}
        return {**inputs, "mtls": {key: value for key, value in parts.items() if value is not None}}

    return change


def origin(**changes: Any) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {**inputs, "origin": {**inputs["origin"], **changes}}


def bindings(*more: Any) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {**inputs, "bindings": [*inputs["bindings"], *more]}


def added(plan: Plan, type_token: str, name: str = "extra", /, **inputs: Any) -> Plan:
    """The plan with one more custom resource, of the Canadian provider if it is AWS's."""
    provider = plan.of_type("pulumi:providers:aws")[0].urn if type_token.startswith("aws:") else None
    urn = f"urn:pulumi:{plan.stack}::{plan.project}::{type_token}::{name}"
    more = Resource(urn=urn, type=type_token, name=name, custom=True, provider=provider, inputs=inputs)
    return replace(plan, resources=(*plan.resources, more))


def removed(plan: Plan, name: str) -> Plan:
    return replace(plan, resources=tuple(found for found in plan.resources if found.name != name))


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
    """Takes a resource out; a component of the same name stays."""
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


@dataclass(frozen=True)
class Adversary:
    """A compliant stack, made bad in one way."""

    rule: str
    """The rule that must refuse it; others may, too."""
    change: Change
    stack: str = "dev"
    """Which compliant plan it starts from: dev, prod or direct."""


def exported(**values: Any) -> Change:
    return lambda plan: replace(plan, outputs={**plan.outputs, **values})


def configured(**values: Any) -> Change:
    """Other settings of the stack."""
    return lambda plan: replace(plan, settings={**plan.settings, **{f"hybrid:{key}": values[key] for key in values}})


def registering(type_token: str, **outputs: Any) -> Change:
    """More outputs of the one component of this type."""

    def change(plan: Plan) -> Plan:
        (old,) = plan.of_type(type_token)
        return swapped(plan, old, replace(old, outputs={**old.outputs, **outputs}))

    return change


def elsewhere(provider: Inputs | None, type_token: str, **inputs: Any) -> Change:
    """One more resource with a provider of its own; None is the default provider, which is never declared."""

    def change(plan: Plan) -> Plan:
        urn = None
        if provider is not None:
            plan = added(plan, AWS_PROVIDER, "second", **provider)
            plan = swapped(plan, plan.resources[-1], replace(plan.resources[-1], provider=None))
            urn = plan.resources[-1].urn
        plan = added(plan, type_token, "extra", **inputs)
        return swapped(plan, plan.resources[-1], replace(plan.resources[-1], provider=urn))

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
        return swapped(plan, last, replace(last, parent=parent, urn=last.urn.replace(last.type, path + last.type)))

    return changed
