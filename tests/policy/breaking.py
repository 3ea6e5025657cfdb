"""Ways to break a recorded plan, for tests that ask what the gate says of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from components.common.cloudflare_ranges import IPV4, IPV6
from plan.model import Plan, Resource
from tests.policy import packs

Inputs = dict[str, Any]


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


def rules(plans: Sequence[Plan], *names: str) -> list[set[str]]:
    """Names of the rules that each plan breaks, of all packs or of those named."""
    return [{finding.rule for finding in verdict.findings} for verdict in packs.judge(plans, *names)]
