"""The look before an act: what the API says, what clients see, and what speaks against acting."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from failover.api import Api, RecordNow, RouteNow, Target, declared
from failover.changes import Act, Change, HostNow, RecordChange, RouteChange, Via, changes_of
from failover.clients import Seen
from failover.clock import Budget
from failover.errors import ApiError, DeniedError
from failover.ids import REFRESH, Host, Ids
from failover.lock import RECORD_PREFIX, Held, held
from failover.sides import Side
from failover.transport import MOST_CALLS
from failover.watch import Sighting, View

# Routes, records, taking the lock, giving it back.
CALLS_AROUND = 4


class Reason(StrEnum):
    """Why an act is refused."""

    IDS = "ids stale"
    TOKEN = "token"
    RATE = "rate limit"
    CALLS = "calls"
    API = "api"
    STANDBY = "stand-by"
    PARITY = "parity"
    LOCK = "lock"

    @property
    def can_be_forced(self) -> bool:
        return self in (Reason.API, Reason.STANDBY, Reason.PARITY, Reason.LOCK)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    reason: Reason
    text: str

    def __str__(self) -> str:
        hint = "; --force REASON overrides this" if self.reason.can_be_forced else ""
        return f"refused ({self.reason}): {self.text}{hint}"


@dataclass(kw_only=True)
class Look:
    """`hosts` is what the API says; where it did not answer, what the file of ids lets expect."""

    hosts: list[HostNow] = field(default_factory=list)
    is_read: bool = False
    sightings: list[Sighting] = field(default_factory=list)
    standby: dict[str, Seen] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    locks: list[Held] = field(default_factory=list)
    """Records that lock these hosts, whoever made them."""

    def refuse(self, reason: Reason, text: str) -> None:
        self.refusals.append(Refusal(reason=reason, text=text))

    def build(self, side: Side, hostname: str) -> str | None:
        """What the side says of itself; None when it does not answer or does not say."""
        if side is Side.VERCEL:
            return self.standby[hostname].build if hostname in self.standby else None
        seen = [one.seen for one in self.sightings if one.hostname == hostname and one.side is side and one.seen]
        return next((one.build for one in seen if one.build), None)

    def changes(self, act: Act, via: Via, scripts: dict[str, str]) -> list[Change]:
        found = []
        for now in self.hosts:
            script = scripts.get(now.host.route.id) if now.host.route else None
            found += changes_of(act, now, via, script)
        return found

    def clients_see(self, side: Side) -> bool:
        """Most resolvers' clients, of every host."""
        names = {now.host.hostname for now in self.hosts}
        for name in names:
            own = [one for one in self.sightings if one.hostname == name and not one.found.fault]
            if 2 * sum(one.side is side for one in own) <= len(own):
                return False
        return bool(names)


def look(ids: Ids, api: Api, view: View, budget: Budget, *, act: Act) -> Look:
    """Asks the API and both sides at the same time; never raises what an operator can mend, but notes it."""
    found = Look()
    with ThreadPoolExecutor(max_workers=len(ids.hosts) + 1) as pool:
        sightings = pool.submit(view.look, ids.hosts)
        standby = {host.hostname: pool.submit(view.standby, host) for host in ids.hosts}
        _ask_api(found, ids, api, budget, act)
        found.sightings = sightings.result()
        found.standby = {name: one.result() for name, one in standby.items()}
    warning = api.transport.clock.warning()
    if warning:
        found.warnings.append(warning)
    return found


def _ask_api(found: Look, ids: Ids, api: Api, budget: Budget, act: Act) -> None:
    routes: list[RouteNow] = []
    records: list[RecordNow] = []
    name = ids.hosts[0].hostname if len(ids.hosts) == 1 else None
    try:
        if any(host.route for host in ids.hosts):
            routes = api.routes(budget.look_until, reserve=CALLS_AROUND)
        records = api.records(budget.look_until, name, reserve=CALLS_AROUND)
        found.is_read = True
    except DeniedError as error:
        found.refuse(Reason.TOKEN, str(error))
    except ApiError as error:
        found.refuse(Reason.API, f"the state can't be read: {error}")
    if not found.is_read:
        found.hosts = [_expected(host, act) for host in ids.hosts]
        return
    names = {f"{RECORD_PREFIX}{host.hostname}" for host in ids.hosts}
    found.locks = [held(one.id, one.name, one.comment) for one in records if one.type == "TXT" and one.name in names]
    for host in ids.hosts:
        now = _now(found, host, routes, records)
        if now:
            found.hosts.append(now)


def _now(found: Look, host: Host, routes: list[RouteNow], records: list[RecordNow]) -> HostNow | None:
    record = next((one for one in records if one.id == host.record.id), None)
    route = next((one for one in routes if host.route and one.id == host.route.id), None)
    faults = []
    if record is None:
        others = ", ".join(one.id for one in records if one.name == host.hostname)
        faults.append(f"{host.hostname}: no record {host.record.id}" + (f"; there is {others}" if others else ""))
    elif (record.name, record.type) != (host.record.name, host.record.type):
        faults.append(f"record {record.id}: is now {record.type} {record.name}")
    if host.route and route is None:
        others = ", ".join(one.id for one in routes if one.pattern == host.route.pattern)
        faults.append(f"{host.route.pattern}: no route {host.route.id}" + (f"; there is {others}" if others else ""))
    elif host.route and route and route.pattern != host.route.pattern:
        faults.append(f"route {route.id}: is now for {route.pattern}, not for {host.route.pattern}")
    for fault in faults:
        found.refuse(Reason.IDS, f"{fault}; {REFRESH}")
    if faults or record is None:
        return None
    _note_oddities(found, host, route, routes)
    return HostNow(host=host, record=record, route=route)


def _note_oddities(found: Look, host: Host, route: RouteNow | None, routes: list[RouteNow]) -> None:
    if host.route and route and route.script not in (None, host.route.script):
        found.warnings.append(
            f"{route.pattern}: has the script {route.script}, the file of ids says {host.route.script}; {REFRESH}"
        )
    for challenge in host.challenge_routes:
        one = next((one for one in routes if one.pattern == challenge.pattern), None)
        if one is None or one.script:
            fault = "is missing" if one is None else f"has the script {one.script}"
            found.warnings.append(f"{challenge.pattern}: {fault}, so the stand-by can't renew its certificate")


def _expected(host: Host, act: Act) -> HostNow:
    """As if nothing had been switched, or for a restore everything: then all is written, whatever is there."""
    record, route = declared(host), host.route
    if act is Act.RESTORE:
        record = RecordNow(
            id=record.id,
            type=record.type,
            name=record.name,
            target=Target(content=host.standby, proxied=False, ttl=0),
            comment="",
        )
    script = route.script if route and act is Act.ROLLBACK else None
    return HostNow(
        host=host, record=record, route=RouteNow(id=route.id, pattern=route.pattern, script=script) if route else None
    )


def judge(
    found: Look, api: Api, act: Act, via: Via, changes: list[Change], own: Callable[[Held], bool], now: datetime
) -> None:
    """Adds what speaks against the act. `own` tells a lock that this machine's unfinished operation left."""
    if act is Act.ROLLBACK:
        _judge_standby(found)
    needed = calls_needed(changes, act, via)
    if needed > MOST_CALLS:
        found.refuse(
            Reason.CALLS, f"{needed} API calls are more than {MOST_CALLS}: fewer hosts with --host, or --via dns"
        )
    rate = api.transport.rate_left
    if rate is not None and changes and rate < needed:
        found.refuse(Reason.RATE, f"the API allows {rate} more calls and {needed} may be needed; wait five minutes")
    for other in found.locks:
        if own(other):
            continue
        if other.is_stale(now):
            found.warnings.append(f"{other} left {other.name} behind; over ten minutes old, so it is taken over")
        else:
            found.refuse(Reason.LOCK, f"{other} is at it")


def _judge_standby(found: Look) -> None:
    rolled_back = {now.host.hostname for now in found.hosts if now.side is Side.VERCEL}
    for name, seen in found.standby.items():
        if not seen.is_good or seen.side is not Side.VERCEL or (seen.status or 0) >= 400:
            found.refuse(Reason.STANDBY, f"{name}: the stand-by does not answer as it should: {seen}")
            continue
        theirs, ours = seen.build, found.build(Side.WORKER, name)
        if theirs and ours and theirs != ours:
            found.refuse(Reason.PARITY, f"{name}: the stand-by has build {theirs}, the Worker {ours}")
        elif not theirs or (not ours and name not in rolled_back):
            silent = "the stand-by" if not theirs else "the Worker"
            found.warnings.append(f"{name}: {silent} names no build, so parity is not known")


def calls_needed(changes: list[Change], act: Act, via: Via) -> int:
    """At most, without tries again: with the fall to plan B, or with backing out of a restore."""
    routes = sum(isinstance(one, RouteChange) for one in changes)
    batches = int(any(isinstance(one, RecordChange) for one in changes))
    fall = int(routes > 0) if act is Act.ROLLBACK else routes + batches
    return CALLS_AROUND + routes + batches + (fall if via is Via.ROUTE or act is Act.RESTORE else 0)
