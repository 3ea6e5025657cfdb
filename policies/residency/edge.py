"""What Cloudflare may do with data, and who reaches the database through it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from policies.rule import Rule, StackRule

# The one role that sees public data only (components/postgres_database.py), enforced by grants.
PUBLIC_ROLE = "public_read"
OLD_WORKERS = ("cloudflare:index/workersScript:WorkersScript", "cloudflare:index/workerScript:WorkerScript")
TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
TUNNEL_CONFIG = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
ACCESS_POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"


def _worker_is_placed(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type in OLD_WORKERS:
        yield "This Worker is declared with an old resource, whose placement and bindings no rule looks at."
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


def _tunnel_is_behind_access(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    configs = [found for found in args.resources if found.resource_type == TUNNEL_CONFIG]
    applications = [found for found in args.resources if found.resource_type == APPLICATION]
    configured = {found.urn for config in configs for found in config.property_dependencies.get("tunnelId", [])}
    for tunnel in args.resources:
        if tunnel.resource_type == TUNNEL and tunnel.urn not in configured:
            yield "This tunnel does not declare which host names lead into it.", tunnel.urn
    for config in configs:
        for ingress in config.props["config"]["ingresses"]:
            if ingress["service"].startswith("http_status:"):
                continue
            hostname = ingress.get("hostname")
            guards = [found for found in applications if found.props["domain"].split("/")[0] == hostname]
            if not any(found.props["domain"] == hostname for found in guards):
                yield "A host name of this tunnel has no Access application.", config.urn
            for guard in guards:
                if not _admits_only_tokens(guard):
                    yield "This Access application of a tunnel admits more than service tokens.", guard.urn


def _admits_only_tokens(application: PolicyResource) -> bool:
    """By the policies it refers to, because their IDs are made up by the cloud; one written inside it counts too."""
    linked = [
        found for found in application.property_dependencies.get("policies", []) if found.resource_type == ACCESS_POLICY
    ]
    if not linked or len(application.props.get("policies") or []) != len(linked):
        return False
    return all(
        policy.props.get("decision") == "non_identity"
        and bool(policy.props.get("includes"))
        and all(_kinds(include) == {"serviceToken"} for include in policy.props["includes"])
        for policy in linked
    )


def _kinds(include: Mapping[str, Any]) -> set[str]:
    return {kind for kind in include if include[kind] is not None}


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="workers-run-next-to-the-database",
        description="Every Worker is placed in Montreal.",
        reason="",
        severity=Severity.HIGH,
        remediation="Declare it as Worker and WorkerVersion, with its placement's region aws:ca-central-1.",
        check=_worker_is_placed,
    ),
    Rule(
        name="hyperdrive-caches-public-data-only",
        description="Only the role that sees public data has a Hyperdrive cache.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Set caching.disabled, or connect as the public role.",
        check=_cache_is_public,
    ),
    StackRule(
        name="r2-holds-public-data-only",
        description="R2 has no Canadian jurisdiction, so only public data goes there.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Declare it with MediaBucket, or keep the data in S3 in ca-central-1.",
        check=_r2_is_public,
    ),
    StackRule(
        name="database-hostname-is-behind-access",
        description="Every host name of a tunnel has an Access application that admits service tokens only.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateTunnel.",
        check=_tunnel_is_behind_access,
    ),
)
