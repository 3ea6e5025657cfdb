"""Which ports of a host are open, and to whom."""

import pulumi_aws as aws

from components.host.specification import POSTGRES_PORT

SSH_PORT = 22
# IPv4 and IPv6 are two lists: one that is left out means "everyone".
Networks = tuple[list[str], list[str]]


def firewall(admins: Networks, database: Networks) -> list[aws.lightsail.InstancePublicPortsPortInfoArgsDict]:
    """SSH for administrators, and PostgreSQL for who is named; with nobody named its port is closed."""
    # Lightsail opens 22 to the world unless the list is owned.
    ports = [_port(SSH_PORT, admins)]
    return [*ports, _port(POSTGRES_PORT, database)] if all(database) else ports


def _port(port: int, networks: Networks) -> aws.lightsail.InstancePublicPortsPortInfoArgsDict:
    ipv4, ipv6 = networks
    return {"protocol": "tcp", "from_port": port, "to_port": port, "cidrs": ipv4, "ipv6_cidrs": ipv6}
