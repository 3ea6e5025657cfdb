"""How many addresses a list of networks admits."""

import ipaddress
from collections.abc import Iterable
from typing import Any

# A list that admits more addresses than these, by version of IP, in one network or in all of them, admits strangers.
MOST_ADDRESSES = {4: 2 ** (32 - 16), 6: 2 ** (128 - 48)}


def addresses(networks: Iterable[str]) -> int:
    """How many there are in all of them, each counted once.

    Raises ValueError for what is not a network, and TypeError for networks of both versions.
    """
    parsed: list[Any] = [ipaddress.ip_network(network, strict=False) for network in networks]
    return sum(network.num_addresses for network in ipaddress.collapse_addresses(parsed))


def admit_strangers(networks: Iterable[str]) -> bool:
    """Whether a list of networks of both versions admits too many. What is not a network counts as everyone."""
    by_version: dict[int, list[str]] = {version: [] for version in MOST_ADDRESSES}
    try:
        for network in networks:
            by_version[ipaddress.ip_network(network, strict=False).version].append(network)
    except ValueError:
        return True
    return any(addresses(found) > MOST_ADDRESSES[version] for version, found in by_version.items())
