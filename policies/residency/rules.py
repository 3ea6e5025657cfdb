"""The rules of residency."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from policies.rule import Rule, StackRule

CANADIAN_REGIONS = ("ca-central-1", "ca-west-1")
# Services without a region, each by name; a new one has to be judged before it gets in.
GLOBAL_PREFIXES = ("aws:iam/",)
# The one role that sees public data only (components/postgres_database.py), enforced by grants.
PUBLIC_ROLE = "public_read"
POSTGRES_PORTS = (5432, 6432)


def _region_is_canadian(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == "pulumi:providers:aws":
        if args.props.get("region") not in CANADIAN_REGIONS:
            yield "This AWS provider is not set to a Canadian region."
        return
    if not args.resource_type.startswith("aws:") or args.resource_type.startswith(GLOBAL_PREFIXES):
        return
    provider = args.provider.props.get("region") if args.provider else None
    if (args.props.get("region") or provider) not in CANADIAN_REGIONS:
        yield "This resource is not in a Canadian region, or does not say where it is."
    zone = args.props.get("availabilityZone")
    if zone is not None and not zone.startswith(CANADIAN_REGIONS):
        yield "This resource's availability zone is not in a Canadian region."


def _worker_is_placed(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != "cloudflare:index/workerVersion:WorkerVersion":
        return
    placement = args.props.get("placement") or {}
    if placement.get("region") != "aws:ca-central-1":
        yield "This Worker is not placed next to the database in Montreal."


def _cache_is_public(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != "cloudflare:index/hyperdriveConfig:HyperdriveConfig":
        return
    caching = args.props.get("caching") or {}
    if caching.get("disabled") is not True and args.props["origin"]["user"] != PUBLIC_ROLE:
        yield "This Hyperdrive configuration caches what a role with access to regulated data reads."


def _r2_is_public(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        is_bucket = resource.resource_type == "cloudflare:index/r2Bucket:R2Bucket"
        if is_bucket and _data_class(resource) != "public":
            yield "This R2 bucket is not declared to hold public data only.", resource.urn


def _data_class(resource: PolicyResource) -> str | None:
    """Data class of the nearest component that declares one."""
    parent = resource.parent
    while parent is not None:
        if "dataClass" in parent.props:
            return str(parent.props["dataClass"])
        parent = parent.parent
    return None


def _database_port_is_closed(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        is_open = rule.get("protocol") == "all" or any(
            rule["fromPort"] <= port <= rule["toPort"] for port in POSTGRES_PORTS
        )
        if is_open and rule.get("protocol") in ("tcp", "all"):
            yield "This firewall opens PostgreSQL's port to a public address."


def _firewall_names_networks(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        for family in ("cidrs", "ipv6Cidrs"):
            networks = rule.get(family) or []
            if not networks:
                yield f"This firewall leaves {family} out, which means everyone."
            elif any(ipaddress.ip_network(network, strict=False).prefixlen == 0 for network in networks):
                yield f"This firewall's {family} admit everyone."


def _port_rules(args: ResourceValidationArgs) -> list[Mapping[str, Any]]:
    if args.resource_type != "aws:lightsail/instancePublicPorts:InstancePublicPorts":
        return []
    return list(args.props["portInfos"])


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="resources-are-in-canada",
        description="Every AWS resource is in ca-central-1 or ca-west-1.",
        severity=Severity.CRITICAL,
        remediation="Set its region to ca-central-1.",
        check=_region_is_canadian,
    ),
    Rule(
        name="workers-run-next-to-the-database",
        description="Every Worker is placed in Montreal.",
        severity=Severity.HIGH,
        remediation="Set its placement's region to aws:ca-central-1.",
        check=_worker_is_placed,
    ),
    Rule(
        name="hyperdrive-caches-public-data-only",
        description="Only the role that sees public data has a Hyperdrive cache.",
        severity=Severity.CRITICAL,
        remediation="Set caching.disabled, or connect as the public role.",
        check=_cache_is_public,
    ),
    StackRule(
        name="r2-holds-public-data-only",
        description="R2 has no Canadian jurisdiction, so only public data goes there.",
        severity=Severity.CRITICAL,
        remediation="Declare it with MediaBucket, or keep the data in S3 in ca-central-1.",
        check=_r2_is_public,
    ),
    Rule(
        name="database-port-is-closed",
        description="No public address reaches PostgreSQL; the way in is the tunnel.",
        severity=Severity.CRITICAL,
        remediation="Remove the port from the list.",
        check=_database_port_is_closed,
    ),
    Rule(
        name="firewall-names-networks",
        description="Every open port names the IPv4 and IPv6 networks that may use it.",
        severity=Severity.HIGH,
        remediation="Set both lists, to networks that you know.",
        check=_firewall_names_networks,
    ),
)
