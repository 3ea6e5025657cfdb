"""What several resolvers answer: each asked for itself, none believed alone."""

import time
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.resolver

from failover.common.clock import left
from failover.common.deadline import NEVER
from failover.common.ids import Ids

# Cloudflare, Google, Quad9: three operators, so that no single one's caches or lies decide.
PUBLIC = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
QUERY_SECONDS = 1.0
PORT = 53


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One resolver's answer for one name."""

    resolver: str
    addresses: tuple[str, ...] = ()
    alias: str | None = None
    """Where the name leads when the answer ends without an address, as a zone's own name servers answer."""
    ttl: int | None = None
    milliseconds: float = 0.0
    fault: str | None = None


def lookup(resolver: str, name: str, until: float = NEVER) -> Lookup:
    """IPv4 addresses; every fault is in the answer, none is raised. Over by `until`, in monotonic seconds."""
    started = time.monotonic()
    try:
        answer = _answer(resolver, name, min(until, started + QUERY_SECONDS))
    except dns.exception.Timeout:
        return Lookup(
            resolver=resolver, milliseconds=_since(started), fault=f"no answer within {_since(started) / 1000:.1f} s"
        )
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return Lookup(resolver=resolver, milliseconds=_since(started), fault=f"{type(error).__name__}: {error}")
    found, ttls, alias = [], [], None
    for rrset in answer.answer:
        ttls.append(rrset.ttl)
        if rrset.rdtype == dns.rdatatype.A:
            found += [item.address for item in rrset]
        elif rrset.rdtype == dns.rdatatype.CNAME:
            alias = str(rrset[0].target).rstrip(".")
    fault = None if found or alias else f"answers {dns.rcode.to_text(answer.rcode())} and no address"
    return Lookup(
        resolver=resolver,
        addresses=tuple(sorted(found)),
        alias=None if found else alias,
        ttl=min(ttls, default=None),
        milliseconds=_since(started),
        fault=fault,
    )


def _answer(resolver: str, name: str, until: float) -> dns.message.Message:
    """By UDP, and by TCP where that was cut short."""
    address, port = _parts(resolver)
    query = dns.message.make_query(name, dns.rdatatype.A)
    try:
        return dns.query.udp(query, address, timeout=left(until), port=port, raise_on_truncation=True)
    except dns.message.Truncated:
        return dns.query.tcp(query, address, timeout=left(until), port=port)


def followed(found: Lookup, resolvers: tuple[str, ...], until: float = NEVER) -> Lookup:
    """Where an answer ends at another zone's name, that name's addresses by the first resolver that knows them."""
    if not found.alias:
        return found
    for resolver in resolvers:
        next_one = lookup(resolver, found.alias, until)
        if next_one.addresses:
            return Lookup(
                resolver=found.resolver,
                addresses=next_one.addresses,
                ttl=found.ttl,
                milliseconds=found.milliseconds + next_one.milliseconds,
            )
    return Lookup(
        resolver=found.resolver, milliseconds=found.milliseconds, fault=f"{found.alias}: nobody knows its address"
    )


def resolvers_of(ids: Ids) -> tuple[str, ...]:
    """Those of the file; else three public ones and the zone's own name servers."""
    return ids.probes.resolvers or (*PUBLIC, *name_servers(ids.zone_name))


def name_servers(zone: str) -> tuple[str, ...]:
    """Addresses of two of the zone's name servers; none where nobody says them in time, for all of it together."""
    asker, until = dns.resolver.Resolver(configure=False), time.monotonic() + 2 * QUERY_SECONDS
    asker.nameservers = list(PUBLIC)
    try:
        names = sorted(str(one.target) for one in asker.resolve(zone, "NS", lifetime=left(until)))[:2]
        return tuple(str(next(iter(asker.resolve(name, "A", lifetime=left(until))))) for name in names)
    except (dns.exception.DNSException, OSError):
        return ()


def _parts(resolver: str) -> tuple[str, int]:
    address, _, port = resolver.rpartition(":")
    if address and port.isdigit() and address.count(":") == 0:
        return address, int(port)
    return resolver, PORT


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
