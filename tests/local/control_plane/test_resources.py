"""What the emulated control plane only keeps for Pulumi's provider: made, read, listed, changed, removed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloudflare import ConflictError, NotFoundError

from tests.local.control_plane.under_test import ACCOUNT, ZONE, ControlPlaneUnderTest, serving, settings

IN_ACCOUNT, IN_ZONE = {"account_id": ACCOUNT}, {"zone_id": ZONE}
ORIGIN = {"host": "db.shop.example", "database": "shop", "user": "app", "scheme": "postgres", "port": 5432}
SECRET = "made" + "-up"
Collection = Callable[[Any], Any]


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlaneUnderTest]:
    with serving(settings(tmp_path_factory.mktemp("resources") / "plane")) as made:
        yield made


@pytest.fixture
def api(plane: ControlPlaneUnderTest) -> Any:
    return plane.client()


def test_a_bucket_has_its_place_and_its_rules(api: Any) -> None:
    inside = {"cf-r2-jurisdiction": "eu"}
    made = api.r2.buckets.create(**IN_ACCOUNT, name="media", location_hint="enam", extra_headers=inside)
    assert (made.name, made.jurisdiction, made.location) == ("media", "eu", "enam")
    assert [bucket.name for bucket in api.r2.buckets.list(**IN_ACCOUNT).buckets] == ["media"]
    assert api.r2.buckets.get("media", **IN_ACCOUNT).location == "enam"
    rules: Any = [{"allowed": {"methods": ["GET"], "origins": ["https://shop.example"]}}]
    api.r2.buckets.cors.update("media", **IN_ACCOUNT, rules=rules)
    assert api.r2.buckets.cors.get("media", **IN_ACCOUNT).rules[0].allowed.methods == ["GET"]
    api.r2.buckets.delete("media", **IN_ACCOUNT)
    with pytest.raises(NotFoundError):
        api.r2.buckets.cors.get("media", **IN_ACCOUNT)


def test_a_database_connection_never_shows_its_password(plane: ControlPlaneUnderTest, api: Any) -> None:
    origin = {**ORIGIN, "password": SECRET}
    made = api.hyperdrive.configs.create(**IN_ACCOUNT, name="regulated", origin=origin, caching={"disabled": True})
    edited = api.hyperdrive.configs.edit(made.id, **IN_ACCOUNT, origin_connection_limit=20)
    assert (edited.origin.host, edited.origin_connection_limit) == ("db.shop.example", 20)
    for answer in (made, edited, api.hyperdrive.configs.get(made.id, **IN_ACCOUNT)):
        assert SECRET not in answer.to_json()


def test_a_worker_has_versions_and_a_deployment(api: Any) -> None:
    worker = api.workers.beta.workers.create(**IN_ACCOUNT, name="shop-new", subdomain={"enabled": False})
    versions = api.workers.beta.workers.versions
    modules = [{"name": "index.js", "content_type": "application/javascript+module", "content_base64": ""}]
    made = [versions.create(worker.id, **IN_ACCOUNT, main_module="index.js", modules=modules) for _ in range(2)]
    assert [version.number for version in made] == [1, 2]
    assert versions.get(made[0].id, **IN_ACCOUNT, worker_id=worker.id).id == made[0].id
    assert api.workers.beta.workers.get("shop-new", **IN_ACCOUNT).id == worker.id
    deployment = api.workers.scripts.deployments.create(
        "shop-new", **IN_ACCOUNT, strategy="percentage", versions=[{"percentage": 100, "version_id": made[1].id}]
    )
    assert api.workers.scripts.deployments.get(deployment.id, **IN_ACCOUNT, script_name="shop-new") == deployment
    route = api.workers.routes.create(**IN_ZONE, pattern="new.shop.example/*", script="shop-new")
    assert route.script == "shop-new"


def test_a_version_may_have_files(api: Any) -> None:
    worker = api.workers.beta.workers.create(**IN_ACCOUNT, name="shop-files")
    upload = api.workers.scripts.assets.upload
    manifest: Any = {"/index.html": {"hash": "0" * 32, "size": 9}}
    session = upload.create("shop-files", **IN_ACCOUNT, manifest=manifest)
    assert session.buckets == []
    version = api.workers.beta.workers.versions.create(worker.id, **IN_ACCOUNT, assets={"jwt": session.jwt})
    assert session.jwt not in version.to_json()
    with pytest.raises(NotFoundError):
        upload.create("unknown", **IN_ACCOUNT, manifest=manifest)


def test_a_tunnel_keeps_its_secret_to_itself(api: Any) -> None:
    tunnels = api.zero_trust.tunnels.cloudflared
    made = tunnels.create(**IN_ACCOUNT, name="database", config_src="cloudflare", tunnel_secret=SECRET)
    assert SECRET not in made.to_json()
    config: Any = {"ingress": [{"hostname": "db.shop.example", "service": "tcp://localhost:5432"}]}
    put = tunnels.configurations.update(made.id, **IN_ACCOUNT, config=config)
    assert put.config.ingress[0].service == "tcp://localhost:5432"
    assert tunnels.configurations.get(made.id, **IN_ACCOUNT).tunnel_id == made.id
    assert [tunnel.id for tunnel in tunnels.list(**IN_ACCOUNT)] == [made.id]
    assert tunnels.delete(made.id, **IN_ACCOUNT).id == made.id


def test_a_service_tokens_secret_is_shown_once(api: Any) -> None:
    tokens = api.zero_trust.access.service_tokens
    made = tokens.create(**IN_ACCOUNT, name="hyperdrive")
    assert len(made.client_secret) == 64
    assert made.client_secret not in tokens.get(made.id, **IN_ACCOUNT).to_json()
    renamed = tokens.update(made.id, **IN_ACCOUNT, name="pooler")
    assert (renamed.name, renamed.client_id) == ("pooler", made.client_id)


def test_an_application_and_its_policy_are_kept(api: Any) -> None:
    access = api.zero_trust.access
    include: Any = [{"service_token": {"token_id": "f174e90a-fafe-4643-bbbc-4a0ed4fc8415"}}]
    policy = access.policies.create(**IN_ACCOUNT, name="hyperdrive", decision="non_identity", include=include)
    assert access.policies.get(policy.id, **IN_ACCOUNT).decision == "non_identity"
    made = access.applications.create(**IN_ACCOUNT, type="self_hosted", domain="db.shop.example")
    assert access.applications.get(made.id, **IN_ACCOUNT).domain == "db.shop.example"
    access.applications.delete(made.id, **IN_ACCOUNT)
    with pytest.raises(NotFoundError):
        access.applications.get(made.id, **IN_ACCOUNT)


def test_a_pages_project_has_what_the_model_requires(api: Any) -> None:
    made = api.pages.projects.create(**IN_ACCOUNT, name="docs", production_branch="trunk")
    assert (made.name, made.production_branch) == ("docs", "trunk")
    edited = api.pages.projects.edit("docs", **IN_ACCOUNT, production_branch="main")
    assert (edited.id, edited.production_branch) == (made.id, "main")
    with pytest.raises(ConflictError):
        api.pages.projects.create(**IN_ACCOUNT, name="docs", production_branch="main")


def test_a_pages_project_has_domains(api: Any) -> None:
    api.pages.projects.create(**IN_ACCOUNT, name="help", production_branch="main")
    domains = api.pages.projects.domains
    made = domains.create("help", **IN_ACCOUNT, name="help.shop.example")
    assert domains.get(made.name, **IN_ACCOUNT, project_name="help").status == "active"
    assert [domain.id for domain in domains.list("help", **IN_ACCOUNT)] == [made.id]
    domains.delete(made.name, **IN_ACCOUNT, project_name="help")
    with pytest.raises(NotFoundError):
        domains.get(made.name, **IN_ACCOUNT, project_name="help")


def test_a_health_check_and_its_alarm_are_kept(api: Any) -> None:
    check = api.healthchecks.create(**IN_ZONE, name="standby", address="standby.example.net", type="HTTPS")
    assert api.healthchecks.get(check.id, **IN_ZONE).status == "unknown"
    assert api.healthchecks.edit(check.id, **IN_ZONE, name="stand-by", address="standby.example.net").type == "HTTPS"
    alarm = api.alerting.policies.create(
        **IN_ACCOUNT,
        name="standby",
        alert_type="health_check_status_notification",
        enabled=True,
        mechanisms={"email": [{"id": "oncall@shop.example"}]},
    )
    assert [policy.id for policy in api.alerting.policies.list(**IN_ACCOUNT)] == [alarm.id]
    assert api.alerting.policies.get(alarm.id, **IN_ACCOUNT).enabled
