"""What a rollback asks of Cloudflare's API, as plain data; and the lock between machines, which is records there.

That lock is a TXT record for each host, `_failover-lock.HOST`, always with the same content: Cloudflare refuses a
second record of the same name, type and content (error 81058), so of two who make it at once one is refused. That the
refusal is atomic is what the error promises and no document does. Its comment says who holds it, since when and how
long, by the API's clock. A token without the scope for DNS leaves no such record, and is not held up by one either:
then operators have only each other's word.
"""

import contextlib
import math
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from failover.cloudflare.transport import Method, Transport
from failover.common.errors import ApiError, DeniedError
from failover.common.ids import Ids, Route

# Cloudflare's largest page is larger; a zone on the Free plan has 200 records, on Pro 3,500.
PAGE = 5000
# An id that nothing has, and the API's answers to it: before or after it has read the body.
NOBODY = "0" * 32
MISSING = (400, 404, 422)
# Twice the usual budget: an operation that has not ended by then never will. Also for locks that name no duration.
LEAST_SECONDS = 600
# After its budget an operation may still give its lock back and make its last try.
AFTER_BUDGET_SECONDS = 60
RECORD_PREFIX = "_failover-lock."
RECORD_CONTENT = '"held while a failover runs"'
# Comments have 100 letters on the Free plan (Cloudflare, DNS record attributes).
LONGEST_COMMENT = 100
COMMENT = re.compile(
    r"operation (?P<operation>[0-9a-f]{8}) since (?P<at>[0-9T:-]+Z)( for (?P<seconds>\d{1,6}) s)? by (?P<who>.*)"
)
COMMENT_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Scope(StrEnum):
    """What the rollback's token must be allowed to change."""

    ROUTES = "routes"
    RECORDS = "records"


@dataclass(frozen=True, kw_only=True)
class RouteNow:
    id: str
    pattern: str
    script: str | None


@dataclass(frozen=True, kw_only=True)
class Target:
    """Target of a record: what a DNS switch changes, and nothing else of the record."""

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


@dataclass(frozen=True, kw_only=True)
class HeldLock:
    """A lock between machines, as its record says."""

    record_id: str
    name: str
    operation: str
    at: datetime | None
    who: str
    until: datetime | None = None
    """Moment by which its operation is over, however it ended."""

    def is_stale(self, now: datetime) -> bool:
        """Whether its time is over, or missing: no operation leaves it out."""
        return self.until is None or now > self.until

    def __str__(self) -> str:
        since = f" since {self.at:%H:%M:%S} UTC, until {self.until:%H:%M:%S} at most" if self.at and self.until else ""
        return f"operation {self.operation or 'unknown'} of {self.who or 'somebody'}{since}"


def held_lock(record_id: str, name: str, comment: str) -> HeldLock:
    found = COMMENT.fullmatch(comment)
    at = None
    if found:
        with contextlib.suppress(ValueError):
            at = datetime.strptime(found["at"], COMMENT_TIME).replace(tzinfo=UTC)
    return HeldLock(
        record_id=record_id,
        name=name,
        operation=found["operation"] if found else "",
        at=at,
        who=found["who"] if found else "",
        until=at + timedelta(seconds=int(found["seconds"] or LEAST_SECONDS)) if found and at else None,
    )


def held_seconds(budget_seconds: float) -> int:
    """How long the lock of an operation with this budget holds."""
    return max(LEAST_SECONDS, math.ceil(budget_seconds) + AFTER_BUDGET_SECONDS)


def lock_comment(operation: str, now: datetime, who: str, seconds: int = LEAST_SECONDS) -> str:
    """`seconds`: another machine takes the lock over after them."""
    text = f"operation {operation} since {now.astimezone(UTC).strftime(COMMENT_TIME)} for {seconds} s by "
    return text + re.sub(r"[^A-Za-z0-9@._-]", "", who)[: LONGEST_COMMENT - len(text)]


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
        return self.transport.call(
            "read the routes",
            "get",
            self._routes,
            deadline,
            lambda rows: [_route(one) for one in rows],
            reserve=reserve,
        )

    def records(self, deadline: float, name: str | None = None, *, reserve: int = 0) -> list[RecordNow]:
        """Records of one name and below it, where its lock is; or all of the zone."""
        return self.transport.call(
            "read the records",
            "get",
            self._records,
            deadline,
            lambda rows: [_record(one) for one in rows],
            query={"per_page": str(PAGE), **({"name.endswith": name} if name else {})},
            reserve=reserve,
        )

    def set_script(self, route: Route, script: str | None, deadline: float, *, reserve: int = 0) -> RouteNow:
        name = f"blank the route {route.pattern}" if script is None else f"give the route {route.pattern} its script"
        body = {"pattern": route.pattern, "script": script}
        path = f"{self._routes}/{route.id}"
        return self.transport.call(name, "put", path, deadline, _route, body=body, reserve=reserve)

    def edit_records(self, edits: list[RecordEdit], deadline: float, *, reserve: int = 0) -> list[RecordNow]:
        """The records as the API says that they are now: several in one batch."""
        name = "change the records"
        if len(edits) == 1:
            path, body = f"{self._records}/{edits[0].record.id}", edits[0].body()
            return self.transport.call(
                name, "patch", path, deadline, lambda row: [_record(row)], body=body, reserve=reserve
            )
        return self.transport.call(
            name,
            "post",
            f"{self._records}/batch",
            deadline,
            lambda answer: [_record(one) for one in answer.get("patches") or []],
            body={"patches": [{"id": edit.record.id, **edit.body()} for edit in edits]},
            reserve=reserve,
        )

    def lock(
        self, names: list[str], comment: str, instead_of: list[str], deadline: float, *, reserve: int
    ) -> list[str]:
        """Makes a lock for each name, all or none; returns their ids. Raises TakenError where one is there."""
        fields = {"type": "TXT", "content": RECORD_CONTENT, "ttl": 60, "comment": comment}
        posts = [{"name": f"{RECORD_PREFIX}{name}", **fields} for name in names]
        return self.transport.call(
            "take the lock",
            "post",
            f"{self._records}/batch",
            deadline,
            lambda answer: [str(one["id"]) for one in answer.get("posts") or []],
            body={"deletes": [{"id": one} for one in instead_of], "posts": posts},
            reserve=reserve,
            # A second try could meet the lock that the first has made.
            tries=1,
        )

    def unlock(self, record_ids: list[str], deadline: float) -> None:
        body = {"deletes": [{"id": one} for one in record_ids]}
        self.transport.call("give the lock back", "post", f"{self._records}/batch", deadline, _nothing, body=body)

    def token_state(self, deadline: float) -> tuple[str, str | None]:
        """The token's status and the day it expires, by the account's endpoint: the token is the account's own."""
        path = f"/accounts/{self.account}/tokens/verify"
        return self.transport.call(
            "verify the token", "get", path, deadline, lambda found: (str(found["status"]), found.get("expires_on"))
        )

    def may_change(self, what: Scope, deadline: float) -> bool | None:
        """Whether the token may change them; None where that is not known.

        Asked with an empty change of one that does not exist: without the scope the answer is that it is denied, with
        it that there is none.
        """
        of = self._routes if what is Scope.ROUTES else self._records
        method: Method = "put" if what is Scope.ROUTES else "patch"
        name = f"ask whether the {what} may be changed"
        try:
            self.transport.call(name, method, f"{of}/{NOBODY}", deadline, _nothing, body={}, tries=1)
        except DeniedError:
            return False
        except ApiError:
            status = self.transport.calls[-1].status if self.transport.calls else None
            return True if status in MISSING else None
        return None

    def zones(self, name: str, deadline: float) -> list[tuple[str, str]]:
        """Id and account's id of the zones of that name."""
        return self.transport.call(
            "look up the zone",
            "get",
            "/zones",
            deadline,
            lambda rows: [(str(one["id"]), str(one["account"]["id"])) for one in rows],
            query={"name": name},
        )


def _nothing(_: object) -> None:
    """Reads nothing from an answer that only says that it was done."""


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
