"""Ways past a rule that take more than one other value; the corpora are made of these and of `changes`."""

from dataclasses import dataclass, replace
from typing import Any

from plan.model import Plan, Resource
from tests.policy.breaking import Inputs, added, swapped
from tests.policy.changes import Change

AWS_PROVIDER = "pulumi:providers:aws"


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
