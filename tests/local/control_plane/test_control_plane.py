"""The emulated control plane, asked through the official SDK with its models checked strictly."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudflare import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)

from local.common.ports import Ports
from local.control_plane.control_plane import EDGE_FILE, RATE_LIMIT, RATE_WINDOW_SECONDS, Rate
from tests.local.control_plane.under_test import (
    ACCOUNT,
    DOMAIN,
    HOST,
    OWNER,
    ROLLBACK,
    STANDBY,
    ZONE,
    ControlPlaneUnderTest,
    serving,
    settings,
    start_process,
    token,
)

RECORD: dict[str, Any] = {"zone_id": ZONE, "name": HOST, "type": "CNAME", "content": STANDBY, "ttl": 1, "proxied": True}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlaneUnderTest]:
    with serving(settings(tmp_path / "plane")) as made:
        yield made


@pytest.fixture
def api(plane: ControlPlaneUnderTest) -> Any:
    return plane.client()


def edge(plane: ControlPlaneUnderTest) -> Any:
    return json.loads((plane.folder / EDGE_FILE).read_text())


def route(api: Any, pattern: str = f"{HOST}/*", script: str | None = "shop-web") -> Any:
    return api.workers.routes.create(zone_id=ZONE, pattern=pattern, **({"script": script} if script else {}))


def codes(error: pytest.ExceptionInfo[APIStatusError]) -> list[int]:
    body: Any = error.value.response.json()
    assert body["success"] is False
    assert body["result"] is None
    return [fault["code"] for fault in body["errors"]]


def test_zones_are_found_by_name(api: Any) -> None:
    assert [zone.id for zone in api.zones.list(name=DOMAIN)] == [ZONE]
    assert list(api.zones.list(name="other.example")) == []
    zone = api.zones.get(zone_id=ZONE)
    assert (zone.name, zone.status, zone.account.id) == (DOMAIN, "active", ACCOUNT)


def test_a_record_is_made_changed_and_removed(api: Any) -> None:
    made = api.dns.records.create(**RECORD, comment="stand-by")
    assert (made.name, made.content, made.proxied, made.ttl, made.proxiable) == (HOST, STANDBY, True, 1, True)
    edited = api.dns.records.edit(made.id, **{**RECORD, "proxied": False, "ttl": 60})
    assert (edited.proxied, edited.ttl, edited.comment) == (False, 60, "stand-by")
    assert edited.created_on == made.created_on <= edited.modified_on
    replaced = api.dns.records.update(made.id, **{**RECORD, "ttl": 120, "proxied": False})
    assert (replaced.ttl, replaced.comment) == (120, None)
    assert api.dns.records.get(made.id, zone_id=ZONE) == replaced
    deleted = api.dns.records.delete(made.id, zone_id=ZONE)
    assert deleted.id == made.id
    with pytest.raises(NotFoundError) as error:
        api.dns.records.get(made.id, zone_id=ZONE)
    assert codes(error) == [81044]


def test_records_are_listed_by_filters_and_pages(api: Any) -> None:
    for number in range(5):
        api.dns.records.create(zone_id=ZONE, type="A", name=f"host{number}", content=f"192.0.2.{number}", ttl=300)
    api.dns.records.create(**RECORD)
    assert [record.name for record in api.dns.records.list(zone_id=ZONE, name={"exact": HOST})] == [HOST]
    assert len(list(api.dns.records.list(zone_id=ZONE, type="A"))) == 5
    assert [record.name for record in api.dns.records.list(zone_id=ZONE, proxied=True)] == [HOST]
    found = api.dns.records.list(zone_id=ZONE, name={"startswith": "host3"}, content={"exact": STANDBY}, match="any")
    assert len(list(found)) == 2
    first = api.dns.records.list(zone_id=ZONE, per_page=4)
    assert len(first.result) == 4
    assert len(list(first)) == 6


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "A", "content": "192.0.2.300"}, 9005),
        ({"type": "A", "content": STANDBY}, 9005),
        ({"type": "AAAA", "content": "192.0.2.3"}, 9006),
        ({"content": "not a host"}, 9007),
        ({"proxied": False, "ttl": 59}, 9021),
        ({"proxied": False, "ttl": 86401}, 9021),
        ({"type": "TXT", "content": "text"}, 9004),
        ({"name": "-bad-"}, 9000),
        ({"type": "NONE"}, 9004),
    ],
)
def test_a_record_that_cloudflare_refuses_is_refused(changes: dict[str, Any], code: int, api: Any) -> None:
    with pytest.raises(BadRequestError) as error:
        api.dns.records.create(**{**RECORD, **changes})
    assert codes(error) == [code]
    assert list(api.dns.records.list(zone_id=ZONE)) == []


def test_a_record_beside_a_cname_is_refused(api: Any) -> None:
    api.dns.records.create(**RECORD)
    with pytest.raises(BadRequestError) as error:
        api.dns.records.create(zone_id=ZONE, type="A", name=HOST, content="192.0.2.1", ttl=1)
    assert codes(error) == [81053]
    with pytest.raises(BadRequestError) as error:
        api.dns.records.create(**RECORD)
    assert codes(error) == [81058]


def test_a_batch_deletes_edits_replaces_and_posts_in_this_order(api: Any) -> None:
    old = api.dns.records.create(**RECORD)
    kept = api.dns.records.create(zone_id=ZONE, type="A", name="kept", content="192.0.2.1", ttl=60)
    fields = {key: value for key, value in RECORD.items() if key != "zone_id"}
    done = api.dns.records.batch(
        zone_id=ZONE,
        posts=[{**fields, "proxied": False, "ttl": 60}],
        patches=[{"id": kept.id, "content": "192.0.2.2"}],
        deletes=[{"id": old.id}],
    )
    assert [record.id for record in done.deletes] == [old.id]
    assert (done.patches[0].content, done.patches[0].ttl) == ("192.0.2.2", 60)
    assert (done.posts[0].name, done.posts[0].proxied) == (HOST, False)
    assert done.puts is None


def test_a_batch_with_one_fault_changes_nothing(api: Any) -> None:
    made = api.dns.records.create(**RECORD)
    fault = {"name": "x", "type": "A", "content": "nothing", "ttl": 1}
    with pytest.raises(BadRequestError):
        api.dns.records.batch(zone_id=ZONE, deletes=[{"id": made.id}], posts=[fault])
    assert [record.id for record in api.dns.records.list(zone_id=ZONE)] == [made.id]


def test_a_route_is_blanked_in_place_and_given_its_script_back(api: Any) -> None:
    made = route(api)
    body = {"pattern": made.pattern, "script": None}
    blank = api.put(f"/zones/{ZONE}/workers/routes/{made.id}", cast_to=object, body=body)
    assert blank["result"] == {"id": made.id, "pattern": made.pattern, "script": None}
    found = api.workers.routes.get(made.id, zone_id=ZONE)
    assert found.script is None
    back = api.workers.routes.update(made.id, zone_id=ZONE, pattern=made.pattern, script="shop-web")
    assert back.script == "shop-web"
    assert [listed.id for listed in api.workers.routes.list(zone_id=ZONE)] == [made.id]
    api.workers.routes.delete(made.id, zone_id=ZONE)
    assert list(api.workers.routes.list(zone_id=ZONE)) == []


def test_a_route_without_a_script_is_made_by_leaving_it_out(api: Any) -> None:
    assert route(api, f"{HOST}/.well-known/acme-challenge/*", None).script is None


def test_a_route_that_cloudflare_refuses_is_refused(api: Any) -> None:
    route(api)
    with pytest.raises(ConflictError) as taken:
        route(api)
    assert codes(taken) == [10020]
    for pattern, script, code in (
        ("other.example/*", None, 10022),
        (f"{HOST}/b*c", None, 10022),
        (DOMAIN, "no", 10019),
    ):
        with pytest.raises(BadRequestError) as error:
            route(api, pattern, script)
        assert codes(error) == [code]


def test_a_token_says_whether_it_is_in_force(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    tokens = (
        token("fine", "dns:read", expires_on=now + timedelta(days=9)),
        token("expired", "dns:read", expires_on=now - timedelta(days=1)),
        token("disabled", "dns:read", status="disabled"),
    )
    with serving(settings(tmp_path / "plane", tokens=tokens)) as plane:
        for value in ("fine", "expired", "disabled"):
            verified = plane.client(value).user.tokens.verify()
            assert verified.status == value.replace("fine", "active")
            assert plane.client(value).accounts.tokens.verify(account_id=ACCOUNT) is not None
        for value in ("expired", "disabled"):
            with pytest.raises(AuthenticationError) as error:
                list(plane.client(value).dns.records.list(zone_id=ZONE))
            assert codes(error) == [10000]
        with pytest.raises(AuthenticationError) as error:
            plane.client("unknown").user.tokens.verify()
        assert codes(error) == [1000]


def test_a_token_may_do_what_its_scopes_say(plane: ControlPlaneUnderTest, api: Any) -> None:
    made = route(api)
    rollback = plane.client(ROLLBACK)
    assert rollback.workers.routes.update(made.id, zone_id=ZONE, pattern=made.pattern, script="shop-api")
    assert rollback.dns.records.create(**RECORD)
    assert rollback.zones.get(zone_id=ZONE)
    with pytest.raises(PermissionDeniedError) as error:
        rollback.hyperdrive.configs.list(account_id=ACCOUNT)
    assert codes(error) == [10000]
    with pytest.raises(PermissionDeniedError) as error:
        list(plane.client("unknown").dns.records.list(zone_id=ZONE))
    assert codes(error) == [9109]


def test_a_reading_or_foreign_token_changes_nothing(tmp_path: Path) -> None:
    tokens = (token("reads", "dns:read"), token("elsewhere", "*", networks=("203.0.113.0/24",)))
    with serving(settings(tmp_path / "plane", tokens=tokens)) as plane:
        assert list(plane.client("reads").dns.records.list(zone_id=ZONE)) == []
        for value, code in (("reads", 10000), ("elsewhere", 9109)):
            with pytest.raises(PermissionDeniedError) as error:
                plane.client(value).dns.records.create(**RECORD)
            assert codes(error) == [code]


def test_what_is_not_there_is_told_as_cloudflare_does(api: Any) -> None:
    for path, code in ((f"/zones/{'f' * 32}", 7003), (f"/accounts/{'f' * 32}/r2/buckets", 7003), ("/nothing", 7000)):
        with pytest.raises(NotFoundError) as error:
            api.get(path, cast_to=object)
        assert codes(error) == [code]


def test_the_rate_limit_is_told_and_kept(plane: ControlPlaneUnderTest) -> None:
    answer = plane.client().zones.with_raw_response.get(zone_id=ZONE)
    assert answer.headers["ratelimit"].startswith('"default";r=1199;t=')
    assert answer.headers["ratelimit-policy"] == '"default";q=1200;w=300'
    rate = Rate()
    assert [rate.take(0.0) for _ in range(RATE_LIMIT)] == [None] * RATE_LIMIT
    assert rate.take(1.0) == RATE_WINDOW_SECONDS
    assert rate.take(RATE_WINDOW_SECONDS) == 1
    assert rate.take(1.0 + RATE_WINDOW_SECONDS) is None


def test_over_the_limit_every_call_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.control_plane.control_plane.Rate", lambda: Rate(limit=1))
    with serving(settings(tmp_path / "plane")) as plane:
        assert plane.client().zones.get(zone_id=ZONE)
        for _ in range(2):
            with pytest.raises(RateLimitError) as error:
                plane.client().zones.get(zone_id=ZONE)
            assert 299 <= int(error.value.response.headers["retry-after"]) <= RATE_WINDOW_SECONDS
            assert codes(error) == [971]


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, free_ports: Ports) -> None:
    made = settings(tmp_path / "plane", port=free_ports.web)
    process, plane = start_process(made)
    names = []
    try:
        for number in range(10):
            names.append(plane.client().dns.records.create(**{**RECORD, "name": f"h{number}.{DOMAIN}"}).name)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            plane.close()
            process, plane = start_process(made)
            assert sorted(record.name for record in plane.client().dns.records.list(zone_id=ZONE)) == names
            assert sorted(row["name"] for row in edge(plane)["records"].values()) == names
    finally:
        plane.close()
        process.kill()
        process.wait()


def test_a_token_is_neither_kept_nor_logged(plane: ControlPlaneUnderTest, capfd: pytest.CaptureFixture[str]) -> None:
    plane.client().dns.records.create(**RECORD)
    told = "".join(path.read_text() for path in plane.folder.iterdir()) + "".join(capfd.readouterr())
    assert HOST in told
    assert OWNER not in told
    assert all(path.stat().st_mode & 0o077 == 0 for path in plane.folder.iterdir())
