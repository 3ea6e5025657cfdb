"""How a rollback would go right now: sides, DNS, builds, certificate, token, what is unfinished, and the last drill."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from failover.cloudflare.api import Scope
from failover.common.errors import ApiError
from failover.common.ids import Host
from failover.common.lock import holder
from failover.common.terms import Side
from failover.drill.result import last_drill
from failover.operation.changes import HostNow, is_led_past
from failover.operation.journal import Unfinished
from failover.operation.operation import Operation
from failover.operation.preflight import Preflight, held_here
from failover.probe.clients import Certificate, Seen, certificate
from failover.probe.watch import Sighting, View

# Let's Encrypt's certificates, which Vercel takes, are renewed 30 days before their end.
CERTIFICATE_DAYS = 14
DRILL_DAYS = 35
# Not that a change will work: only that one of a route or record that does not exist was not denied.
CHANGES = {True: "a change is not denied", False: "a change is DENIED", None: "not known"}
TOKEN_DAYS = 14


@dataclass(kw_only=True)
class Status:
    """`faults` would make a rollback refuse or fail now; `warnings` will, if nobody acts."""

    stack: str
    hosts: list[dict[str, Any]] = field(default_factory=list)
    token: str = ""
    keep_until: str | None = None
    last_drill: str | None = None
    last_operation: str | None = None
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    summary: str = ""
    """One line: which operation is possible now."""
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        return dict(self.__dict__)


def status(operation: Operation, *, only_reads: bool = False) -> Status:
    """Changes nothing; at most five calls of the API.

    `only_reads` says that the token is another than the rollback's: what it may change is not asked.
    """
    found = Status(stack=operation.ids.stack, keep_until=operation.ids.keep_until)
    hosts, until = operation.ids.hosts, operation.budget.preflight_until
    with ThreadPoolExecutor(max_workers=2 * len(hosts)) as pool:
        certificates = {host.hostname: pool.submit(_certificate, operation.view, host, until) for host in hosts}
        pages = {host.hostname: pool.submit(operation.view.pages, host, until) for host in hosts}
        preflight, _, unfinished = operation.prepare()
        _token(found, operation, only_reads=only_reads)
        for host in hosts:
            found.hosts.append(
                _host(found, preflight, host, certificates[host.hostname].result(), pages[host.hostname].result())
            )
    found.faults += [f"{one.reason}: {one.text}" for one in preflight.refusals]
    found.warnings += operation.outcome.warnings
    other = holder(operation.paths.lock)
    if other:
        found.faults.append(f"lock: {held_here(other)}")
    found.summary = _summary(found, unfinished)
    if unfinished and not other:
        found.faults.append(f"{unfinished}: {unfinished.next_step}")
    _history(found, operation)
    found.seconds = round(operation.budget.elapsed, 2)
    return found


def status_lines(found: Status) -> Iterator[str]:
    for host in found.hosts:
        days = host["certificate_days"]
        yield f"{host['hostname']}: {host['active'] or 'unknown'} is the active side, by the API"
        if host["plan"]:
            yield f"  by plan {host['plan']}"
        if host["route"]:
            yield f"  route {host['route']['pattern']}: script {host['route']['script'] or 'none'}"
        if host["record"]:
            yield f"  record: {host['record']}"
        for one in host["clients"]:
            end = one["fault"] or f"{one['answered_by']}, build {one['build'] or 'not named'}, {one['milliseconds']} ms"
            where = ", ".join(one["addresses"]) or "no address"
            yield f"  by {one['resolver']}: {where}" + (f" (TTL {one['ttl']} s)" if one["ttl"] else "") + f": {end}"
        yield f"  stand-by {host['standby']}"
        parity = {None: "not known", True: "the same", False: "DIFFERENT"}[host["parity"]]
        if host["worker_not_asked"]:
            yield f"  Cloudflare's side was not asked: {host['worker_not_asked']}"
        yield f"  builds: {parity}; certificate: {'not seen' if days is None else f'{days} days left'}"
    yield f"token: {found.token}"
    yield f"stand-by stays until {found.keep_until or 'no date is given'}"
    yield f"last drill: {found.last_drill or 'none'}; last operation: {found.last_operation or 'none'}"
    for warning in found.warnings:
        yield f"warning: {warning}"
    for fault in found.faults:
        yield f"fault: {fault}"
    yield f"{found.stack}: {found.summary} ({found.seconds} s)"


def _summary(found: Status, unfinished: Unfinished | None) -> str:
    """`found` has only the faults that would stop a rollback: an operation that was cut short is not among them."""
    if found.faults:
        return "a rollback would be refused or fail"
    if unfinished:
        return f"unfinished: {unfinished.next_step}"
    past = [host["active"] == Side.VERCEL for host in found.hosts]
    if all(past):
        return "rolled back already"
    return "a rollback can be made" + (", some of its hosts are rolled back already" if any(past) else "")


def _plan(now: HostNow | None) -> str | None:
    """The plan (A or B) that is in force; None where the stand-by does not answer, or where that is not known."""
    if now is None or now.side is not Side.VERCEL:
        return None
    if is_led_past(now.host, now.record.target):
        return "B (DNS)"
    return "A (route)"


def _host(
    found: Status, preflight: Preflight, host: Host, certificate: Certificate, pages: Seen | None
) -> dict[str, Any]:
    """Status of one host. With stale ids the API's part is unknown; what clients get is known."""
    now = next((one for one in preflight.hosts if one.host is host), None) if preflight.is_read else None
    _judge_certificate(found, host, certificate)
    own = [one for one in preflight.sightings if one.hostname == host.hostname]
    for one in own:
        if now and one.side is not now.side:
            found.warnings.append(f"the API says {now.side}; {one}")
    worker, why = _worker_build(preflight, host, now, pages)
    vercel = preflight.build(Side.VERCEL, host.hostname)
    return {
        "hostname": host.hostname,
        "active": str(now.side) if now else None,
        "plan": _plan(now),
        "route": None
        if now is None or now.route is None
        else {"pattern": now.route.pattern, "script": now.route.script},
        "record": str(now.record.target) if now else None,
        "clients": [_client(one) for one in own],
        "standby": str(preflight.standby[host.hostname]),
        "builds": {"worker": worker, "vercel": vercel},
        "worker_not_asked": why,
        "parity": None if worker is None or vercel is None else worker == vercel,
        "certificate_days": certificate.days,
    }


def _client(one: Sighting) -> dict[str, Any]:
    return {
        "resolver": one.resolver,
        "addresses": list(one.found.addresses),
        "ttl": one.found.ttl,
        "answered_by": str(one.side) if one.side else None,
        "build": one.seen.build if one.seen else None,
        "milliseconds": one.seen.milliseconds if one.seen else one.found.milliseconds,
        "fault": one.found.fault or (one.seen.fault if one.seen else None),
    }


def _worker_build(
    preflight: Preflight, host: Host, now: HostNow | None, pages: Seen | None
) -> tuple[str | None, str | None]:
    """The build that Cloudflare's side names, and why it could not be asked where it was not."""
    build = preflight.build(Side.WORKER, host.hostname)
    if build or now is None or now.side is Side.WORKER:
        return build, None
    if pages is not None:
        return pages.build, pages.fault
    if now.route and now.route.script is None:
        return None, "the route is blank, and nothing else leads to the Worker"
    return None, "the record leads past Cloudflare, and a route answers only behind it"


def _certificate(view: View, host: Host, until: float) -> Certificate:
    probes = view.ids.probes
    address = probes.standby_tls or (view.standby_address(host, until) if probes.scheme == "https" else None)
    if address is None:
        return Certificate(fault="was not seen: the file of ids names no TLS port for it")
    if isinstance(address, str):
        return Certificate(fault=f"was not seen: {address}")
    return certificate(host, *address, probes, time.time())


def _judge_certificate(found: Status, host: Host, one: Certificate) -> None:
    what = f"{host.hostname}: the stand-by's certificate"
    if one.is_refused:
        found.faults.append(f"{what} {one.fault}")
    elif one.days is None:
        found.warnings.append(f"{what} {one.fault}")
    elif one.days < CERTIFICATE_DAYS:
        found.faults.append(f"{what} has {one.days} days left")


def _token(found: Status, operation: Operation, *, only_reads: bool) -> None:
    try:
        state, expires = operation.api.token_state(operation.budget.preflight_until)
    except ApiError as error:
        found.token = "not verified"
        found.faults.append(f"token: {error}")
        return
    found.token = f"{state}, until {expires or 'it is revoked'}"
    if state != "active":
        found.faults.append(f"token: is {state}")
        return
    if expires and (datetime.fromisoformat(expires) - datetime.now(UTC)).days < TOKEN_DAYS:
        found.warnings.append(f"token: ends on {expires}")
    if only_reads:
        found.token += "; it is read-only, and the rollback's own was not checked"
    else:
        _scopes(found, operation)


def _scopes(found: Status, operation: Operation) -> None:
    """The token can't read its own policies, so its rights are probed."""
    has_routes = any(host.route for host in operation.ids.hosts)
    for scope, name in ((Scope.ROUTES, "Workers Routes Write"), (Scope.RECORDS, "DNS Write")):
        if scope is Scope.ROUTES and not has_routes:
            continue
        may = operation.api.may_change(scope, operation.budget.preflight_until)
        found.token += f"; {scope}: {CHANGES[may]}"
        if may is False:
            found.faults.append(f"token: may not change {scope}; it needs {name}")
        elif may is None:
            found.warnings.append(f"token: whether it may change {scope} is not known; a drill shows it")


def _history(found: Status, operation: Operation) -> None:
    today = datetime.now(UTC).date()
    if found.keep_until and today > date.fromisoformat(found.keep_until):
        found.warnings.append(f"the stand-by had to stay until {found.keep_until}; it may be gone any day")
    last = operation.journal.last()
    if last:
        found.last_operation = f"{last.get('act')} {last['operation']} at {last['at']}: {last.get('result')}"
    drill = last_drill(operation.paths)
    if drill is None:
        found.warnings.append("no drill has been made here yet")
        return
    began = str(drill["started_at"])
    found.last_drill = f"{began}: {'passed' if drill.get('is_passed') else 'missed'}"
    if not drill.get("is_passed"):
        found.warnings.append(f"the last drill, {began}, missed its targets")
    elif (today - datetime.fromisoformat(began).date()).days > DRILL_DAYS:
        found.warnings.append(f"the last drill was on {began[:10]}, over {DRILL_DAYS} days ago")
