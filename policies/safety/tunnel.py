"""Who reaches the database through a tunnel."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, Severity, StackValidationArgs

from policies.rule import Rule, StackRule
from policies.safety.reading import host, value

TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
TUNNEL_CONFIG = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
ACCESS_POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"


def _tunnel_is_behind_access(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    configs = [found for found in args.resources if found.resource_type == TUNNEL_CONFIG]
    applications = [found for found in args.resources if found.resource_type == APPLICATION]
    configured = {found.urn for config in configs for found in config.property_dependencies.get("tunnelId", [])}
    for tunnel in args.resources:
        if tunnel.resource_type == TUNNEL and tunnel.urn not in configured:
            yield "This tunnel does not declare which host names lead into it.", tunnel.urn
    for config in configs:
        if value(config.props, "config", "warpRouting", "enabled") not in (None, False):
            yield "This tunnel leads people's devices into the host's network.", config.urn
        for ingress in config.props["config"]["ingresses"]:
            if ingress["service"].startswith("http_status:"):
                continue
            hostname = host(ingress, "hostname")
            guards = [found for found in applications if _domain(found).partition("/")[0] == hostname]
            if not any(_domain(found) == hostname for found in guards):
                yield "A host name of this tunnel has no Access application.", config.urn
            for guard in guards:
                if not _admits_only_tokens(guard):
                    yield "This Access application of a tunnel admits more than service tokens.", guard.urn


def _domain(application: PolicyResource) -> str:
    return host(application.props, "domain")


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
    StackRule(
        name="database-hostname-is-behind-access",
        description="Every host name of a tunnel has an Access application that admits service tokens only.",
        reason=(
            "A tunnel's host name is public: whoever knows it reaches the service behind it, unless an Access "
            "application stands in front (Cloudflare, Hyperdrive, connect to a private database)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateTunnel.",
        check=_tunnel_is_behind_access,
    ),
)
