"""Who calls, and whether the token may do that: known, active, in time, from its networks, with the scope."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus

from local.control_plane.calls import Call
from local.control_plane.envelope import ApiError, bad_request
from local.control_plane.settings import Token


def presented(call: Call, tokens: Iterable[Token]) -> Token | None:
    """The token that the call carries; None where it is not known."""
    value = call.headers.get("authorization", "")
    if not value:
        raise bad_request(9106, 'Missing "Authorization" header: Bearer TOKEN')
    kind, _, secret = value.partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise bad_request(6003, "Invalid request headers")
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return next((token for token in tokens if token.sha256 == digest), None)


def authorise(call: Call, tokens: Iterable[Token], scopes: tuple[str, ...], now: datetime) -> None:
    """Raises ApiError unless the call's token has one of the scopes."""
    token = presented(call, tokens)
    if token is None:
        raise ApiError(HTTPStatus.FORBIDDEN, 9109, "Invalid access token")
    if not token.is_from(call.client):
        raise ApiError(HTTPStatus.FORBIDDEN, 9109, f"Cannot use the access token from location: {call.client}")
    is_early = token.not_before is not None and now < token.not_before
    if token.status_at(now) != "active" or is_early:
        raise ApiError(HTTPStatus.UNAUTHORIZED, 10000, "Authentication error")
    if not any(token.may(scope) for scope in scopes):
        raise ApiError(HTTPStatus.FORBIDDEN, 10000, "Authentication error")
