"""What the edge is given for a plan's Workers: every binding, or a refusal that names it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.resource_types import tokens
from local.common.errors import LocalError
from local.common.ports import Ports
from local.edge.part import EdgeSources, edge_config, site_assets
from plan.model import Computed, Plan, Resource, Secret, reference

URN = "urn:pulumi:dev::shop::"
HYPERDRIVE = "cloudflare:index/hyperdriveConfig:HyperdriveConfig"


def resource(kind: str, name: str, /, **inputs: Any) -> Resource:
    return Resource(urn=f"{URN}{kind}::{name}", type=kind, name=name, custom=True, inputs=inputs)


def identity(kind: str, name: str) -> Computed:
    return Computed(reference(f"{URN}{kind}::{name}", "id"))


def plan(*bindings: dict[str, Any], script: str | None = "shop", **inputs: Any) -> Plan:
    """One Worker that answers both host names, with a database behind Hyperdrive."""
    version = {
        "workerId": identity(tokens.WORKER, "shop"),
        "mainModule": "index.js",
        "modules": [
            {"name": "index.js", "contentFile": "dist/index.js", "contentType": "application/javascript+module"}
        ],
        "compatibilityDate": "2026-07-01",
        "bindings": list(bindings),
    }
    origin = {"user": "app", "password": Secret("p@ss/word"), "database": "orders"}
    return Plan(
        project="shop",
        stack="dev",
        resources=(
            resource(tokens.WORKER, "shop", name="shop"),
            resource(tokens.WORKER_VERSION, "version", **{**version, **inputs}),
            resource(tokens.ROUTE, "site", pattern="shop.example/*", script=script),
            resource(tokens.ROUTE, "api", pattern="api.shop.example/*", script="shop"),
            resource(HYPERDRIVE, "orders", origin=origin),
            resource("cloudflare:index/r2Bucket:R2Bucket", "media", name="media"),
        ),
        settings={"shop:siteHostname": "shop.example", "shop:apiHostname": "api.shop.example"},
    )


def config(of: Plan) -> dict[str, Any]:
    sources = EdgeSources(project=Path("/shop"), state=Path("/state"), ports=Ports(), password=lambda name: name)
    return edge_config(of, sources)


def worker(*bindings: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    (made,) = config(plan(*bindings, **inputs))["workers"]
    assert isinstance(made, dict)
    return made


def test_a_worker_is_as_declared() -> None:
    made = worker()
    assert (made["name"], made["mainModule"], made["compatibilityDate"]) == ("shop", "index.js", "2026-07-01")
    assert made["modules"] == [{"name": "index.js", "path": "/shop/dist/index.js", "type": "esm"}]
    assert made["assets"] is None


def test_the_stand_by_gets_the_sites_assets_and_no_other_folder() -> None:
    assert site_assets(config(plan(assets={"directory": "dist/assets"}))) == Path("/shop/dist/assets")
    with pytest.raises(LocalError, match="shop: has no assets, which the local stand-by serves too"):
        site_assets(config(plan()))


def test_host_names_are_answered_by_their_routes_workers() -> None:
    made = config(plan())
    assert made["entry"] == {"port": 7400, "worker": "shop"}
    assert made["direct"] == {"port": 7401, "worker": "shop"}
    assert made["buckets"] == ["media"]


def test_a_host_name_may_be_a_workers_own_domain() -> None:
    of = plan()
    domain = resource(tokens.CUSTOM_DOMAIN, "api", hostname="api.shop.example", service="shop")
    kept = tuple(one for one in of.resources if one.inputs.get("pattern") != "api.shop.example/*")
    assert config(replace(of, resources=(*kept, domain)))["direct"] == {"port": 7401, "worker": "shop"}


@pytest.mark.parametrize(
    ("binding", "key", "value"),
    [
        ({"type": "plain_text", "text": "dev"}, "vars", "dev"),
        ({"type": "secret_text", "text": Secret("token")}, "vars", "token"),
        ({"type": "json", "json": '{"plans": ["free"]}'}, "vars", {"plans": ["free"]}),
        ({"type": "r2_bucket", "bucketName": "media"}, "r2Buckets", "media"),
        ({"type": "service", "service": "other"}, "services", "other"),
        (
            {"type": "hyperdrive", "id": identity(HYPERDRIVE, "orders")},
            "hyperdrives",
            "postgres://app:p%40ss%2Fword@127.0.0.1:7403/orders",
        ),
        (
            {"type": "ratelimit", "namespaceId": "1001", "simple": {"limit": 100.0, "period": 60}},
            "ratelimits",
            {"namespaceId": "1001", "limit": 100, "period": 60},
        ),
    ],
)
def test_a_binding_is_had_under_its_name(binding: dict[str, Any], key: str, value: Any) -> None:
    assert worker({"name": "IT", **binding})[key] == {"IT": value}


def test_the_path_past_hyperdrive_leads_to_the_same_pooler_by_what_stands_for_the_tunnel() -> None:
    hyperdrives = [
        {"name": name, "type": "hyperdrive", "id": identity(HYPERDRIVE, "orders")}
        for name in ("HYPERDRIVE", "HYPERDRIVE_PUBLIC")
    ]
    direct = {"name": "DATABASE_DIRECT", "type": "secret_text", "text": Secret(identity(tokens.WORKER, "token"))}
    sources = EdgeSources(
        project=Path("/shop"), state=Path("/state"), ports=Ports(), password=lambda name: name, tunnel_secret="word"
    )
    made = edge_config(plan(direct, *hyperdrives), sources)
    token = {"clientId": "api", "clientSecret": "word"}
    assert made["tunnel"] == {"port": 7411, "target": 7403, **token}
    url = "postgres://app:p%40ss%2Fword@127.0.0.1:7403/orders"
    (worker,) = made["workers"]
    told = json.loads(worker["vars"]["DATABASE_DIRECT"])
    assert told == {"url": "http://127.0.0.1:7411/", **token, "regulated": url, "public": url}
    assert edge_config(plan(*hyperdrives), sources)["tunnel"] is None


@pytest.mark.parametrize(
    ("binding", "fault"),
    [
        (
            {"type": "kv_namespace"},
            "shop: binding IT of type kv_namespace is not supported .*; allowed: hyperdrive, r2_",
        ),
        ({"type": "assets"}, "type assets is not supported"),
        ({"type": "json", "json": "{half"}, "shop: binding IT: is not JSON"),
        ({"type": "hyperdrive", "id": "0123"}, "0123: does not name a resource of this stack"),
        (
            {"type": "ratelimit", "namespaceId": "1", "simple": {"limit": 1, "period": 10, "mitigationTimeout": 60}},
            "shop: binding IT: mitigationTimeout is not supported",
        ),
    ],
)
def test_what_can_not_be_had_is_refused_by_name(binding: dict[str, Any], fault: str) -> None:
    with pytest.raises(LocalError, match=fault):
        worker({"name": "IT", **binding})


def test_assets_are_served_as_declared() -> None:
    settings = {"runWorkerFirst": ["/api/*"], "htmlHandling": "none", "notFoundHandling": "404-page"}
    made = worker({"type": "assets", "name": "FILES"}, assets={"directory": "site", "config": settings})
    assert made["assets"] == {"directory": "/shop/site", "binding": "FILES", **settings}


def test_assets_without_settings_are_looked_up_first() -> None:
    assert worker(assets={"directory": "site"})["assets"] == {"directory": "/shop/site", "runWorkerFirst": False}


def test_an_unknown_asset_setting_is_refused() -> None:
    with pytest.raises(
        LocalError, match=r"^assets site: basePath is not supported .*; allowed: htmlHandling, notFound"
    ):
        worker(assets={"directory": "site", "config": {"basePath": "/shop"}})


def test_a_module_that_is_no_file_is_refused() -> None:
    with pytest.raises(LocalError, match=r"module index\.js: only JavaScript modules from a file"):
        worker(modules=[{"name": "index.js", "contentBase64": "", "contentType": "application/javascript+module"}])


def test_a_host_name_that_no_worker_answers_is_refused() -> None:
    with pytest.raises(LocalError, match="its route has no script"):
        config(plan(script=None))
    without = plan()
    with pytest.raises(LocalError, match=r"nowhere/\*: no route or domain is declared"):
        config(Plan(**{**vars(without), "settings": {**without.settings, "shop:siteHostname": "nowhere"}}))


def test_what_this_machine_has_stands_in_for_what_only_the_cloud_knows() -> None:
    issuer = {"type": "plain_text", "name": "OIDC_ISSUER", "text": Computed("https://example.com/${urn:pulumi:a#id}")}
    logout = {"type": "plain_text", "name": "OIDC_LOGOUT_URL", "text": Computed("${urn:pulumi:a#id}")}
    sources = EdgeSources(
        project=Path("/shop"),
        state=Path("/state"),
        ports=Ports(),
        password=lambda name: name,
        here={"OIDC_ISSUER": "http://localhost:7410", "OIDC_LOGOUT_URL": None, "UNKNOWN": "x"},
    )
    (made,) = edge_config(plan(issuer, logout), sources)["workers"]
    assert made["vars"] == {"OIDC_ISSUER": "http://localhost:7410"}
