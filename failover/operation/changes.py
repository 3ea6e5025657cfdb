"""What has to be changed: from what is there, and from what a rollback found before it changed it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from failover.cloudflare.api import RecordNow, RouteNow, Target
from failover.common.ids import Host, Ids, Route
from failover.common.terms import Act, Kind, Side, Via
from failover.operation.journal import OPERATION, Journal

# The least that a DNS-only record can have but on Enterprise: restoring then waits a minute for caches, not five.
DNS_ONLY_TTL = 60
# Clients and resolvers keep a proxied record's answer this long (Cloudflare, DNS TTL reference).
PROXIED_TTL_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class HostNow:
    """What the API says about a host."""

    host: Host
    record: RecordNow
    route: RouteNow | None

    @property
    def side(self) -> Side:
        """Who answers clients whose DNS is up to date."""
        is_blank = self.route is not None and self.route.script is None
        return Side.VERCEL if is_blank or is_led_past(self.host, self.record.target) else Side.WORKER


@dataclass(frozen=True, kw_only=True)
class Before:
    """What was there before the last rollback, where that is newer than the file of ids."""

    scripts: Mapping[str, str] = field(default_factory=dict)
    """Script of each route, by its id."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """Target of each record, by its id."""


@dataclass(frozen=True, kw_only=True)
class RouteChange:
    hostname: str
    route: Route
    before: str | None
    after: str | None

    @property
    def step(self) -> str:
        return f"route {self.route.pattern}"

    def __str__(self) -> str:
        return f"{self.step}: script {self.before or 'none'} → {self.after or 'none'}"

    def document(self) -> dict[str, Any]:
        return {"route": self.route.id, "pattern": self.route.pattern, "before": self.before, "after": self.after}


@dataclass(frozen=True, kw_only=True)
class RecordChange:
    hostname: str
    record: RecordNow
    after: Target

    @property
    def step(self) -> str:
        return f"record {self.record.name}"

    def __str__(self) -> str:
        return f"{self.step}: {self.record.target} → {self.after}"

    def document(self) -> dict[str, Any]:
        return {"record": self.record.id, "before": asdict(self.record.target), "after": asdict(self.after)}


Change = RouteChange | RecordChange


def is_led_past(host: Host, target: Target) -> bool:
    """Whether clients go straight to the stand-by, with whatever TTL."""
    return not target.proxied and target.content == host.standby


def led_past(host: Host) -> Target:
    """The record's target under plan B."""
    return Target(content=host.standby, proxied=False, ttl=DNS_ONLY_TTL)


def declared(host: Host) -> Target:
    return Target(content=host.record.content, proxied=host.record.proxied, ttl=host.record.ttl)


def to_roll_back(now: HostNow, via: Via) -> list[Change]:
    """Via route: nothing if the host is already rolled back, by either plan. Via DNS: always the record."""
    if via is Via.ROUTE and now.host.kind is Kind.WORKER:
        return _route_change(now, None) if now.side is Side.WORKER else []
    return _record_change(now, led_past(now.host))


def to_restore(now: HostNow, before: Before) -> list[Change]:
    """The route first: a record that leads back to an edge without a Worker would only lead to the stand-by."""
    route, record = now.host.route, now.record
    changes = _route_change(now, before.scripts.get(route.id) or route.script) if route else []
    # One that is proxied has been found to lead where the file says: what a rollback found earlier may be older.
    target = before.targets.get(record.id) if is_led_past(now.host, record.target) else None
    return [*changes, *_record_change(now, target or declared(now.host))]


def before_rollback(journal: Journal, ids: Ids) -> Before:
    """The state before it, from this machine's journal, and for what is newer from the file of ids."""
    declared, named = {host.record.id: host.record.content for host in ids.hosts}, dict[str, str]()
    found: dict[str, Target] = {}
    for line in journal.lines():
        if line["step"] == OPERATION and line["phase"] == "begin":
            named = line.get("records") or {}
        elif line["phase"] == "begin" and (record := line.get("record")):
            target = _target(line.get("before"))
            # Where the file says another thing now, its date tells whether it is newer, or somebody's old copy.
            is_newer = named.get(record) not in (None, declared.get(record)) and line["at"] < ids.resolved_at
            # A DNS-only one is what a rollback leaves, and not what it found.
            if target and target.proxied and not is_newer:
                found[record] = target
    return Before(scripts=journal.last_scripts(ids.scripts), targets=found)


def _target(value: Any) -> Target | None:
    """Target that a journal line holds; None where it is of another shape: the file of ids decides then."""
    match value:
        case {"content": str(content), "proxied": bool(proxied), "ttl": int(ttl)}:
            return Target(content=content, proxied=proxied, ttl=ttl)
        case _:
            return None


def changes_of(act: Act, now: HostNow, via: Via, before: Before) -> list[Change]:
    return to_roll_back(now, via) if act is Act.ROLLBACK else to_restore(now, before)


def _route_change(now: HostNow, after: str | None) -> list[Change]:
    if now.route is None or now.host.route is None or now.route.script == after:
        return []
    # Restoring leaves a script alone that somebody has put there since.
    if after is not None and now.route.script is not None:
        return []
    return [RouteChange(hostname=now.host.hostname, route=now.host.route, before=now.route.script, after=after)]


def _record_change(now: HostNow, after: Target) -> list[Change]:
    if now.record.target == after:
        return []
    return [RecordChange(hostname=now.host.hostname, record=now.record, after=after)]


def estimated_seconds(changes: list[Change], route_seconds: float | None) -> str:
    """Duration for people; `route_seconds` is what the last drill or operation on this stack took."""
    if not changes:
        return "0 s"
    if any(isinstance(one, RecordChange) for one in changes):
        return f"seconds for clients that query DNS again, up to {PROXIED_TTL_SECONDS} s for those with a cached answer"
    if route_seconds is None:
        return "seconds (routes are not cached; no drill has measured it on this stack yet)"
    return f"{route_seconds:.1f} s, as measured here the last time"
