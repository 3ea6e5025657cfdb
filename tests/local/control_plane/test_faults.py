"""Faults put into the emulated control plane, as a client of it meets them."""

import json
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudflare import APIConnectionError, APITimeoutError, InternalServerError, RateLimitError

from local.control_plane.control_plane import EDGE_FILE
from tests.local.control_plane.under_test import (
    DOMAIN,
    HOST,
    STANDBY,
    ZONE,
    ControlPlaneUnderTest,
    serving,
    settings,
)

Eventually = Callable[..., None]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlaneUnderTest]:
    with serving(settings(tmp_path / "plane")) as made:
        yield made


@pytest.fixture
def route(plane: ControlPlaneUnderTest) -> Any:
    return plane.client().workers.routes.create(zone_id=ZONE, pattern=f"{HOST}/*", script="shop-web")


def blank(plane: ControlPlaneUnderTest, route: Any, **options: Any) -> Any:
    body = {"pattern": route.pattern, "script": None}
    path = f"/zones/{ZONE}/workers/routes/{route.id}"
    return plane.client(**options).put(path, cast_to=object, body=body)


def script(plane: ControlPlaneUnderTest, route: Any) -> str | None:
    """The script as the API tells it."""
    told: str | None = plane.client().workers.routes.get(route.id, zone_id=ZONE).script
    return told


def seen(plane: ControlPlaneUnderTest) -> Any:
    """The script as the edge has it."""
    return json.loads((plane.folder / EDGE_FILE).read_text())


def seen_script(plane: ControlPlaneUnderTest, route: Any) -> Any:
    return seen(plane)["routes"][route.id]["script"]


def test_too_many_requests_come_with_a_time_to_wait(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "status", "status": 429, "retry_after": 7, "match": {"method": "PUT"}, "times": 1})
    with pytest.raises(RateLimitError) as error:
        blank(plane, route)
    assert error.value.response.headers["retry-after"] == "7"
    assert script(plane, route) == "shop-web"
    blank(plane, route)
    assert script(plane, route) is None
    assert plane.faults() == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_changes_nothing(status: int, plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "status", "status": status})
    with pytest.raises(InternalServerError) as error:
        blank(plane, route)
    assert error.value.status_code == status
    plane.put_faults()
    assert script(plane, route) == "shop-web"


def test_a_fault_is_met_only_where_it_matches(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "status", "match": {"method": "PUT", "path": "/workers/routes/[0-9a-f]+$"}})
    assert script(plane, route) == "shop-web"
    with pytest.raises(InternalServerError):
        blank(plane, route)


def test_a_timeout_leaves_the_caller_without_an_answer(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "timeout", "seconds": 2, "times": 1})
    with pytest.raises(APITimeoutError):
        blank(plane, route, timeout=0.2)
    assert script(plane, route) == "shop-web"


@pytest.mark.parametrize("kind", ["reset", "timeout"])
def test_a_lost_answer_may_stand_for_a_change(kind: str, plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": kind, "applied": True, "times": 1, "seconds": 0.1})
    with pytest.raises(APIConnectionError):
        blank(plane, route)
    assert script(plane, route) is None


def test_a_reset_connection_is_one(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "reset", "times": 1})
    with pytest.raises(APIConnectionError) as error:
        blank(plane, route)
    assert "reset by peer" in repr(error.value.__cause__)
    assert script(plane, route) == "shop-web"


def test_the_sdk_tries_again_after_a_passing_fault(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "reset", "times": 1}, {"kind": "status", "status": 503, "times": 1})
    blank(plane, route, max_retries=2)
    assert script(plane, route) is None


def test_a_slow_answer_comes_late(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "slow", "seconds": 0.3})
    began = time.monotonic()
    blank(plane, route)
    assert time.monotonic() - began >= 0.3


def test_a_change_is_seen_before_it_is_answered(plane: ControlPlaneUnderTest, route: Any) -> None:
    assert seen_script(plane, route) == "shop-web"
    blank(plane, route)
    assert seen_script(plane, route) is None


def test_an_accepted_change_may_be_seen_later(plane: ControlPlaneUnderTest, route: Any, eventually: Eventually) -> None:
    # Long beside what a busy machine takes to ask.
    plane.put_faults({"kind": "invisible", "seconds": 2, "times": 1})
    began = time.monotonic()
    blank(plane, route)
    assert script(plane, route) is None
    assert seen_script(plane, route) == "shop-web"
    eventually(lambda: seen_script(plane, route) is None)
    assert time.monotonic() - began >= 2


def test_an_accepted_change_may_never_be_seen_until_it_is_made_again(plane: ControlPlaneUnderTest, route: Any) -> None:
    plane.put_faults({"kind": "invisible", "times": 1})
    blank(plane, route)
    with serving(settings(plane.folder)) as again:
        assert seen_script(again, route) == "shop-web"
    plane.client().dns.records.create(zone_id=ZONE, name="other", type="A", content="192.0.2.1", ttl=60)
    assert seen_script(plane, route) == "shop-web"
    plane.client().workers.routes.update(route.id, zone_id=ZONE, pattern=route.pattern, script="shop-api")
    assert seen_script(plane, route) == "shop-api"


def test_a_batch_may_be_seen_in_part(plane: ControlPlaneUnderTest) -> None:
    plane.put_faults({"kind": "partial_batch", "times": 1})
    posts = [{"name": f"h{number}", "type": "A", "content": "192.0.2.1", "ttl": 60} for number in range(3)]
    plane.client().dns.records.batch(zone_id=ZONE, posts=posts)
    assert len(list(plane.client().dns.records.list(zone_id=ZONE))) == 3
    assert [row["name"] for row in seen(plane)["records"].values()] == [f"h0.{DOMAIN}"]


def test_a_skewed_clock_is_in_the_date(plane: ControlPlaneUnderTest) -> None:
    plane.put_faults({"kind": "clock_skew", "seconds": -86400})
    told = parsedate_to_datetime(plane.client().zones.with_raw_response.get(zone_id=ZONE).headers["date"])
    assert 86300 < time.time() - told.timestamp() < 86500


def test_a_host_that_is_proxied_no_more_lingers(plane: ControlPlaneUnderTest) -> None:
    api = plane.client()
    fields = {"zone_id": ZONE, "name": HOST, "type": "CNAME", "content": STANDBY}
    made = api.dns.records.create(**fields, ttl=1, proxied=True)
    api.dns.records.edit(made.id, **fields, ttl=60, proxied=False)
    lingering = seen(plane)["lingering"][HOST]
    assert lingering["record"]["proxied"]
    assert 290 < lingering["until"] - time.time() <= 300
    api.dns.records.edit(made.id, **fields, ttl=1, proxied=True)
    assert seen(plane)["lingering"] == {}


def test_faults_are_shown_and_taken_away(plane: ControlPlaneUnderTest) -> None:
    plane.put_faults({"kind": "slow", "times": 3}, {"kind": "reset", "match": {"path": "nowhere"}})
    assert [(fault["kind"], fault["times"]) for fault in plane.faults()] == [("slow", 3), ("reset", None)]
    assert httpx.delete(f"{plane.origin}/_faults", trust_env=False).json() == []
    assert plane.faults() == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "unknown"}, "0.kind: Input should be"),
        ({"kind": "slow", "often": 1}, "0.often: Extra inputs are not permitted"),
        ({"kind": "slow", "match": {"path": "("}}, "0.match.path: Value error, is not a regular expression"),
        ({}, "0.kind: Field required"),
    ],
)
def test_a_fault_that_is_none_is_refused(fault: dict[str, Any], told: str, plane: ControlPlaneUnderTest) -> None:
    answer = httpx.put(f"{plane.origin}/_faults", json=[fault], trust_env=False)
    assert answer.status_code == 400
    assert told in answer.json()["faults"][0]
    assert plane.faults() == []
