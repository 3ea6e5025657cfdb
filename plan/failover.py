"""Which side of a host that falls back answers: its route and its record say so, and no other part of the plan."""

from plan.model import Plan, Resource


def switch(plan: Plan, host: Resource) -> Resource | None:
    """The route over all of the paths of a FailoverHost."""
    pattern = f"{host.inputs.get('hostname')}/*"
    return next((found for found in plan.children(host.urn) if found.inputs.get("pattern") == pattern), None)


def has_standby(plan: Plan, host: Resource) -> bool:
    """Whether a Worker answers, and the record's target stands by."""
    route = switch(plan, host)
    return not is_led_past(plan, host) and route is not None and bool(route.inputs.get("script"))


def is_led_past(plan: Plan, host: Resource) -> bool:
    """Whether clients do not come to the edge, whatever stands in the route: plan B of a rollback is in force."""
    records = [found for found in plan.children(host.urn) if found.type.endswith(":DnsRecord")]
    return not any(record.inputs.get("proxied") for record in records)
