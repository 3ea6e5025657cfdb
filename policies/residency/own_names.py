"""Names and addresses that are the stack's own, as far as what it declares can prove it."""

import ipaddress
import re
import socket
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pulumi_policy import PolicyResource

from policies.residency.reading import known
from policies.residency.written import plain

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloudflare takes these for hosts of the account's own zone only; a record's name it puts below the zone, whatever
# it is called (Cloudflare, Workers routes; DNS records).
SERVING: dict[str, str] = {
    "cloudflare:index/workersRoute:WorkersRoute": "pattern",
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": "hostname",
    "cloudflare:index/workerDomain:WorkerDomain": "hostname",
}
# Asked only where nothing is served.
_NAMED: dict[str, str] = {
    "cloudflare:index/dnsRecord:DnsRecord": "name",
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": "domain",
}
_ADDRESSES: dict[str, tuple[str, ...]] = {
    "aws:lightsail/staticIp:StaticIp": ("ipAddress",),
    "aws:lightsail/instance:Instance": ("publicIpAddress", "ipv6Addresses"),
}
# Below these of a country anybody has a name, as below its own (Public Suffix List, the usual ones).
_SHARED = re.compile(r"ab|ac|bc|com?|edu|gc|gob?|gouv|gov|mb|ne|net|n[blstu]|on|org?|pe|qc|sk|yk")


@dataclass(frozen=True, kw_only=True)
class Own:
    """What a stack may call its own."""

    domain: str
    """The registered domain that all that it serves is below; empty where that is not one."""
    addresses: frozenset[Address]

    def has(self, host: str) -> bool:
        return bool(self.domain) and f".{host}".endswith(f".{self.domain}")


def own(resources: Iterable[PolicyResource]) -> Own:
    resources = list(resources)
    served = {domain(host) for host in _hosts(resources, SERVING)}
    domains = served or {domain(host) for host in _hosts(resources, _NAMED)}
    return Own(
        # Of two domains nobody can say which is the stack's.
        domain=next(iter(domains)) if len(domains) == 1 else "",
        addresses=frozenset(_addresses(resources)),
    )


def host_of(pattern: str) -> str:
    """The host of a route's pattern, without a star before it."""
    return hosts_of(pattern).lstrip("*").strip(".")


def hosts_of(pattern: str) -> str:
    """As the pattern has it, with a star for any."""
    return plain(pattern).rpartition("://")[2].split("/")[0]


def domain(host: str) -> str:
    """The part that is registered, as `example.com` and `example.co.uk`; empty where there is none."""
    labels = host.split(".")
    needed = 3 if len(labels[-1]) == 2 and _SHARED.fullmatch(labels[-2:][0]) else 2
    return ".".join(labels[-needed:]) if len(labels) >= needed and all(labels) else ""


def address(host: str) -> Address | None:
    """The address that a text is, also as one number, as in `https://134744072/`; None where it is a name."""
    try:
        found = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return _older_form(host)
    return getattr(found, "ipv4_mapped", None) or found


def _older_form(host: str) -> Address | None:
    # Every client reads these: decimal, octal, hexadecimal, one to four parts (POSIX, inet_addr).
    if not host[:1].isdigit() or not {*host.lower()} <= {*string.hexdigits, "x", "."}:
        return None
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _hosts(resources: Iterable[PolicyResource], keys: dict[str, str]) -> Iterator[str]:
    for resource in resources:
        key = keys.get(resource.resource_type)
        name = known(resource.props, key) if key else None
        if isinstance(name, str):
            yield host_of(name)


def _addresses(resources: Iterable[PolicyResource]) -> Iterator[Address]:
    for resource in resources:
        for key in _ADDRESSES.get(resource.resource_type, ()):
            given = known(resource.props, key)
            texts = [given] if isinstance(given, str) else [known(given, index) for index in range(len(given or ()))]
            yield from (found for text in texts if isinstance(text, str) and (found := address(text)) is not None)
