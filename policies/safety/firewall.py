"""Who reaches the database host, by its firewall or a tunnel, and how Hyperdrive proves that it is ours."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from components.common.cloudflare_ranges import IPV4, IPV6
from components.resource_types import tokens
from policies.rules.networks import MOST_ADDRESSES, addresses
from policies.rules.pairing import belonging
from policies.rules.reading import has, host, of_type, value
from policies.rules.rule import Rule, StackRule

SSH_PORT = 22
LAST_PORT = 65535
POSTGRES_PORT = 5432
POOLER_PORT = 6432
CLOUDFLARE: dict[str, frozenset[str]] = {"cidrs": frozenset(IPV4), "ipv6Cidrs": frozenset(IPV6)}
# Nothing else on the host is for the network: no web server, no ICMP, no pooler.
KNOWN_PORTS = (("tcp", SSH_PORT, SSH_PORT), ("tcp", POSTGRES_PORT, POSTGRES_PORT))
FAMILIES = {"cidrs": 4, "ipv6Cidrs": 6}
TUNNEL = "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared"
ACCESS_POLICY = "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy"


def _database_port_is_closed(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        if not _opens(rule, POSTGRES_PORT) and not _opens(rule, POOLER_PORT):
            continue
        if _ports(rule) != ("tcp", POSTGRES_PORT, POSTGRES_PORT):
            yield "This firewall opens PostgreSQL's port, or its pooler's, together with others."
        elif any(not rule.get(family) or set(rule[family]) - known for family, known in CLOUDFLARE.items()):
            yield "This firewall opens PostgreSQL's port to addresses that are not Cloudflare's."


def _opens(rule: Mapping[str, Any], port: int) -> bool:
    protocol, first, last = _ports(rule)
    return protocol == "all" or (protocol == "tcp" and first <= port <= last)


def _ports(rule: Mapping[str, Any]) -> tuple[str, int, int]:
    """Protocol, first and last port; what is not a number is taken for every port."""
    protocol = str(rule.get("protocol")).strip().lower()
    try:
        return protocol, int(rule["fromPort"]), int(rule["toPort"])
    except (KeyError, TypeError, ValueError):
        return protocol, 0, LAST_PORT


def _open_port_asks_for_certificates(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    configurations = [found for found in args.resources if found.resource_type == tokens.HYPERDRIVE]
    if configurations and all(_shows_a_certificate(found.props) for found in configurations):
        return
    for resource in args.resources:
        if resource.resource_type == tokens.PUBLIC_PORTS and any(
            _opens(rule, POSTGRES_PORT) for rule in resource.props["portInfos"]
        ):
            yield "This firewall opens PostgreSQL's port, and Hyperdrive does not come by it.", resource.urn


def _hyperdrive_is_known(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != tokens.HYPERDRIVE:
        return
    origin = args.props["origin"]
    goes_through_access = has(origin, "accessClientId") and has(origin, "accessClientSecret")
    if not goes_through_access and not _shows_a_certificate(args.props):
        yield "This Hyperdrive configuration neither goes through Access nor checks and shows certificates."


def _shows_a_certificate(configuration: Mapping[str, Any]) -> bool:
    mtls = configuration.get("mtls") or {}
    return mtls.get("sslmode") == "verify-full" and has(mtls, "caCertificateId") and has(mtls, "mtlsCertificateId")


def _only_known_ports_are_open(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        if _ports(rule) not in KNOWN_PORTS:
            yield "This firewall opens something else than SSH and PostgreSQL, or a range of ports."


def _firewall_names_networks(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        if rule.get("cidrListAliases"):
            yield "This firewall names networks by an alias, which others fill."
        for family, version in FAMILIES.items():
            networks = rule.get(family) or []
            # database-port-is-closed keeps this port to Cloudflare's, which are many.
            is_cloudflares = _ports(rule) == ("tcp", POSTGRES_PORT, POSTGRES_PORT) and {*networks} <= CLOUDFLARE[family]
            if not networks or not is_cloudflares:
                yield from _networks_are_known(family, networks, MOST_ADDRESSES[version])


def _networks_are_known(family: str, networks: Sequence[str], most: int) -> Iterator[str]:
    if not networks:
        yield f"This firewall leaves {family} out, which means everyone."
        return
    try:
        number = addresses(networks)
    except (TypeError, ValueError):
        yield f"This firewall's {family} hold something that is not a network, or of another family."
        return
    if number > most:
        yield f"This firewall's {family} admit far more than the networks of one's own people."


def _port_rules(args: ResourceValidationArgs) -> list[Mapping[str, Any]]:
    return list(args.props["portInfos"]) if args.resource_type == tokens.PUBLIC_PORTS else []


def _firewall_is_declared(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    instances, lists = (of_type(args.resources, kind) for kind in (tokens.INSTANCE, tokens.PUBLIC_PORTS))
    for urn, found in belonging(instances, lists, "instanceName", name="name").items():
        if not found:
            yield "This instance has no list of ports, so Lightsail opens SSH to everyone.", urn


def _tunnel_is_behind_access(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    configs = [found for found in args.resources if found.resource_type == tokens.TUNNEL_CONFIG]
    applications = [found for found in args.resources if found.resource_type == tokens.ACCESS_APPLICATION]
    tunnels = of_type(args.resources, TUNNEL)
    for urn, found in belonging(tunnels, configs, "tunnelId", name="id").items():
        if not found:
            yield "This tunnel does not declare which host names lead into it.", urn
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
    """Judged by the policies that it refers to, whose IDs the cloud makes up; one written inside it counts too."""
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
        name="database-port-is-closed",
        description="No public address reaches PostgreSQL but, without a tunnel, Cloudflare's.",
        reason=(
            "A database that anyone can reach is one leaked password away from everyone, and Hyperdrive connects from "
            "all of Cloudflare's published ranges (Cloudflare, Hyperdrive, firewall and networking)."
        ),
        severity=Severity.CRITICAL,
        remediation=(
            "Remove the port from the list, or open it alone and to components/common/cloudflare_ranges.py only."
        ),
        check=_database_port_is_closed,
    ),
    StackRule(
        name="database-port-asks-for-certificates",
        description="PostgreSQL's port is open only where every Hyperdrive configuration shows a client certificate.",
        reason=(
            "Cloudflare's ranges are shared by all its customers, so coming from them proves nothing: only a client "
            "certificate does (Cloudflare, IP ranges; Hyperdrive, mutual TLS)."
        ),
        severity=Severity.CRITICAL,
        remediation="Remove the port from the list: with a tunnel nothing needs it.",
        check=_open_port_asks_for_certificates,
    ),
    Rule(
        name="hyperdrive-is-known",
        description="Hyperdrive goes through Access, or verifies to the full and shows a client certificate.",
        reason=(
            "Without full verification and a certificate of its own, or a service token at Access, Hyperdrive can't be "
            "told from any other customer of Cloudflare (Cloudflare, Hyperdrive, TLS/SSL certificates)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with HyperdrivePair.",
        check=_hyperdrive_is_known,
    ),
    Rule(
        name="only-known-ports-are-open",
        description="A host opens SSH, and without a tunnel PostgreSQL, and no other port.",
        reason=(
            "Whatever listens on an open port is reached by strangers, and a range opens what will be installed later. "
            "Lightsail opens port 80 on most blueprints by itself (AWS, Lightsail firewall rules reference)."
        ),
        severity=Severity.HIGH,
        remediation="Remove the port from the list.",
        types=(tokens.PUBLIC_PORTS,),
        check=_only_known_ports_are_open,
    ),
    Rule(
        name="firewall-names-networks",
        description="Every open port names the IPv4 and IPv6 networks that may use it, a /16 and a /48 at most.",
        reason=(
            "A list that is left out means the whole internet, and the IPv4 and the IPv6 firewall are independent "
            "(AWS, Lightsail PortInfo and firewall reference)."
        ),
        severity=Severity.HIGH,
        remediation="Set both lists, to networks that you know.",
        check=_firewall_names_networks,
    ),
    StackRule(
        name="firewall-is-declared",
        description="Every Lightsail instance has an InstancePublicPorts of its own.",
        reason=(
            "Lightsail opens SSH, and with most blueprints HTTP, to everyone until somebody lists the ports "
            "(AWS, Lightsail firewall rules reference)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare InstancePublicPorts for the instance's name.",
        check=_firewall_is_declared,
    ),
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
