"""What a rollback asks of Cloudflare's API, as plain data."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import httpx

from failover.cloudflare.transport import Transport
from failover.common.errors import ApiError, DeniedError
from failover.common.ids import Host, Ids, Route
from failover.common.lock import RECORD_CONTENT, RECORD_PREFIX

# Cloudflare's largest page is larger; a zone on the Free plan has 200 records, on Pro 3,500.
PAGE = 5000
# An id that nothing has, and how the API says that: before or after it has looked at the body.
NOBODY = "0" * 32
MISSING = (400, 404, 422)


class Scope(StrEnum):
    """What the rollback's token has to be able to change."""

    ROUTES = "routes"
    RECORDS = "records"


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

    def __str__(self) -> str:
        return f"{self.content} ({'proxied' if self.proxied else f'DNS-only, TTL {self.ttl} s'})"


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
    """Each method is one call, tried again by the transport; raises ApiError and its kinds.

    By the SDK's plain requests, not by its resources: those take half a second to import, which is clients' time.
    """

    def __init__(self, ids: Ids, transport: Transport) -> None:
        self.account = ids.account
        self.transport = transport
        self._routes = f"/zones/{ids.zone_id}/workers/routes"
        self._records = f"/zones/{ids.zone_id}/dns_records"

    def routes(self, deadline: float, *, reserve: int = 0) -> list[RouteNow]:
        def send(timeout: httpx.Timeout) -> list[RouteNow]:
            return [_route(one) for one in self.transport.get(self._routes, {}, timeout)]

        return self.transport.call("read the routes", deadline, send, reserve=reserve)

    def records(self, deadline: float, name: str | None = None, *, reserve: int = 0) -> list[RecordNow]:
        """Those of one name and below it, where its lock is; or all of the zone."""
        query = {"per_page": str(PAGE), **({"name.endswith": name} if name else {})}

        def send(timeout: httpx.Timeout) -> list[RecordNow]:
            return [_record(one) for one in self.transport.get(self._records, query, timeout)]

        return self.transport.call("read the records", deadline, send, reserve=reserve)

    def set_script(self, route: Route, script: str | None, deadline: float, *, reserve: int = 0) -> RouteNow:
        body = {"pattern": route.pattern, "script": script}

        def send(timeout: httpx.Timeout) -> RouteNow:
            return _route(self.transport.put(f"{self._routes}/{route.id}", body, timeout))

        what = f"blank the route {route.pattern}" if script is None else f"give the route {route.pattern} its script"
        return self.transport.call(what, deadline, send, reserve=reserve)

    def edit_records(self, edits: list[RecordEdit], deadline: float, *, reserve: int = 0) -> list[RecordNow]:
        """The records as the API says that they are now: several in one batch."""

        def send(timeout: httpx.Timeout) -> list[RecordNow]:
            if len(edits) == 1:
                path = f"{self._records}/{edits[0].record.id}"
                return [_record(self.transport.patch(path, edits[0].body(), timeout))]
            batch = {"patches": [{"id": edit.record.id, **edit.body()} for edit in edits]}
            answer = self.transport.post(f"{self._records}/batch", batch, timeout)
            return [_record(one) for one in answer.get("patches") or []]

        return self.transport.call("change the records", deadline, send, reserve=reserve)

    def lock(
        self, names: list[str], comment: str, instead_of: list[str], deadline: float, *, reserve: int
    ) -> list[str]:
        """Makes a lock for each name, all or none; returns their ids. Raises TakenError where one is there."""
        fields = {"type": "TXT", "content": RECORD_CONTENT, "ttl": 60, "comment": comment}
        posts = [{"name": f"{RECORD_PREFIX}{name}", **fields} for name in names]
        batch = {"deletes": [{"id": one} for one in instead_of], "posts": posts}

        def send(timeout: httpx.Timeout) -> list[str]:
            answer = self.transport.post(f"{self._records}/batch", batch, timeout)
            return [str(one["id"]) for one in answer.get("posts") or []]

        # A second try could meet the lock that the first has made.
        return self.transport.call("take the lock", deadline, send, reserve=reserve, tries=1)

    def unlock(self, record_ids: list[str], deadline: float) -> None:
        batch = {"deletes": [{"id": one} for one in record_ids]}

        def send(timeout: httpx.Timeout) -> None:
            self.transport.post(f"{self._records}/batch", batch, timeout)

        self.transport.call("give the lock back", deadline, send)

    def token_state(self, deadline: float) -> tuple[str, str | None]:
        """The token's status and the day it expires, by the account's endpoint: the token is the account's own."""

        def send(timeout: httpx.Timeout) -> tuple[str, str | None]:
            found = self.transport.get(f"/accounts/{self.account}/tokens/verify", {}, timeout)
            return str(found["status"]), found.get("expires_on")

        return self.transport.call("verify the token", deadline, send)

    def may_change(self, what: Scope, deadline: float) -> bool | None:
        """Whether the token may change them; None where that is not known.

        Asked with a change of one that does not exist, and with nothing in it: who may not is told so, who may is told
        that it is not there.
        """
        path, put = f"{self._routes if what is Scope.ROUTES else self._records}/{NOBODY}", what is Scope.ROUTES

        def send(timeout: httpx.Timeout) -> None:
            (self.transport.put if put else self.transport.patch)(path, {}, timeout)

        try:
            self.transport.call(f"ask whether the {what} may be changed", deadline, send, tries=1)
        except DeniedError:
            return False
        except ApiError:
            status = self.transport.calls[-1].status if self.transport.calls else None
            return True if status in MISSING else None
        return None

    def zones(self, name: str, deadline: float) -> list[tuple[str, str]]:
        """Id and account's id of the zones of that name."""

        def send(timeout: httpx.Timeout) -> list[tuple[str, str]]:
            found = self.transport.get("/zones", {"name": name}, timeout)
            return [(str(one["id"]), str(one["account"]["id"])) for one in found]

        return self.transport.call("look up the zone", deadline, send)


def _route(one: dict[str, Any]) -> RouteNow:
    return RouteNow(id=str(one["id"]), pattern=str(one["pattern"]), script=one.get("script") or None)


def _record(one: dict[str, Any]) -> RecordNow:
    content, priority = str(one.get("content") or ""), one.get("priority")
    return RecordNow(
        id=str(one["id"]),
        type=str(one["type"]),
        name=str(one["name"]),
        target=Target(content=content, proxied=bool(one.get("proxied")), ttl=int(one["ttl"])),
        comment=str(one.get("comment") or ""),
        priority=None if priority is None else int(priority),
    )


def declared(host: Host) -> RecordNow:
    """The record as the file of ids has it, where the API was not asked."""
    one = host.record
    target = Target(content=one.content, proxied=one.proxied, ttl=one.ttl)
    return RecordNow(id=one.id, type=one.type, name=one.name, target=target, comment="")
