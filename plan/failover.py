"""Which side of a host that falls back answers: its route says so, and no other part of the plan."""

from plan.model import Plan, Resource


def switch(plan: Plan, host: Resource) -> Resource | None:
    """The route over all of the paths of a FailoverHost."""
    pattern = f"{host.inputs.get('hostname')}/*"
    return next((found for found in plan.children(host.urn) if found.inputs.get("pattern") == pattern), None)


def has_standby(plan: Plan, host: Resource) -> bool:
    """Whether a Worker answers, and the record's target stands by."""
    route = switch(plan, host)
    return route is not None and bool(route.inputs.get("script"))
