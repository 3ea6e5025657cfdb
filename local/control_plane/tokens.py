"""API tokens: those made through the API and what they may do in a zone; who calls, and whether the token allows it."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_network
from typing import Any

from pydantic import ValidationError

from local.control_plane.calls import Answer, ApiError, Call, Data, Work, bad_request, ok
from local.control_plane.settings import Settings, Token

IN_ACCOUNT, IN_ZONE = "com.cloudflare.api.account", "com.cloudflare.api.account.zone"


@dataclass(frozen=True)
class PermissionGroup:
    id: str
    """The same in every account."""
    name: str
    scopes: tuple[str, ...]
    """Kinds of resources that it applies to."""
    may: str
    """A permission, as in Token.scopes."""


# Ids: Cloudflare's Create tokens via API for the DNS and zone ones, and lists that users show for the rest.
PERMISSION_GROUPS = (
    PermissionGroup("4755a26eedb94da69e1066d98aa820be", "DNS Write", (IN_ZONE,), "dns:write"),
    PermissionGroup("82e64a83756745bbbb1c9c2701bf816b", "DNS Read", (IN_ZONE,), "dns:read"),
    PermissionGroup("c8fed203ed3043cba015a93ad1616f1f", "Zone Read", (IN_ZONE,), "zone:read"),
    PermissionGroup("28f4b596e7d643029c524985477ae49a", "Workers Routes Write", (IN_ZONE,), "routes:write"),
    PermissionGroup("5bc3f8b21c554832afc660159ab75fa4", "Account API Tokens Write", (IN_ACCOUNT,), "tokens:write"),
    PermissionGroup("eb56a6953c034b9d97dd838155666f06", "Account API Tokens Read", (IN_ACCOUNT,), "tokens:read"),
)
BY_ID = {group.id: group for group in PERMISSION_GROUPS}


def listing(work: Work) -> Answer:
    name, scope = work.call.query.get("name"), work.call.query.get("scope")
    found = [group for group in PERMISSION_GROUPS if name in (None, group.name) and scope in (None, *group.scopes)]
    return ok([_shown(group) for group in found])


def _shown(group: PermissionGroup) -> dict[str, Any]:
    return {key: value for key, value in asdict(group).items() if key != "may"}


Fields = dict[str, Any]


def known(settings: Settings, data: Data, zone: str | None = None) -> Iterator[Token]:
    """All tokens, those made through the API with what they may do in the zone, or in any where none is named."""
    yield from settings.tokens
    made = data["resources"].get(f"/accounts/{settings.account.id}/tokens", {})
    for row in made.values():
        yield _token(row, settings.account.id, zone)


def added(fields: Fields) -> Fields:
    value = secrets.token_urlsafe(30)
    return {"status": "active", "value": value, "sha256": hashlib.sha256(value.encode()).hexdigest()}


def taken(fields: Fields) -> Fields:
    """A token's fields as they are stored, its policies with ids. Raises ApiError."""
    policies = fields.get("policies")
    if not fields.get("name") or not isinstance(policies, list) or not policies:
        raise _invalid("it needs a name and at least one policy")
    kept = [_policy(policy) for policy in policies]
    try:
        token = _token({**fields, "policies": kept}, "", None)
        for network in (*token.networks, *token.other_networks):
            ip_network(network)
    except (ValidationError, ValueError) as error:
        raise _invalid("expires_on and not_before are moments, condition.request_ip has networks") from error
    return {**fields, "policies": kept}


def status(fields: Fields, now: datetime) -> Fields:
    return {"status": _token(fields, "", None).status_at(now)}


def _policy(given: Any) -> Fields:
    policy = given if isinstance(given, dict) else {}
    groups, resources = policy.get("permission_groups"), policy.get("resources")
    if policy.get("effect") not in ("allow", "deny") or not isinstance(resources, dict) or not resources:
        raise _invalid("a policy's effect is allow or deny, and its resources are an object of at least one")
    ids = [str(group.get("id")) for group in groups or [] if isinstance(group, dict)]
    unknown = [identity for identity in ids if identity not in BY_ID]
    if not ids or unknown:
        raise _invalid(f"permission groups {unknown}; known here: {', '.join(BY_ID)}")
    shown = [{"id": identity, "name": BY_ID[identity].name} for identity in ids]
    return {"id": policy.get("id") or uuid.uuid4().hex, **policy, "permission_groups": shown}


def _token(row: Fields, account: str, zone: str | None) -> Token:
    networks = (row.get("condition") or {}).get("request_ip") or {}
    allowed = _scopes(row["policies"], "allow", account, zone)
    return Token(
        id=row.get("id") or "0" * 32,
        name=row["name"],
        sha256=row.get("sha256") or "0" * 64,
        scopes=tuple(allowed - _scopes(row["policies"], "deny", account, zone)),
        status=row.get("status") or "active",
        not_before=row.get("not_before"),
        expires_on=row.get("expires_on"),
        networks=tuple(networks.get("in") or ()),
        other_networks=tuple(networks.get("not_in") or ()),
    )


def _scopes(policies: Iterable[Fields], effect: str, account: str, zone: str | None) -> set[str]:
    return {
        BY_ID[group["id"]].may
        for policy in policies
        if policy["effect"] == effect
        for group in policy["permission_groups"]
        if any(_covers(name, account, zone) for name in _names(policy["resources"]))
    }


def _names(resources: Fields) -> Iterator[str]:
    for name, within in resources.items():
        # A nested object narrows its account to what it names.
        yield from within if isinstance(within, dict) else (name,)


def _covers(name: str, account: str, zone: str | None) -> bool:
    if name.startswith(f"{IN_ZONE}."):
        return zone is None or name.removeprefix(f"{IN_ZONE}.") in (zone, "*")
    return zone is None and name.removeprefix(f"{IN_ACCOUNT}.") in (account, "*")


def _invalid(fault: str) -> ApiError:
    return bad_request(1001, f"Invalid token: {fault}.")


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
