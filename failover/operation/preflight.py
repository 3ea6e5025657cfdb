"""The preflight before an act: what the API says, what clients see, and what speaks against acting."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from failover.cloudflare.api import RECORD_PREFIX, Api, HeldLock, RecordNow, RouteNow, Target, held_lock
from failover.cloudflare.transport import MOST_CALLS
from failover.common.clock import Budget
from failover.common.errors import ApiError, DeniedError
from failover.common.ids import REFRESH, Host, Ids
from failover.common.lock import Holder
from failover.common.terms import Act, Side, Via
from failover.operation.changes import (
    Before,
    Change,
    HostNow,
    RecordChange,
    RouteChange,
    changes_of,
    declared,
    estimated_seconds,
    is_led_past,
)
from failover.operation.journal import Unfinished
from failover.probe.clients import Seen
from failover.probe.watch import Sighting, View

# Routes, records; then taking the lock, giving it back.
CALLS_OF_PREFLIGHT = 2
CALLS_AROUND = CALLS_OF_PREFLIGHT + 2
# Kept when a read is tried again: taking the lock, giving it back, and two tries of each plan.
CALLS_TO_COME = 6


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

    @property
    def may_change_what_is_there(self) -> bool:
        """Whether it counts even without a change to make: another operation runs, or not every host was seen."""
        return self in (Reason.LOCK, Reason.IDS, Reason.TOKEN)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    reason: Reason
    text: str
    can_be_forced: bool

    def __str__(self) -> str:
        hint = "; --force REASON overrides this" if self.can_be_forced else ""
        return f"refused ({self.reason}): {self.text}{hint}"


@dataclass(kw_only=True)
class Preflight:
    """`hosts` is what the API says; where it did not answer, what the file of ids says."""

    hosts: list[HostNow] = field(default_factory=list)
    is_read: bool = False
    sightings: list[Sighting] = field(default_factory=list)
    standby: dict[str, Seen] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    locks: list[HeldLock] = field(default_factory=list)
    """Records that lock these hosts, whoever made them."""

    def refuse(self, reason: Reason, text: str, *, can_be_forced: bool = True) -> None:
        """`can_be_forced` tells those of a reason apart that --force overrides in general."""
        self.refusals.append(Refusal(reason=reason, text=text, can_be_forced=can_be_forced and reason.can_be_forced))

    def build(self, side: Side, hostname: str) -> str | None:
        """What the side says of itself; None when it does not answer or does not say."""
        if side is Side.VERCEL:
            return self.standby[hostname].build if hostname in self.standby else None
        seen = [one.seen for one in self.sightings if one.hostname == hostname and one.side is side and one.seen]
        return next((one.build for one in seen if one.build), None)

    def changes(self, act: Act, via: Via, before: Before) -> list[Change]:
        return [one for now in self.hosts for one in changes_of(act, now, via, before)]

    def clients_see(self, side: Side) -> bool:
        """Whether most resolvers' clients see this side, for every host."""
        names = {now.host.hostname for now in self.hosts}
        for name in names:
            own = [one for one in self.sightings if one.hostname == name and not one.found.fault]
            if 2 * sum(one.side is side for one in own) <= len(own):
                return False
        return bool(names)


def preflight(ids: Ids, api: Api, view: View, budget: Budget, *, act: Act) -> Preflight:
    """Asks the API and both sides at the same time, and ends by the preflight's share of the budget.

    Faults that an operator can mend are returned, not raised.
    """
    found = Preflight()
    with ThreadPoolExecutor(max_workers=len(ids.hosts) + 1) as pool:
        sightings = pool.submit(view.snapshot, ids.hosts, budget.preflight_until)
        standby = {host.hostname: pool.submit(view.standby, host, budget.preflight_until) for host in ids.hosts}
        _ask_api(found, ids, api, budget, act)
        found.sightings = sightings.result()
        found.standby = {name: one.result() for name, one in standby.items()}
    warning = api.transport.clock.warning()
    if warning:
        found.warnings.append(warning)
    return found


def _ask_api(found: Preflight, ids: Ids, api: Api, budget: Budget, act: Act) -> None:
    routes: list[RouteNow] = []
    records: list[RecordNow] = []
    name = ids.hosts[0].hostname if len(ids.hosts) == 1 else None
    try:
        if any(host.route for host in ids.hosts):
            routes = api.routes(budget.preflight_until, reserve=CALLS_TO_COME + 1)
        records = api.records(budget.preflight_until, name, reserve=CALLS_TO_COME)
        found.is_read = True
    except DeniedError as error:
        found.refuse(Reason.TOKEN, str(error))
    except ApiError as error:
        found.refuse(Reason.API, f"the state can't be read: {error}")
    if not found.is_read:
        found.hosts = [_expected(host, act) for host in ids.hosts]
        return
    names = {f"{RECORD_PREFIX}{host.hostname}" for host in ids.hosts}
    found.locks = [
        held_lock(one.id, one.name, one.comment) for one in records if one.type == "TXT" and one.name in names
    ]
    for host in ids.hosts:
        now = _now(found, host, routes, records)
        if now:
            found.hosts.append(now)


def _now(found: Preflight, host: Host, routes: list[RouteNow], records: list[RecordNow]) -> HostNow | None:
    record = next((one for one in records if one.id == host.record.id), None)
    route = next((one for one in routes if host.route and one.id == host.route.id), None)
    faults = []
    if record is None:
        others = ", ".join(one.id for one in records if one.name == host.hostname)
        faults.append(f"{host.hostname}: no record {host.record.id}" + (f"; there is {others}" if others else ""))
    else:
        faults += _record_faults(host, record)
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


def _record_faults(host: Host, record: RecordNow) -> list[str]:
    """Faults of the record, which has to be what the file says: plan B and a restore write what is there."""
    if (record.name, record.type) != (host.record.name, host.record.type):
        return [f"record {record.id}: is now {record.type} {record.name}"]
    target = record.target
    if is_led_past(host, target) or _is_same_name(target.content, host.record.content):
        return []
    return [f"record {record.name}: leads to {target.content} now, not to {host.record.content}"]


def _is_same_name(one: str, other: str) -> bool:
    return one.rstrip(".").lower() == other.rstrip(".").lower()


def _note_oddities(found: Preflight, host: Host, route: RouteNow | None, routes: list[RouteNow]) -> None:
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
    """The state to assume if nothing can be read: not switched, or for a restore switched, so that all is written."""
    route, one = host.route, host.record
    target = declared(host) if act is Act.ROLLBACK else Target(content=host.standby, proxied=False, ttl=0)
    record = RecordNow(id=one.id, type=one.type, name=one.name, target=target, comment="")
    script = route.script if route and act is Act.ROLLBACK else None
    return HostNow(
        host=host, record=record, route=RouteNow(id=route.id, pattern=route.pattern, script=script) if route else None
    )


def judge(
    found: Preflight,
    api: Api,
    act: Act,
    via: Via,
    changes: list[Change],
    own: Collection[str],
    now: datetime,
) -> None:
    """Adds what speaks against the act. `own`: operations of this machine, whose locks do not count."""
    if act is Act.ROLLBACK:
        _judge_standby(found)
    _judge_calls(found, api.transport.rate_left, act, via, changes)
    for other in found.locks:
        if other.operation in own:
            continue
        if other.is_stale(now):
            found.warnings.append(f"{other} left the lock {other.name} behind: it is stale, so it is taken over")
        else:
            found.refuse(Reason.LOCK, f"{other} holds the lock")


def _judge_calls(found: Preflight, rate: int | None, act: Act, via: Via, changes: list[Change]) -> None:
    needed = calls_needed(changes, act, via)
    if needed > MOST_CALLS:
        fewer = "fewer hosts with --host, or --via dns" if act is Act.ROLLBACK else f"{_a_time(changes)} with --host"
        found.refuse(Reason.CALLS, f"{needed} API calls are more than {MOST_CALLS}: {fewer}")
    to_come = needed - CALLS_OF_PREFLIGHT
    if rate is not None and changes and rate < to_come:
        found.refuse(
            Reason.RATE,
            f"the API allows {rate} more calls for now and {to_come} may still be needed; "
            "stop what else calls it for this account, and wait five minutes",
        )
    routes = sum(isinstance(one, RouteChange) for one in changes)
    if act is Act.ROLLBACK and CALLS_AROUND + 2 * (routes + 1) > MOST_CALLS:
        most = (MOST_CALLS - CALLS_AROUND) // 2
        found.warnings.append(
            f"going back takes more than one command: `restore --host …` takes {most} hosts a time, {most - 1} after "
            f"plan B; this rolls back {routes} by their routes"
        )


def _a_time(changes: list[Change]) -> str:
    """How many hosts fit one operation: each change may have to be backed out; all records are one call."""
    batches = int(any(isinstance(one, RecordChange) for one in changes))
    return f"{(MOST_CALLS - CALLS_AROUND) // 2 - batches} hosts a time"


def held_here(other: Holder) -> str:
    """The kernel's lock ends with its process: its holder is still running, and both would act."""
    return f"{other} is still running; wait until it ends, or end it (kill {other.process})"


def _judge_standby(found: Preflight) -> None:
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
    """Most calls, without retries: with the fall to plan B, or with backing out of a restore."""
    routes = sum(isinstance(one, RouteChange) for one in changes)
    batches = int(any(isinstance(one, RecordChange) for one in changes))
    fall = int(routes > 0) if act is Act.ROLLBACK else routes + batches
    return CALLS_AROUND + routes + batches + (fall if via is Via.ROUTE or act is Act.RESTORE else 0)


def plan_lines(
    act: Act, via: Via, found: Preflight, changes: list[Change], unfinished: Unfinished | None, measured: float | None
) -> list[str]:
    lines = []
    if unfinished:
        lines.append(f"{unfinished}: {unfinished.next_step}")
    lines += [f"{now.host.hostname}: {now.side} is the active side, by the API" for now in found.hosts if found.is_read]
    lines += [f"clients {sighting}" for sighting in found.sightings]
    lines += [f"change  {change}" for change in changes]
    if not changes:
        seen = "and clients see it" if found.clients_see(act.side) else "but clients do not see it: --execute verifies"
        lines.append(f"nothing to change: {act.side} is the active side, {seen}")
    else:
        lines.append(f"takes   {estimated_seconds(changes, measured)}")
        lines.append(f"calls   at most {calls_needed(changes, act, via)} of the API")
    lines += [str(refusal) for refusal in found.refusals]
    return lines
