"""Looks the ids up before the incident: for the first time, or to refresh them."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from failover.cloudflare.api import Api, RecordNow, RouteNow
from failover.cloudflare.transport import Transport
from failover.common.clock import stamp
from failover.common.errors import FailoverError
from failover.common.ids import ChallengeRoute, Host, Ids, Record, Route
from failover.common.terms import Kind

SECONDS = 60.0
API = "https://api.cloudflare.com/client/v4"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A host to look up. What is None stays as the file has it, or is looked up too."""

    hostname: str
    kind: Kind | None = None
    standby: str | None = None
    script: str | None = None


def new_ids(*, stack: str, zone: str, zone_id: str, account: str) -> Ids:
    """Ids of a new file: without hosts, and with what `resolved` still has to look up."""
    return Ids(stack=stack, api=API, account=account, zone_id=zone_id, zone_name=zone, hosts=(), resolved_at="")


def resolved(ids: Ids, wanted: Sequence[Wanted], token: str) -> Ids:
    """The ids, those of the wanted hosts (of all, if none is named) refreshed from the API; the rest are kept.

    Looks up zone and account if they are unknown. Raises FailoverError with every fault at once.
    """
    transport = Transport(base_url=ids.api, token=token)
    api, until = Api(ids, transport), time.monotonic() + SECONDS
    with contextlib.closing(transport):
        if not ids.zone_id or not ids.account:
            zone_id, account = _zone(api, ids.zone_name)
            ids = replace(ids, zone_id=ids.zone_id or zone_id, account=ids.account or account)
            api = Api(ids, transport)
        routes, records = api.routes(until), api.records(until)
    hosts, faults = {host.hostname: host for host in ids.hosts}, []
    for one in wanted or [Wanted(hostname=host.hostname) for host in ids.hosts]:
        try:
            hosts[one.hostname] = _host(one, hosts.get(one.hostname), routes, records)
        except FailoverError as error:
            faults.append(str(error))
    if faults:
        raise FailoverError("\n".join(faults))
    return replace(ids, hosts=tuple(hosts.values()), resolved_at=stamp(datetime.now(UTC)))


def _zone(api: Api, name: str) -> tuple[str, str]:
    """Id and account of the zone. Raises FailoverError."""
    zones = api.zones(name, time.monotonic() + SECONDS)
    if len(zones) != 1:
        raise FailoverError(f"{name}: the token sees {len(zones)} zones of that name; name its id with --zone-id")
    return zones[0]


def _host(one: Wanted, known: Host | None, routes: list[RouteNow], records: list[RecordNow]) -> Host:
    own = [row for row in records if row.name == one.hostname and row.type in ("A", "AAAA", "CNAME")]
    if len(own) != 1:
        raise FailoverError(f"{one.hostname}: has {len(own)} records of type A, AAAA or CNAME; one is expected")
    (record,) = own
    pattern = f"{one.hostname}/*"
    route = next((row for row in routes if row.pattern == pattern), None)
    kind = one.kind or (known.kind if known else None) or (Kind.WORKER if route else Kind.PAGES)
    if kind is Kind.WORKER and route is None:
        raise FailoverError(f"{one.hostname}: no route {pattern}; declare it, or name --kind pages")
    return Host(
        hostname=one.hostname,
        kind=kind,
        record=_record(one, record, known, kind),
        standby=_standby(one, record, known, kind),
        route=_route(one, route, known) if route and kind is Kind.WORKER else None,
        challenge_routes=tuple(
            ChallengeRoute(id=row.id, pattern=row.pattern)
            for row in routes
            if row.pattern.startswith(f"{one.hostname}/.well-known/")
        ),
        path=known.path if known else "/",
    )


def _route(one: Wanted, route: RouteNow, known: Host | None) -> Route:
    """A blank route has no script; the file's is used."""
    script = one.script or route.script or (known.route.script if known and known.route else None)
    if script is None:
        raise FailoverError(f"{route.pattern}: is blank; name the Worker that it is restored to with --script")
    return Route(id=route.id, pattern=route.pattern, script=script)


def _record(one: Wanted, record: RecordNow, known: Host | None, kind: Kind) -> Record:
    """While plan B is in force the record of a host of Pages is not as declared: that stays as the file has it."""
    target = record.target
    if not target.proxied and not known:
        raise FailoverError(f"{one.hostname}: its record is DNS-only; restore it before the ids are looked up")
    if kind is Kind.PAGES and not target.proxied and known:
        if target.content != known.standby:
            raise FailoverError(
                f"{one.hostname}: its record is DNS-only and leads to {target.content}, which is neither side; "
                f"make it proxied again, or lead it to {known.standby}"
            )
        return replace(known.record, id=record.id)
    if kind is Kind.PAGES and not (one.standby or known):
        raise FailoverError(f"{one.hostname}: is served by Pages; name its stand-by with --standby")
    ttl = target.ttl if target.proxied or not known else known.record.ttl
    return Record(id=record.id, type=record.type, name=record.name, content=target.content, proxied=True, ttl=ttl)


def _standby(one: Wanted, record: RecordNow, known: Host | None, kind: Kind) -> str:
    """The record of a Worker's host leads to the stand-by, whether the edge stands in between or not."""
    if one.standby:
        return one.standby
    return known.standby if known and kind is Kind.PAGES else record.target.content
