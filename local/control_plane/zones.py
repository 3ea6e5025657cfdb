"""Zones and the account, which are given and not made here, and what a token says of itself."""

from http import HTTPStatus
from typing import Any

from local.control_plane.calls import Answer, ApiError, Work, no_object, ok, page, timestamp
from local.control_plane.settings import OWN_HOST, SeedZone, Settings
from local.control_plane.tokens import known, presented

MADE_ON = "2026-01-01T00:00:00.000000Z"


def listing(work: Work) -> Answer:
    wanted = work.call.query.get("name")
    zones = [zone for zone in work.settings.zones if wanted in (None, zone.name)]
    return page([_zone(zone, work.settings) for zone in zones], work.call.query)


def get(work: Work) -> Answer:
    zone = next((zone for zone in work.settings.zones if zone.id == work.names["zone"]), None)
    if zone is None:
        raise no_object(work.call.path)
    return ok(_zone(zone, work.settings))


def accounts(work: Work) -> Answer:
    return page([_account(work.settings)], work.call.query)


def account(work: Work) -> Answer:
    return ok(_account(work.settings))


def verify_token(work: Work) -> Answer:
    """Answers for an expired or disabled token, too; `success` says only that it is known."""
    token = presented(work.call, known(work.settings, work.data))
    if token is None:
        raise ApiError(HTTPStatus.UNAUTHORIZED, 1000, "Invalid API Token")
    result = {"id": token.id, "status": token.status_at(work.now)}
    for key, moment in (("not_before", token.not_before), ("expires_on", token.expires_on)):
        if moment:
            result[key] = timestamp(moment)
    return ok(result)


def _account(settings: Settings) -> dict[str, Any]:
    return {**settings.account.model_dump(), "type": "standard", "created_on": MADE_ON, "settings": {}}


def _zone(zone: SeedZone, settings: Settings) -> dict[str, Any]:
    owner = settings.account.model_dump()
    return {
        "id": zone.id,
        "name": zone.name,
        "account": owner,
        "owner": {**owner, "type": "organization"},
        "status": "active",
        "type": "full",
        "paused": False,
        "development_mode": 0,
        "name_servers": [f"{OWN_HOST}.{zone.name}"],
        "created_on": MADE_ON,
        "modified_on": MADE_ON,
        "activated_on": MADE_ON,
        "meta": {"step": 0, "phishing_detected": False, "page_rule_quota": 3, "custom_certificate_quota": 0},
        "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "name": "Free Website", "price": 0, "currency": "USD"},
    }
