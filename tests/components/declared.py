"""Resources of a plan by name."""

from plan.model import Plan, Resource


def named(plan: Plan, name: str, suffix: str = "") -> Resource:
    """The one resource of this name whose type ends so."""
    (resource,) = [found for found in plan.resources if found.name == name and found.type.endswith(suffix)]
    return resource
