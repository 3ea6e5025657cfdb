"""How a rollback would go right now: sides, DNS, builds, certificate, token, what is unfinished, and the last drill."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from failover.clients import certificate_days
from failover.errors import ApiError
from failover.ids import Host
from failover.judgement import held_here
from failover.lock import holder
from failover.look import Look
from failover.measured import last_drill
from failover.operation import Operation
from failover.sides import Side
from failover.watch import View

# Let's Encrypt's certificates, which Vercel takes, are renewed 30 days before their end.
CERTIFICATE_DAYS = 14
DRILL_DAYS = 35
TOKEN_DAYS = 14


@dataclass(kw_only=True)
class Status:
    """`faults` are what would make a rollback refuse or fail; `warnings` what will, if nobody acts."""

    stack: str
    hosts: list[dict[str, Any]] = field(default_factory=list)
    token: str = ""
    keep_until: str | None = None
    last_drill: str | None = None
    last_operation: str | None = None
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        return dict(self.__dict__)


def status(operation: Operation) -> Status:
    """Looks and changes nothing; three calls of the API."""
    found = Status(stack=operation.ids.stack, keep_until=operation.ids.keep_until)
    hosts, until = operation.ids.hosts, operation.budget.look_until
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        days = {host.hostname: pool.submit(_days, operation.view, host, until) for host in hosts}
        look, _, unfinished = operation.prepare()
        _token(found, operation)
        for now in look.hosts:
            found.hosts.append(_host(found, look, now.host, now.side, days[now.host.hostname].result()))
    found.faults += [f"{one.reason}: {one.text}" for one in look.refusals]
    found.warnings += operation.outcome.warnings
    other = holder(operation.place.lock)
    if other:
        found.faults.append(f"lock: {held_here(other)}")
    if unfinished and not other:
        found.faults.append(str(unfinished))
    _history(found, operation)
    found.seconds = round(operation.budget.elapsed, 2)
    return found


def _host(found: Status, look: Look, host: Host, side: Side, days: tuple[int | None, str | None]) -> dict[str, Any]:
    left, why = days
    if left is not None and left < CERTIFICATE_DAYS:
        found.faults.append(f"{host.hostname}: the stand-by's certificate has {left} days left")
    elif left is None and why:
        found.warnings.append(f"{host.hostname}: the stand-by's certificate was not seen: {why}")
    own = [one for one in look.sightings if one.hostname == host.hostname]
    for one in own:
        if one.side is not side:
            found.warnings.append(f"the API says {side}; {one}")
    worker, vercel = look.build(Side.WORKER, host.hostname), look.build(Side.VERCEL, host.hostname)
    return {
        "hostname": host.hostname,
        "active": str(side) if look.is_read else None,
        "clients": [
            {
                "resolver": one.resolver,
                "addresses": list(one.found.addresses),
                "ttl": one.found.ttl,
                "answered_by": str(one.side) if one.side else None,
                "build": one.seen.build if one.seen else None,
                "milliseconds": one.seen.milliseconds if one.seen else one.found.milliseconds,
                "fault": one.found.fault or (one.seen.fault if one.seen else None),
            }
            for one in own
        ],
        "standby": str(look.standby[host.hostname]),
        "builds": {"worker": worker, "vercel": vercel},
        "parity": None if worker is None or vercel is None else worker == vercel,
        "certificate_days": left,
    }


def _days(view: View, host: Host, until: float) -> tuple[int | None, str | None]:
    probes = view.ids.probes
    place = probes.standby_tls or (view.standby_address(host, until) if probes.scheme == "https" else None)
    if place is None:
        return None, "the file of ids names no TLS port for it"
    if isinstance(place, str):
        return None, place
    return certificate_days(host, *place, probes, time.time())


def _token(found: Status, operation: Operation) -> None:
    try:
        state, expires = operation.api.token_state(operation.budget.look_until)
    except ApiError as error:
        found.token = "not verified"
        found.faults.append(f"token: {error}")
        return
    found.token = f"{state}, until {expires or 'it is taken away'}"
    if state != "active":
        found.faults.append(f"token: is {state}")
    elif expires and (datetime.fromisoformat(expires) - datetime.now(UTC)).days < TOKEN_DAYS:
        found.warnings.append(f"token: ends on {expires}")


def _history(found: Status, operation: Operation) -> None:
    today = datetime.now(UTC).date()
    if found.keep_until and today > date.fromisoformat(found.keep_until):
        found.warnings.append(f"the stand-by had to stay until {found.keep_until}; it may be gone any day")
    last = operation.journal.last()
    if last:
        found.last_operation = f"{last.get('act')} {last['operation']} at {last['at']}: {last.get('result')}"
    drill = last_drill(operation.place.evidence)
    if drill is None:
        found.warnings.append("no drill has been made here yet")
        return
    began = str(drill["started_at"])
    found.last_drill = f"{began}: {'passed' if drill.get('is_passed') else 'missed'}"
    if not drill.get("is_passed"):
        found.warnings.append(f"the last drill, {began}, missed its targets")
    elif (today - datetime.fromisoformat(began).date()).days > DRILL_DAYS:
        found.warnings.append(f"the last drill was on {began[:10]}, over {DRILL_DAYS} days ago")
