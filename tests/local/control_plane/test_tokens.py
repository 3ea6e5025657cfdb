"""Tokens made through the emulated control plane: what Pulumi's provider reads of them, and what they may do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudflare import AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError

from components.edge.failover import PERMISSION_GROUPS
from local.control_plane.settings import SeedZone
from tests.local.control_plane.under_test import (
    ACCOUNT,
    DOMAIN,
    HOST,
    OWNER,
    STANDBY,
    ZONE,
    ControlPlaneUnderTest,
    serving,
    settings,
)

OTHER_ZONE = "0" * 31 + "c"
IN_ACCOUNT = {"account_id": ACCOUNT}
RECORD: dict[str, Any] = {"name": HOST, "type": "CNAME", "content": STANDBY, "ttl": 1, "proxied": True}
LOOPBACK = {"request_ip": {"in": ["127.0.0.0/8"]}}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlaneUnderTest]:
    zones = (SeedZone(id=ZONE, name=DOMAIN), SeedZone(id=OTHER_ZONE, name="other.example"))
    with serving(settings(tmp_path / "plane", zones=zones)) as made:
        yield made


@pytest.fixture
def api(plane: ControlPlaneUnderTest) -> Any:
    return plane.client()


def policy(zone: str = ZONE, **changes: Any) -> dict[str, Any]:
    groups = [{"id": group} for group in PERMISSION_GROUPS.values()]
    resources = {f"com.cloudflare.api.account.zone.{zone}": "*"}
    return {"effect": "allow", "permission_groups": groups, "resources": resources, **changes}


def made(api: Any, **changes: Any) -> Any:
    fields = {"name": "shop-rollback", "policies": [policy()], "condition": LOOPBACK, **changes}
    return api.accounts.tokens.create(**IN_ACCOUNT, **fields)


def may(plane: ControlPlaneUnderTest, value: str, zone: str = ZONE) -> bool:
    try:
        return list(plane.client(value).dns.records.list(zone_id=zone)) == []
    except PermissionDeniedError:
        return False


def test_a_tokens_value_is_shown_once_and_works(plane: ControlPlaneUnderTest, api: Any) -> None:
    token = made(api)
    client = plane.client(token.value)
    assert client.accounts.tokens.verify(**IN_ACCOUNT).status == "active"
    assert client.dns.records.create(zone_id=ZONE, **RECORD).name == HOST
    assert client.workers.routes.create(zone_id=ZONE, pattern=f"{HOST}/*").script is None
    assert token.value not in api.accounts.tokens.get(token.id, **IN_ACCOUNT).to_json()
    assert token.value not in "".join(path.read_text() for path in plane.folder.iterdir())
    with pytest.raises(PermissionDeniedError):
        client.accounts.tokens.list(**IN_ACCOUNT)


def test_a_token_reaches_the_zones_of_its_policies_alone(plane: ControlPlaneUnderTest, api: Any) -> None:
    assert may(plane, made(api).value)
    assert not may(plane, made(api).value, OTHER_ZONE)
    every = made(api, policies=[policy("*"), policy(effect="deny")]).value
    assert may(plane, every, OTHER_ZONE)
    assert not may(plane, every)
    nested = policy(resources={f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}})
    assert may(plane, made(api, policies=[nested]).value)


def test_a_token_works_from_its_networks_alone(plane: ControlPlaneUnderTest, api: Any) -> None:
    assert not may(plane, made(api, condition={"request_ip": {"in": ["203.0.113.0/24"]}}).value)
    assert not may(plane, made(api, condition={"request_ip": {"not_in": ["127.0.0.1/32"]}}).value)
    assert may(plane, made(api, condition={}).value)


def test_a_token_ends_on_its_day(plane: ControlPlaneUnderTest, api: Any) -> None:
    token = made(api, expires_on=datetime.now(UTC) - timedelta(seconds=1))
    assert api.accounts.tokens.get(token.id, **IN_ACCOUNT).status == "expired"
    with pytest.raises(AuthenticationError):
        may(plane, token.value)


def test_a_change_keeps_the_value_and_a_removal_ends_it(plane: ControlPlaneUnderTest, api: Any) -> None:
    token = made(api)
    until = datetime(2099, 1, 1, tzinfo=UTC)
    changed = api.accounts.tokens.update(
        token.id, **IN_ACCOUNT, name="renamed", policies=[policy()], condition=LOOPBACK, expires_on=until
    )
    assert (changed.name, changed.status, changed.expires_on) == ("renamed", "active", until)
    assert may(plane, token.value)
    assert [listed.name for listed in api.accounts.tokens.list(**IN_ACCOUNT)] == ["renamed"]
    assert api.accounts.tokens.delete(token.id, **IN_ACCOUNT).id == token.id
    assert not may(plane, token.value)
    with pytest.raises(NotFoundError):
        api.accounts.tokens.get(token.id, **IN_ACCOUNT)


def test_policies_are_told_as_the_provider_compares_them(plane: ControlPlaneUnderTest, api: Any) -> None:
    """It keeps `resources` as the text of the answer, and compares it with what the program says."""
    url = f"{plane.base_url}/accounts/{ACCOUNT}/tokens/{made(api).id}"
    text = httpx.get(url, headers={"authorization": f"Bearer {OWNER}"}, trust_env=False).text
    assert f'"resources":{{"com.cloudflare.api.account.zone.{ZONE}":"*"}}' in text


@pytest.mark.parametrize(
    "changes",
    [
        {"policies": []},
        {"name": ""},
        {"policies": [policy(resources={})]},
        {"policies": [policy(effect="maybe")]},
        {"policies": [policy(permission_groups=[{"id": "0" * 32}])]},
        {"policies": [policy(permission_groups=[])]},
        {"condition": {"request_ip": {"in": ["nowhere"]}}},
        {"expires_on": "some day"},
    ],
)
def test_a_token_that_is_none_is_refused(changes: dict[str, Any], api: Any) -> None:
    with pytest.raises(BadRequestError):
        made(api, **changes)
    assert list(api.accounts.tokens.list(**IN_ACCOUNT)) == []


def test_the_rollbacks_permission_groups_are_known_by_name(api: Any) -> None:
    groups = {group.name: group.id for group in api.accounts.tokens.permission_groups.list(**IN_ACCOUNT)}
    assert {name: groups[name] for name in PERMISSION_GROUPS} == PERMISSION_GROUPS
    zone = "com.cloudflare.api.account.zone"
    assert "Account API Tokens Read" not in [
        group.name for group in api.accounts.tokens.permission_groups.list(**IN_ACCOUNT, scope=zone)
    ]
