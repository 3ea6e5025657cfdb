"""Resources of a plan by name, and what a component declares."""

from collections import Counter

from plan.model import Plan, Resource


def named(plan: Plan, name: str, suffix: str = "") -> Resource:
    """The one resource of this name whose type ends so."""
    (resource,) = [found for found in plan.resources if found.name == name and found.type.endswith(suffix)]
    return resource


def below(plan: Plan, resource: Resource) -> list[Resource]:
    children = plan.children(resource.urn)
    return [*children, *(found for child in children for found in below(plan, child))]


def declared(plan: Plan, component: type, name: str) -> Counter[str]:
    """How many resources of each type there are below a component."""
    (found,) = [
        resource
        for resource in plan.resources
        if resource.name == name and resource.type.endswith(f":{component.__name__}") and not resource.custom
    ]
    return Counter(child.type.rpartition(":")[2] for child in below(plan, found) if child.custom)
