"""The control plane itself: takes calls one after the other, stores what they change, and shows it at the edge."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from threading import RLock
from typing import Any

from local.common.state import State
from local.control_plane import publication
from local.control_plane.calls import Answer, ApiError, Call, Data, Work, empty, no_object, not_found
from local.control_plane.faults import Fault, FaultKind
from local.control_plane.routing import find
from local.control_plane.settings import Settings
from local.control_plane.tokens import authorise, known

RATE_LIMIT = 1200
RATE_WINDOW_SECONDS = 300


@dataclass
class Rate:
    """Counted in windows, for all callers together: one account's token, key and dashboard share the count."""

    limit: int = RATE_LIMIT
    _began: float = field(default=float("-inf"), init=False)
    _count: int = field(default=0, init=False)
    _blocked_until: float = field(default=float("-inf"), init=False)

    def take(self, now: float) -> int | None:
        """Counts a request; seconds until the next may be sent, when this one is one too many."""
        if now < self._blocked_until:
            return max(1, round(self._blocked_until - now))
        if now - self._began >= RATE_WINDOW_SECONDS:
            self._began, self._count = now, 0
        self._count += 1
        if self._count > self.limit:
            self._blocked_until = now + RATE_WINDOW_SECONDS
            return RATE_WINDOW_SECONDS
        return None

    def headers(self, now: float) -> dict[str, str]:
        left = max(0, self.limit - self._count)
        seconds = max(0, round(self._began + RATE_WINDOW_SECONDS - now))
        return {
            "ratelimit": f'"default";r={left};t={seconds}',
            "ratelimit-policy": f'"default";q={self.limit};w={RATE_WINDOW_SECONDS}',
        }


EDGE_FILE = "edge.json"
DATA_FILE = "data.json"


class ControlPlane:
    """What it has answered with success is on the disk by then."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.rate = Rate()
        self._clock = clock
        self._lock = RLock()
        self._state = State(settings.folder)
        self._data: Data = self._state.read_json(settings.folder / DATA_FILE) or empty()
        self._watchers: list[Callable[[], None]] = []
        with self._lock:
            self._show()

    def answer(self, call: Call, faults: Mapping[FaultKind, Fault] | None = None) -> Answer:
        """The answer to a call; the faults decide only what is seen of it outside."""
        with self._lock:
            seconds = self.rate.take(self._clock())
            headers = self.rate.headers(self._clock())
            if seconds is not None:
                limited = ApiError(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    971,
                    "Please wait and consider throttling your request speed",
                    {"retry-after": str(seconds), **headers},
                )
                return limited.answer
            try:
                given = self._answer(call, faults or {})
            except ApiError as error:
                given = error.answer
        return Answer(status=given.status, body=given.body, headers={**headers, **given.headers})

    def published(self) -> dict[str, Any]:
        """Records and routes as they are seen outside, by id."""
        with self._lock:
            published: dict[str, Any] = copy.deepcopy(self._data["published"])
            return published

    def on_publication(self, watcher: Callable[[], None]) -> None:
        """Have it called after each change of what is or will be seen outside; it must return at once."""
        self._watchers.append(watcher)

    def seconds_to_next(self) -> float | None:
        """Seconds until something that is withheld becomes visible."""
        with self._lock:
            moment = publication.next_moment(self._data)
        return None if moment is None else max(0.0, moment - self._clock())

    def show_due(self) -> None:
        """Shows the changes that are withheld no longer."""
        with self._lock:
            moment = publication.next_moment(self._data)
            if moment is not None and moment <= self._clock():
                self._show()

    def _answer(self, call: Call, faults: Mapping[FaultKind, Fault]) -> Answer:
        found = find(call.method, call.path)
        if found is None:
            raise not_found(7000, "No route for that URI")
        endpoint, names = found
        now = datetime.fromtimestamp(self._clock(), UTC)
        if endpoint.scopes:
            tokens = known(self.settings, self._data, names.get("zone"))
            authorise(call, tokens, endpoint.scopes, now)
        self._refuse_foreign(call, names)
        if call.method == "GET":
            return endpoint.handler(Work(call=call, names=names, data=self._data, settings=self.settings, now=now))
        draft = copy.deepcopy(self._data)
        given = endpoint.handler(Work(call=call, names=names, data=draft, settings=self.settings, now=now))
        publication.publish(self._data, draft, faults, self._clock(), self.settings.linger_seconds)
        self._store(draft)
        return given

    def _refuse_foreign(self, call: Call, names: Mapping[str, str]) -> None:
        zones = {zone.id for zone in self.settings.zones}
        if names.get("account", self.settings.account.id) != self.settings.account.id:
            raise no_object(call.path)
        if "zone" in names and names["zone"] not in zones:
            raise no_object(call.path)

    def _show(self) -> None:
        draft = copy.deepcopy(self._data)
        publication.refresh(draft, self._clock(), self.settings.linger_seconds)
        self._store(draft, is_first=not (self.settings.folder / EDGE_FILE).exists())

    def _store(self, draft: Data, *, is_first: bool = False) -> None:
        """Stores a draft: on the disk first, then at the edge, and then in memory."""
        if draft != self._data:
            self._state.write_json(self.settings.folder / DATA_FILE, draft)
        if is_first or draft["published"] != self._data["published"]:
            self._state.write_json(self.settings.folder / EDGE_FILE, draft["published"])
        concerns_watchers = any(draft[key] != self._data[key] for key in ("published", "withheld"))
        self._data = draft
        if concerns_watchers:
            for watcher in self._watchers:
                watcher()
