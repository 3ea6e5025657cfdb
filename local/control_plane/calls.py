"""One request as the handlers see it, the answer in Cloudflare's envelope with its errors, and what is stored.

ApiError's codes: 10000, 9109, 1000, 9106, 7003, 7000, 81044, 81053, 81058, 9005, 9021 and 10020 are from messages that
users quote; 10019 was probed by others; 9009 and the wording of all of them are guesses.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from local.control_plane.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """What the API refuses; backs out everything that its request has changed."""

    def __init__(self, status: int, code: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}

    @property
    def answer(self) -> Answer:
        errors = [{"code": self.code, "message": self.message}]
        document = {"success": False, "errors": errors, "messages": [], "result": None}
        return Answer(status=self.status, body=_json(document), headers=self.headers)


def ok(result: Any, info: dict[str, Any] | None = None) -> Answer:
    document = {"success": True, "errors": [], "messages": [], "result": result}
    return Answer(body=_json(document | ({"result_info": info} if info else {})))


def plain(document: Any, status: int = HTTPStatus.OK) -> Answer:
    """An answer without the API's envelope."""
    return Answer(status=status, body=_json(document))


def page(rows: list[dict[str, Any]], query: dict[str, str], *, per_page: int = 20) -> Answer:
    """The page that was asked for."""
    number, size = _positive(query, "page", 1), _positive(query, "per_page", per_page)
    shown = rows[(number - 1) * size : number * size]
    pages = -(-len(rows) // size)
    info = {"page": number, "per_page": size, "count": len(shown), "total_count": len(rows), "total_pages": pages}
    return ok(shown, info)


def bad_request(code: int, message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, code, message)


def not_found(code: int, message: str) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, code, message)


def no_object(path: str) -> ApiError:
    return not_found(7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def _positive(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_request(9009, f"{name}: {text!r} is not a positive number")
    return int(text)


def _json(document: Any) -> bytes:
    # Without spaces, as Cloudflare does: its Terraform provider keeps some of it as text.
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


Data = dict[str, Any]
"""What is stored: `records` and `routes` by id; `resources` by collection's path and id; `documents` by path; the
`published` part of all that, and the ids of what is `withheld` from it until when (None: for ever)."""


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    path: str
    """Path below /client/v4."""
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
