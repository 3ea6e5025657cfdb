"""Properties whose changes the engine ignores: what is deployed may differ there from what is judged."""

from collections.abc import Iterator

from components.resource_types.table import of
from plan import failover
from plan.model import Plan, Resource

FAILOVER_HOST = "hybrid:edge:FailoverHost"
# Of every type: they open nothing and move nothing, and others write some of them, such as a tool for costs.
ANYWHERE = frozenset({"tags"})


def without_reason(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource that ignores changes of a property, and the property, where its row has no reason."""
    for resource in plan.resources:
        for path in resource.options.ignore_changes:
            has_reason = path in ANYWHERE or path in of(resource.type).may_ignore
            if not has_reason and not _is_a_switch_out_of_use(plan, resource, path):
                yield resource, path


def _is_a_switch_out_of_use(plan: Plan, resource: Resource, path: str) -> bool:
    """Whether it is a failover host's route while plan B of a rollback is in force, which leads no request there."""
    host = plan.by_urn.get(resource.parent or "")
    if host is None or host.type != FAILOVER_HOST or failover.switch(plan, host) != resource:
        return False
    return path == "script" and failover.is_led_past(plan, host)
