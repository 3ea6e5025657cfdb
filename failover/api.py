"""What a rollback asks of Cloudflare's API, as plain data."""

from dataclasses import asdict, dataclass
from typing import Any

import httpx

from failover.errors import ApiError
from failover.ids import Host, Ids, Route
from failover.lock import RECORD_CONTENT, RECORD_PREFIX
from failover.transport import Transport

# Cloudflare's largest page is larger; a zone on the Free plan has 200 records, on Pro 3,500.
PAGE = 5000


@dataclass(frozen=True, kw_only=True)
class RouteNow:
    id: str
    pattern: str
    script: str | None


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a record leads: what a DNS switch changes, and nothing else of the record."""

    content: str
    proxied: bool
    ttl: int


@dataclass(frozen=True, kw_only=True)
class RecordNow:
    id: str
    type: str
    name: str
    target: Target
    comment: str
    priority: int | None = None


@dataclass(frozen=True, kw_only=True)
class RecordEdit:
    record: RecordNow
    target: Target

    def body(self) -> dict[str, Any]:
        """The API asks for name, type and TTL in every edit; the comment stays as it is."""
        return {"name": self.record.name, "type": self.record.type, **asdict(self.target)}


class Api:
    """Each method is one call, tried again by the transport; raises ApiError and its kinds."""

    def __init__(self, ids: Ids, transport: Transport) -> None:
        self.zone_id, self.account = ids.zone_id, ids.account
        self.transport = transport

    def routes(self, deadline: float, *, reserve: int = 0) -> list[RouteNow]:
        def send(timeout: httpx.Timeout) -> list[RouteNow]:
            page = self.transport.sdk.workers.routes.list(zone_id=self.zone_id, timeout=timeout)
            return [RouteNow(id=one.id, pattern=one.pattern, script=one.script or None) for one in page.result or []]

        return self.transport.call("read the routes", deadline, send, reserve=reserve)

    def records(self, deadline: float, name: str | None = None, *, reserve: int = 0) -> list[RecordNow]:
        """Those of one name and below it, where its lock is; or all of the zone."""

        def send(timeout: httpx.Timeout) -> list[RecordNow]:
            records: Any = self.transport.sdk.dns.records
            chosen = {"name": {"endswith": name}} if name else {}
            page = records.list(zone_id=self.zone_id, per_page=PAGE, timeout=timeout, **chosen)
            return [_record(one) for one in page.result or []]

        return self.transport.call("read the records", deadline, send, reserve=reserve)

    def set_script(self, route: Route, script: str | None, deadline: float, *, reserve: int = 0) -> RouteNow:
        def send(timeout: httpx.Timeout) -> RouteNow:
            one = self.transport.sdk.workers.routes.update(
                route.id,
                zone_id=self.zone_id,
                pattern=route.pattern,
                # The SDK's own argument can't be null, and null is what blanks a route.
                extra_body={"script": script},
                timeout=timeout,
            )
            return RouteNow(id=one.id, pattern=one.pattern, script=one.script or None)

        what = f"blank the route {route.pattern}" if script is None else f"give the route {route.pattern} its script"
        return self.transport.call(what, deadline, send, reserve=reserve)

    def edit_records(self, edits: list[RecordEdit], deadline: float, *, reserve: int = 0) -> list[RecordNow]:
        """The records as the API says that they are now: several in one batch."""

        def send(timeout: httpx.Timeout) -> list[RecordNow]:
            records: Any = self.transport.sdk.dns.records
            if len(edits) == 1:
                one = records.edit(edits[0].record.id, zone_id=self.zone_id, timeout=timeout, **edits[0].body())
                return [_record(one)] if one else []
            patches = [{"id": edit.record.id, **edit.body()} for edit in edits]
            batch = records.batch(zone_id=self.zone_id, patches=patches, timeout=timeout)
            return [_record(one) for one in (batch.patches or [])] if batch else []

        return self.transport.call("change the records", deadline, send, reserve=reserve)

    def lock(
        self, names: list[str], comment: str, instead_of: list[str], deadline: float, *, reserve: int
    ) -> list[str]:
        """Makes a lock for each name, all or none; returns their ids. Raises TakenError where one is there."""
        fields = {"type": "TXT", "content": RECORD_CONTENT, "ttl": 60, "comment": comment}
        posts = [{"name": f"{RECORD_PREFIX}{name}", **fields} for name in names]

        def send(timeout: httpx.Timeout) -> list[str]:
            records: Any = self.transport.sdk.dns.records
            deletes = [{"id": one} for one in instead_of]
            batch = records.batch(zone_id=self.zone_id, deletes=deletes, posts=posts, timeout=timeout)
            return [one.id for one in (batch.posts or [])]

        # A second try could meet the lock that the first has made.
        return self.transport.call("take the lock", deadline, send, reserve=reserve, tries=1)

    def unlock(self, record_ids: list[str], deadline: float) -> None:
        def send(timeout: httpx.Timeout) -> None:
            records: Any = self.transport.sdk.dns.records
            records.batch(zone_id=self.zone_id, deletes=[{"id": one} for one in record_ids], timeout=timeout)

        self.transport.call("give the lock back", deadline, send)

    def token_state(self, deadline: float) -> tuple[str, str | None]:
        """The token's status and the day it expires, by the account's endpoint: the token is the account's own."""

        def send(timeout: httpx.Timeout) -> tuple[str, str | None]:
            found = self.transport.sdk.accounts.tokens.verify(account_id=self.account, timeout=timeout)
            if found is None:
                raise ApiError("verify the token: an empty answer")
            return found.status, found.expires_on.isoformat() if found.expires_on else None

        return self.transport.call("verify the token", deadline, send)

    def zones(self, name: str, deadline: float) -> list[tuple[str, str, str, list[str]]]:
        """Id, name, account's id and name servers of the zones of that name."""

        def send(timeout: httpx.Timeout) -> list[tuple[str, str, str, list[str]]]:
            page = self.transport.sdk.zones.list(name=name, timeout=timeout)
            return [(one.id, one.name, one.account.id or "", list(one.name_servers or [])) for one in page.result or []]

        return self.transport.call("look up the zone", deadline, send)


def _record(one: Any) -> RecordNow:
    target = Target(content=one.content or "", proxied=bool(one.proxied), ttl=int(one.ttl))
    priority = getattr(one, "priority", None)
    return RecordNow(
        id=one.id,
        type=one.type,
        name=one.name,
        target=target,
        comment=one.comment or "",
        priority=None if priority is None else int(priority),
    )


def declared(host: Host) -> RecordNow:
    """The record as the file of ids has it, where the API was not asked."""
    one = host.record
    target = Target(content=one.content, proxied=one.proxied, ttl=one.ttl)
    return RecordNow(id=one.id, type=one.type, name=one.name, target=target, comment="")
