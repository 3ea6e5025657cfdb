"""One request as the handlers see it, and what the control plane holds."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.control_plane.envelope import Answer, bad_request
from local.control_plane.settings import Settings

Data = dict[str, Any]
"""What is kept: `records`, `routes` by id; `resources` by collection's path and id; `documents` by path; what of it is
`published`, and the ids of what is `withheld` from that until when (None: for ever)."""


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    path: str
    """Below /client/v4."""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Names in small letters."""
    body: Any = None
    client: str = "127.0.0.1"

    @property
    def document(self) -> dict[str, Any]:
        if not isinstance(self.body, dict):
            raise bad_request(9207, "Content-type must be application/json, and the body an object.")
        return self.body


@dataclass(frozen=True, kw_only=True)
class Work:
    """A call, what its path names, and a draft of the data that it may change."""

    call: Call
    names: dict[str, str]
    data: Data
    settings: Settings
    now: datetime


Handler = Callable[[Work], Answer]


def empty() -> Data:
    published: Data = {"records": {}, "routes": {}, "lingering": {}}
    return {"records": {}, "routes": {}, "resources": {}, "documents": {}, "published": published, "withheld": {}}


def new_id() -> str:
    return uuid.uuid4().hex


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
