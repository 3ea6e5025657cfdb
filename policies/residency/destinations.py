"""Where a stack's own words send data: URLs, host names in settings, records, origins."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.labels import DataClass
from policies.residency.declared import data_class
from policies.residency.hosts import HOSTS, judged
from policies.residency.place import Kind, Place
from policies.residency.places import PLACES
from policies.residency.reading import known
from policies.residency.written import plain, written
from policies.residency.written_regions import CODE
from policies.rule import StackRule

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
# Where a host name stands bare, by the path's pattern.
_BARE: dict[str, str] = {
    RECORD: r"content",
    "cloudflare:index/healthcheck:Healthcheck": r"address",
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": r"origin\.host",
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": r"origins\[\d+\]\.address",
}
_HOST_STEPS: dict[str, tuple[str, ...]] = {
    RECORD: ("content",),
    "cloudflare:index/healthcheck:Healthcheck": ("address",),
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": ("origin", "host"),
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks": ("url",),
}
# What gives a resource a host name of the stack's own.
_NAMES: dict[str, str] = {
    RECORD: "name",
    "cloudflare:index/pagesDomain:PagesDomain": "name",
    "cloudflare:index/r2CustomDomain:R2CustomDomain": "domain",
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": "hostname",
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": "domain",
}
_URL = re.compile(r"(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,20})://([^/\s\"'<>?#\\]+)")
# Buckets and files: the first is judged by regions, the second goes nowhere.
_NO_HOST = ("arn", "file", "s3")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_THIRD_PARTY = re.compile(
    r"(?<![a-z0-9-])(?:"
    + "|".join(re.escape(name) for name, host in HOSTS.items() if host.most is not DataClass.REGULATED)
    + r")(?![a-z0-9-]|\.[a-z0-9])"
)
# A variable called so holds the name of a host.
_HOST_NAME = re.compile(r"(url|uri|host|hostname|endpoint|dsn|origin|webhook|server|address)$", re.IGNORECASE)
# People's words: a link to a page sends nothing.
_WORDS = ("comment", "description", "alarmDescription", "tags", "tagsAll", "annotations", "notes")
# What Cloudflare answers: addresses of previews, which workers-dev-is-off judges.
_ANSWERS = {"cloudflare:index/workerVersion:WorkerVersion": ("urls",)}
_AWS = re.compile(r"(?:.*\.)?amazonaws\.com|.*\.(?:lambda-url|on)\.aws")


def _destinations_are_judged(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    own = _own_names(args)
    unknown: UnknownValueError | None = None
    for resource in args.resources:
        place = PLACES.get(resource.resource_type)
        if place is None or place.kind in (Kind.LOCAL, Kind.COMPONENT):
            continue
        most = _most(resource, place)
        faults = {(path, fault): None for path, host in _hosts(resource) for fault in _faults(host, own, most)}
        for path, fault in faults:
            yield f"Property {path} names a host {fault}.", resource.urn
        try:
            _must_be_known(resource)
        except UnknownValueError as error:
            unknown = error
    if unknown is not None:
        # At the end, so that what can be judged is.
        raise unknown


def _must_be_known(resource: PolicyResource) -> None:
    """Raises UnknownValueError for a host that is not known yet, unless it is made of what the stack declares."""
    steps = _HOST_STEPS.get(resource.resource_type)
    if steps is not None and not resource.property_dependencies.get(steps[0]):
        values: Any = resource.props
        for step in steps:
            values = values.get(step) or {}


def _most(resource: PolicyResource, place: Place) -> DataClass:
    """The class of what the resource may send."""
    if place.most in (DataClass.NONE, DataClass.PUBLIC):
        return place.most
    declared = data_class(resource)
    return DataClass(declared) if declared in list(DataClass) else DataClass.REGULATED


def _faults(host: str, own: frozenset[str], most: DataClass) -> Iterator[str]:
    if "." not in host or _is_internal(host) or _AWS.fullmatch(host):
        return
    if any(host == name or host.endswith(f".{name}") for name in own):
        return
    third_party = judged(host)
    if third_party is None:
        yield "that nobody has judged"
    elif not Place(kind=Kind.ELSEWHERE, most=third_party.most, why="").admits(most):
        yield f"that may get no {most} data"


def _is_internal(host: str) -> bool:
    """An address or a name that leads nowhere else; a public address does not say whose it is."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.endswith((".localhost", ".internal", ".local"))


def _own_names(args: StackValidationArgs) -> frozenset[str]:
    names = set()
    for resource in args.resources:
        key = _NAMES.get(resource.resource_type)
        name = known(resource.props, key) if key else None
        if isinstance(name, str):
            names.add(plain(name.split("/")[0]).removeprefix("*."))
    return frozenset(name for name in names if "." in name)


def _hosts(resource: PolicyResource) -> Iterator[tuple[str, str]]:
    """Path and host of everything that the resource names."""
    bare = re.compile(_BARE.get(resource.resource_type, r"(?!)"))
    unread = (*CODE.get(resource.resource_type, ()), *_ANSWERS.get(resource.resource_type, ()))
    variables = {path for path, name in _variables(resource.props) if _HOST_NAME.search(name)}
    is_record = resource.resource_type == RECORD
    if is_record and known(resource.props, "type") != "CNAME":
        return
    for path, text in written(resource.props):
        if path.startswith(unread) or path.split(".")[0].split("[")[0] in _WORDS:
            continue
        yield from ((path, _host(found[1])) for found in _URL.findall(text) if found[0] not in _NO_HOST)
        if bare.fullmatch(path) or path in variables:
            yield from ((path, host) for host in (_host(text),) if _HOST.fullmatch(host) or is_record)
        elif _THIRD_PARTY.search(text):
            yield from ((path, host) for host in _HOST.findall(text) if judged(host))


def _host(text: str) -> str:
    """Of `user:password@host:port`, the host."""
    name = text.strip().rpartition("@")[2].split("/")[0]
    if name.startswith("["):
        return name[1:].split("]")[0]
    return name.split(":")[0].rstrip(".")


def _variables(props: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and name of the variables that a program is given."""
    bindings = known(props, "bindings") or []
    for index in range(len(bindings)):
        name = known(bindings, index, "name")
        yield f"bindings[{index}].text", name if isinstance(name, str) else ""
    variables = known(props, "environment", "variables") or {}
    for name in variables:
        yield f"environment.variables.{name}", name
    if isinstance(known(props, "key"), str):
        yield "value", props["key"]


RULES: tuple[StackRule, ...] = (
    StackRule(
        name="destinations-are-judged",
        description="Every host that a resource names is the stack's own, or a third party's that may get its data.",
        reason="A DSN of Sentry, a webhook or an uptime monitor sends data to a third party that keeps it where it"
        " likes: Sentry in Iowa or Frankfurt (Sentry, data storage location), Vercel in Washington unless told"
        " otherwise. policies/residency/hosts.py says of each what it may get.",
        severity=Severity.CRITICAL,
        remediation="Send it to the stack's own host, or find out where the third party keeps data and add its line.",
        check=_destinations_are_judged,
    ),
)
