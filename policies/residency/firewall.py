"""Who reaches the database host."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity, StackValidationArgs

from policies.rule import Rule, StackRule

PUBLIC_PORTS = "aws:lightsail/instancePublicPorts:InstancePublicPorts"
POSTGRES_PORTS = (5432, 6432)
# A list that admits more addresses than these, in one network or in all of them, admits strangers.
MOST_ADDRESSES = {"cidrs": 2 ** (32 - 8), "ipv6Cidrs": 2 ** (128 - 16)}


def _database_port_is_closed(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        is_open = rule.get("protocol") == "all" or any(
            rule["fromPort"] <= port <= rule["toPort"] for port in POSTGRES_PORTS
        )
        if is_open and rule.get("protocol") in ("tcp", "all"):
            yield "This firewall opens PostgreSQL's port to a public address."


def _firewall_names_networks(args: ResourceValidationArgs) -> Iterator[str]:
    for rule in _port_rules(args):
        if rule.get("cidrListAliases"):
            yield "This firewall names networks by an alias, which others fill."
        for family, most in MOST_ADDRESSES.items():
            yield from _networks_are_known(family, rule.get(family) or [], most)


def _networks_are_known(family: str, networks: Sequence[str], most: int) -> Iterator[str]:
    if not networks:
        yield f"This firewall leaves {family} out, which means everyone."
        return
    try:
        number = _addresses(networks)
    except (TypeError, ValueError):
        yield f"This firewall's {family} hold something that is no network, or of another family."
        return
    if number > most:
        yield f"This firewall's {family} admit far more than the networks of one's own people."


def _addresses(networks: Sequence[str]) -> int:
    """How many addresses there are in all of them, each counted once."""
    parsed: list[Any] = [ipaddress.ip_network(network, strict=False) for network in networks]
    return sum(network.num_addresses for network in ipaddress.collapse_addresses(parsed))


def _port_rules(args: ResourceValidationArgs) -> list[Mapping[str, Any]]:
    return list(args.props["portInfos"]) if args.resource_type == PUBLIC_PORTS else []


def _firewall_is_declared(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    owned = [found.props.get("instanceName") for found in args.resources if found.resource_type == PUBLIC_PORTS]
    for resource in args.resources:
        is_instance = resource.resource_type == "aws:lightsail/instance:Instance"
        if is_instance and (resource.props.get("name") is None or resource.props.get("name") not in owned):
            yield "This instance has no list of ports, so Lightsail opens SSH to everyone.", resource.urn


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="database-port-is-closed",
        description="No public address reaches PostgreSQL; the way in is the tunnel.",
        severity=Severity.CRITICAL,
        remediation="Remove the port from the list.",
        check=_database_port_is_closed,
    ),
    Rule(
        name="firewall-names-networks",
        description="Every open port names the IPv4 and IPv6 networks that may use it, a /8 and a /16 at most.",
        severity=Severity.HIGH,
        remediation="Set both lists, to networks that you know.",
        check=_firewall_names_networks,
    ),
    StackRule(
        name="firewall-is-declared",
        description="Every Lightsail instance has an InstancePublicPorts of its own.",
        severity=Severity.CRITICAL,
        remediation="Declare InstancePublicPorts for the instance's name.",
        check=_firewall_is_declared,
    ),
)
