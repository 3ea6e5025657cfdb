"""Answers in Cloudflare's envelope, and its errors.

ApiError's codes: 10000, 9109, 1000, 9106, 7003, 7000, 81044, 81053, 81058, 9005, 9021 and 10020 are from messages that
users quote; 10019 was probed by others; 9009 and the wording of all of them are guesses.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


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
    """Without an envelope."""
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
