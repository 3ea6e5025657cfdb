"""Tokens made through the API: what is kept of them, and what they may do in a zone."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from pydantic import ValidationError

from local.control_plane.calls import Data
from local.control_plane.envelope import ApiError, bad_request
from local.control_plane.permission_groups import BY_ID, IN_ACCOUNT, IN_ZONE
from local.control_plane.settings import Settings, Token

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
    """As it is kept, its policies with ids. Raises ApiError."""
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
