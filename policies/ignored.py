"""Properties that the engine does not compare: what is deployed may then be something else than what is judged."""

from collections.abc import Iterator

from plan.model import Plan, Resource

# By type and property, why nobody has to see a difference.
REASONS: dict[tuple[str, str], str] = {
    (
        "aws:lightsail/instance:Instance",
        "userData",
    ): "it is read at the first start only, and a new one would replace the host (FACTS 0.12)",
    (
        "cloudflare:index/pagesProject:PagesProject",
        "buildConfig",
    ): "a direct upload has no build; Cloudflare fills it in",
    (
        "cloudflare:index/pagesProject:PagesProject",
        "deploymentConfigs",
    ): "a direct upload has no Functions; Cloudflare fills it in",
}


# Of every type: they open nothing and move nothing, and others write some of them, such as a tool for costs.
ANYWHERE = frozenset({"tags"})


def without_reason(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource that ignores changes of a property, and the property, where REASONS has none."""
    for resource in plan.resources:
        for path in resource.options.ignore_changes:
            if path not in ANYWHERE and (resource.type, path) not in REASONS:
                yield resource, path
