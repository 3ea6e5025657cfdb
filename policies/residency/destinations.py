"""Where a stack sends data and requests: the hosts that it names, and the Workers that its routes lead to."""

import re
from collections.abc import Iterator
from typing import Any

from pulumi_policy import PolicyResource, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.common.labels import DataClass
from components.resource_types import tokens
from components.resource_types.row import Location, ResourceType
from components.resource_types.table import judged as judged_type
from policies.residency.edge_stores import WORKERS, data_class, declared_workers
from policies.residency.hosts import judged
from policies.residency.managed_services import canadian
from policies.residency.named_hosts import SERVING, Own, address, host_of, hosts_of, must_be_known, named, own
from policies.residency.regions import CANADIAN_REGIONS, foreign
from policies.rules.reading import each_to_the_end, known
from policies.rules.rule import Rule, StackRule

_AWS = (".amazonaws.com", ".on.aws", ".api.aws")
# They get names, policies and public records, and none of our data (AWS, service endpoints).
_WITHOUT_REGION = ("iam.amazonaws.com", "route53.amazonaws.com", "sts.amazonaws.com")
# The region stands right before the domain, or before one of these groups; further left it may be a bucket's name.
_CANADIAN = re.compile(
    rf"(?:.*[.-])?(?:{'|'.join(CANADIAN_REGIONS)})(?:\.(?:cache|elb|es|rds|vpce))?\.(?:amazonaws\.com|on\.aws|api\.aws)"
)
_POLICY = "cloudflare:index/notificationPolicy:NotificationPolicy"
# Where the Worker's name stands.
_SCRIPT = {
    tokens.ROUTE: "script",
    tokens.CUSTOM_DOMAIN: "service",
    tokens.OLD_WORKER_DOMAIN: "service",
}


def _destinations_are_judged(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    mine, services = own(args.resources), canadian(args.resources)

    def check(resource: PolicyResource) -> Iterator[str]:
        row = judged_type(resource.resource_type)
        if row is None or row.location in (Location.LOCAL, Location.COMPONENT):
            return
        yield from _faults_of_ids(resource)
        most = _most(resource, row)
        faults = {
            (path, fault): None for path, host in named(resource) for fault in _faults(host, mine, most, services)
        }
        yield from (f"Property {path} names a host {fault}." for path, fault in faults)
        must_be_known(resource)

    yield from each_to_the_end(args.resources, check)


def _most(resource: PolicyResource, row: ResourceType) -> DataClass:
    """The most delicate class of data that the resource may send."""
    if row.most in (DataClass.NONE, DataClass.PUBLIC):
        return row.most
    declared = data_class(resource)
    return DataClass(declared) if declared in list(DataClass) else DataClass.REGULATED


def _faults(host: str, mine: Own, most: DataClass, services: frozenset[str]) -> Iterator[str]:
    at = address(host)
    if at is not None and (not at.is_global or at in mine.addresses):
        return
    if at is None and ("." not in host or host.endswith((".localhost", ".internal", ".local"))):
        return
    third_party = judged(host if at is None else str(at))
    # A third party's name stays its own, whatever the stack calls its records.
    if third_party is not None:
        if not most.is_within(third_party.most) and third_party.service not in services:
            yield f"that may get no {most} data" + (", unless it is declared in Canada" if third_party.service else "")
    elif host.endswith(_AWS):
        # Of a region elsewhere written-regions-are-canadian speaks.
        if host not in _WITHOUT_REGION and not _CANADIAN.fullmatch(host) and not any(foreign(host)):
            yield "of AWS that is not one of a Canadian region"
    elif at is not None or not mine.has(host):
        yield "that nobody has judged"


def _faults_of_ids(resource: PolicyResource) -> Iterator[str]:
    """Faults of destinations that are named by an ID, which does not say where it leads."""
    if resource.resource_type == _POLICY:
        if known(resource.props, "mechanisms", "pagerduties") or known(resource.props, "mechanisms", "pagerduty"):
            yield "This notification goes to a service that is joined in the dashboard, where no rule sees it."
        if known(resource.props, "mechanisms", "webhooks") and not _is_made_of(resource, "mechanisms", tokens.WEBHOOKS):
            yield "This notification goes to a webhook that this stack does not declare."
    if resource.resource_type == tokens.LOAD_BALANCER:
        for key in ("defaultPools", "fallbackPool"):
            if key in list(resource.props) and not _is_made_of(resource, key, tokens.LOAD_BALANCER_POOL):
                yield f"Property {key} names a pool that this stack does not declare."


def _is_made_of(resource: PolicyResource, key: str, type_token: str) -> bool:
    return any(found.resource_type == type_token for found in resource.property_dependencies.get(key, []))


def _routes_lead_to_own_workers(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    workers, mine = declared_workers(args.resources), own(args.resources)

    def check(route: PolicyResource) -> Iterator[str]:
        yield from _faults_of_a_route(route, workers)
        if not mine.has(host_of(str(route.props[SERVING[route.resource_type]]))):
            yield "The stack's routes are not all of hosts below one registered domain."

    yield from each_to_the_end((found for found in args.resources if found.resource_type in SERVING), check)


def _faults_of_a_route(route: PolicyResource, workers: set[Any]) -> Iterator[str]:
    script = _SCRIPT[route.resource_type]
    if "*" in hosts_of(str(route.props[SERVING[route.resource_type]])):
        yield "This route takes in hosts that it does not name."
    try:
        is_own = route.props.get(script) is None or route.props[script] in workers
    except UnknownValueError:
        is_own = any(found.resource_type in WORKERS for found in route.property_dependencies.get(script, []))
    if not is_own:
        yield "This route hands requests to a Worker that this stack does not declare."


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="destinations-are-judged",
        description="Every host that a resource names is the stack's own, AWS's in Canada, or a third party's that may"
        " get its data.",
        reason="A DSN of Sentry, a webhook or an uptime monitor sends data to a third party that keeps it where it"
        " likes: Sentry in Iowa or Frankfurt (Sentry, data storage location), Vercel in Washington unless told"
        " otherwise. policies/residency/hosts.py says of each what it may get. The stack's own are the names below the"
        " one registered domain that its Workers answer for, and its own addresses; AWS's are those of a Canadian"
        " region. It holds for records of every kind, the stand-by's 76.76.21.21 included, for origins, tunnels and"
        " variables. What a record's name or an Access application says makes no host the stack's own.",
        severity=Severity.CRITICAL,
        remediation="Send it to the stack's own host, or find out where the third party keeps data and add its line.",
        check=_destinations_are_judged,
    ),
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
