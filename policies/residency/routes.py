"""Which Worker answers for which host."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import PolicyResource, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from policies.residency.edge_stores import WORKERS, declared_workers
from policies.residency.own_names import SERVING, host_of, hosts_of, own
from policies.rule import StackRule

# Where the Worker's name stands.
_SCRIPT = {
    "cloudflare:index/workersRoute:WorkersRoute": "script",
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": "service",
    "cloudflare:index/workerDomain:WorkerDomain": "service",
}


def _routes_lead_to_own_workers(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    workers, mine = declared_workers(args.resources), own(args.resources)
    unknown: UnknownValueError | None = None
    for resource in args.resources:
        if resource.resource_type not in SERVING:
            continue
        try:
            yield from ((fault, resource.urn) for fault in _faults(resource, workers))
            if not mine.has(host_of(str(resource.props[SERVING[resource.resource_type]]))):
                yield "The stack's routes are not all of hosts below one registered domain.", resource.urn
        except UnknownValueError as error:
            unknown = error
    if unknown is not None:
        # At the end, so that what can be judged is.
        raise unknown


def _faults(route: PolicyResource, workers: set[Any]) -> Iterator[str]:
    script = _SCRIPT[route.resource_type]
    if "*" in hosts_of(str(route.props[SERVING[route.resource_type]])):
        yield "This route takes in hosts that it does not name."
    try:
        is_own = route.props.get(script) is None or route.props[script] in workers
    except UnknownValueError:
        is_own = any(found.resource_type in WORKERS for found in route.property_dependencies.get(script, []))
    if not is_own:
        yield "This route hands requests to a Worker that this stack does not declare."


RULES: tuple[StackRule, ...] = (
    StackRule(
        name="routes-lead-to-own-workers",
        description="Every route names one host of the stack's domain, and a Worker that the stack declares.",
        reason="Who answers for a host gets what people send it. A Worker of another stack is placed, bound and logged"
        " as nobody here has judged, and a star in a host takes in names that nobody thought of, the tunnel's included"
        " (Cloudflare, Workers routes).",
        severity=Severity.CRITICAL,
        remediation="Declare it with ApiWorker or WebSite, one route for each host.",
        check=_routes_lead_to_own_workers,
    ),
)
