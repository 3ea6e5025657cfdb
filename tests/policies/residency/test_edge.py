"""What Cloudflare and Vercel may do with data, broken one way at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.resource_types import tokens
from plan.model import Computed, Plan
from policies.residency import edge
from policies.residency.edge_stores import PASSING
from tests.policies.changes import Change, Inputs, bindings, both, having, made_of, on, origin, plus, without
from tests.policies.residency.cases import case, inside

PLACED, CACHED = "workers-run-next-to-the-database", "hyperdrive-caches-public-data-only"
LOGS, EDGE_LOGS = "worker-logs-are-not-handed-on", "edge-logs-go-to-canada"
R2_PUBLIC, NEAR, STORES = "r2-holds-public-data-only", "r2-is-near", "edge-stores-hold-public-data-only"
PAGES, VERCEL, FITS = "pages-functions-hold-nothing", "functions-run-in-montreal", "data-fits-its-place"
R2 = "cloudflare:index/r2Bucket:R2Bucket"
KV = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
LOGPUSH = "cloudflare:index/logpushJob:LogpushJob"
PROJECT = "vercel:index/project:Project"
MEDIA = "hybrid:storage:MediaBucket"
MONTREAL = "aws:ca-central-1"


def placed(**placement: Any) -> Change:
    return on("api-version", having(placement=placement))


def bound(**binding: Any) -> Change:
    return on("api-version", bindings({"name": "PLACE", **binding}))


def only(*given: Inputs) -> Callable[[Inputs], Inputs]:
    return having(bindings=list(given))


def observed(**parts: Any) -> Change:
    return on("api-worker", having(observability={"enabled": True, **parts}))


def loose(name: str) -> Change:
    """A resource that is made of nothing else that the stack declares."""

    def change(plan: Plan) -> Plan:
        return replace(
            plan,
            resources=tuple(
                replace(found, property_dependencies={}) if found.name == name and found.custom else found
                for found in plan.resources
            ),
        )

    return change


def pushed(destination: Any) -> Change:
    return plus(LOGPUSH, dataset="http_requests", destinationConf=destination)


CASES = {
    "placed by nobody": case(on("web-version", without("placement")), PLACED),
    "placed elsewhere": case(placed(region="aws:us-east-1"), PLACED, "written-regions-are-canadian"),
    "placed in Calgary": case(placed(region="aws:ca-west-1"), PLACED),
    "placed by Cloudflare": case(placed(mode="smart"), PLACED),
    "placed in Montreal and by Cloudflare": case(placed(region=MONTREAL, mode="smart"), PLACED),
    "placed near a host": case(placed(region=MONTREAL, host="db.example.com:5432"), PLACED),
    "placed in two regions": case(placed(targets=[{"region": MONTREAL}, {"region": "gcp:eu"}]), PLACED),
    "placement unknown": case(on("api-version", having(placement=Computed())), PLACED),
    "region of the placement unknown": case(placed(region=Computed()), PLACED),
    "placed as a target": case(placed(mode="targeted", targets=[{"region": MONTREAL}])),
    "an old script": case(plus(edge.OLD_WORKERS[0], scriptName="x"), PLACED),
    "the oldest script": case(plus(edge.OLD_WORKERS[1], name="x", placements=[{"mode": "smart"}]), PLACED),
    "cached": case(on("hyperdrive-regulated", having(caching={"disabled": False})), CACHED),
    "cached unless somebody says no": case(on("hyperdrive-regulated", without("caching")), CACHED),
    "cached for another role": case(on("hyperdrive-public", origin(user="app")), CACHED),
    "cached for a role unknown": case(on("hyperdrive-public", origin(user=Computed())), CACHED),
    "not cached for the public": case(on("hyperdrive-public", having(caching={"disabled": True}))),
    "logs sent on": case(on("api-worker", having(observability={"logs": {"destinations": ["x"]}})), LOGS),
    "traces sent on": case(on("api-worker", having(observability={"traces": {"destinations": ["x"]}})), LOGS),
    "logs given to a Worker": case(on("api-worker", having(tailConsumers=[{"name": "tail"}])), LOGS),
    "logs unknown": case(on("api-worker", having(observability=Computed())), LOGS),
    "no logs at all": case(on("api-worker", without("observability"))),
    "logs switched off": case(on("api-worker", having(observability={"enabled": False, "logs": {"enabled": True}}))),
    "logs of the code alone": case(observed(logs={"enabled": True, "invocationLogs": False})),
    "logs of each call": case(observed(logs={"enabled": True, "invocationLogs": True}), LOGS),
    "logs of each call, by default": case(observed(), LOGS),
    "logs of each call, not as a truth": case(observed(logs={"invocationLogs": "false"}), LOGS),
    "logs of each call, of no whole": case(on("api-worker", having(observability={"logs": {"enabled": True}})), LOGS),
    "traces": case(observed(logs={"invocationLogs": False}, traces={"enabled": True}), LOGS),
    "Logpush to S3 in Montreal": case(pushed("s3://logs/x?sse=AES256&region=ca-central-1")),
    "Logpush to S3 elsewhere": case(pushed("s3://logs/x?region=eu-west-1"), EDGE_LOGS, "written-regions-are-canadian"),
    "Logpush to S3 anywhere": case(pushed("s3://logs/x?note=ca-central-1"), EDGE_LOGS),
    "Logpush to R2": case(pushed("r2://logs/x?account-id=1"), EDGE_LOGS),
    "Logpush to a stranger": case(pushed("https://logs.example.com/"), EDGE_LOGS, "destinations-are-judged"),
    "Logpush somewhere": case(pushed(Computed()), EDGE_LOGS),
    "R2 for nobody's data": case(plus(R2, name="b", location="enam"), R2_PUBLIC),
    "R2 for personal data": case(
        inside(R2, MEDIA, {"dataClass": "personal"}, name="b", location="enam"), R2_PUBLIC, FITS
    ),
    "R2 for an unknown class": case(
        inside(R2, MEDIA, {"dataClass": Computed()}, name="b", location="enam"), R2_PUBLIC, FITS
    ),
    "R2 for public data": case(inside(R2, MEDIA, {"dataClass": "public"}, name="b", location="ENAM")),
    "R2 in the west": case(on("media-media-bucket", having(location="wnam")), NEAR),
    "R2 in Europe": case(on("media-media-bucket", having(location="weur")), NEAR),
    "R2 somewhere": case(on("media-media-bucket", without("location")), NEAR),
    "R2 in an unknown place": case(on("media-media-bucket", having(location=Computed())), NEAR),
    "R2 under another's law": case(on("media-media-bucket", having(jurisdiction="us")), NEAR),
    "R2 under no law of its own": case(on("media-media-bucket", having(jurisdiction="default"))),
    "a store of its own": case(plus(KV, title="x"), STORES),
    "a public store": case(inside(KV, MEDIA, {"dataClass": "public"}, title="x")),
    "a binding unknown": case(bound(type=Computed()), STORES),
    "bindings unknown": case(on("api-version", having(bindings=Computed())), STORES),
    "no bindings": case(on("api-version", without("bindings"))),
    "a type with other letters": case(bound(type="plain\u2010text", text="x"), STORES),
    "what an older version had": case(bound(type="inherit"), STORES),
    "a Durable Object's class": case(on("api-version", having(migrations={"newSqliteClasses": ["Room"]})), STORES),
    "a container": case(on("api-version", having(containers=[{"className": "Box"}])), STORES),
    "R2 of another stack": case(bound(type="r2_bucket", bucketName="other"), STORES),
    "R2 without a name": case(bound(type="r2_bucket"), STORES),
    "R2 of this stack": case(bound(type="r2_bucket", bucketName="automatonicai-dev-media")),
    "R2 elsewhere": case(bound(type="r2_bucket", bucketName="automatonicai-dev-media", jurisdiction="eu"), STORES),
    "a Worker of another stack": case(bound(type="service", service="other"), STORES),
    "a Worker of this stack": case(bound(type="service", service="automatonicai-dev-web")),
    "a Worker unknown": case(
        both(on("web-version", only({"type": "service", "service": Computed()})), loose("web-version")), STORES
    ),
    "Hyperdrive of another stack": case(
        both(on("api-version", only({"type": "hyperdrive", "id": "1"})), loose("api-version")), STORES
    ),
    "a service of another network": case(bound(type="vpc_service", serviceId="1"), STORES),
    "a service of this stack": case(
        both(
            bound(type="vpc_service", serviceId=Computed()),
            plus(tokens.CONNECTIVITY_SERVICE, "office", name="o", type="http", host={"hostname": "files.internal"}),
            made_of("api-version", "bindings", "office"),
        )
    ),
    "Pages with a store": case(
        on("pages-project", having(deploymentConfigs={"production": {"kvNamespaces": {"KV": {"namespaceId": "1"}}}})),
        PAGES,
    ),
    "Pages with variables": case(
        on("pages-project", having(deploymentConfigs={"production": {"envVars": {"A": {"value": "1"}}}}))
    ),
    "Pages unknown": case(on("pages-project", having(deploymentConfigs=Computed())), PAGES),
    "Vercel in Montreal": case(plus(PROJECT, resourceConfig={"functionDefaultRegions": ["yul1"]})),
    "Vercel in Washington": case(plus(PROJECT, serverlessFunctionRegion="iad1"), VERCEL),
    "Vercel in both": case(plus(PROJECT, resourceConfig={"functionDefaultRegions": ["yul1", "iad1"]}), VERCEL),
    "Vercel anywhere": case(plus(PROJECT, name="x"), VERCEL),
    "Vercel unknown": case(plus(PROJECT, serverlessFunctionRegion=Computed()), VERCEL),
    **{
        f"a binding of {kind}": case(bound(type=kind), STORES)
        for kind in ("kv_namespace", "d1", "queue", "durable_object_namespace", "vectorize", "analytics_engine", "ai")
    },
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_breaks_its_rules_and_no_other(name: str, rules_broken: dict[str, set[str]]) -> None:
    assert rules_broken[name] == CASES[name].rules


def test_what_stores_nothing_is_listed_by_the_names_of_the_api() -> None:
    assert all(kind == kind.lower() and " " not in kind for kind in PASSING)
    assert not PASSING & {"kv_namespace", "d1", "queue", "durable_object_namespace", "inherit"}
