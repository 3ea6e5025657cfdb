"""Data at the edge that must not be there: caches, stores, placement and third parties."""

import base64

from plan.model import Computed
from tests.policy.adversaries_destinations import DESTINATIONS
from tests.policy.attack import Adversary, child
from tests.policy.breaking import having, origin, without
from tests.policy.changes import on, plus, put

R2 = "cloudflare:index/r2Bucket:R2Bucket"


def binding(rule: str, **values: object) -> Adversary:
    return Adversary(rule, on("api-version", put("bindings.9", {"name": "PLACE", **values})))


EDGE = {
    "Worker placed by Cloudflare": Adversary(
        "workers-run-next-to-the-database", on("api-version", having(placement={"mode": "smart"}))
    ),
    "Worker placed near a host": Adversary(
        "workers-run-next-to-the-database", on("web-version", having(placement={"hostname": "db.example.com"}))
    ),
    "Worker placed in Montreal and by Cloudflare": Adversary(
        "workers-run-next-to-the-database",
        on("api-version", having(placement={"region": "aws:ca-central-1", "mode": "smart"})),
    ),
    "Worker of the oldest kind": Adversary(
        "workers-run-next-to-the-database", plus("cloudflare:index/workerScript:WorkerScript", content="x")
    ),
    "cache switched off as text": Adversary(
        "hyperdrive-caches-public-data-only", on("hyperdrive-regulated", having(caching={"disabled": "true"}))
    ),
    "cache for a role with other capitals": Adversary(
        "hyperdrive-caches-public-data-only", on("hyperdrive-public", origin(user="PUBLIC_READ"))
    ),
    "cache for a role with a space": Adversary(
        "hyperdrive-caches-public-data-only", on("hyperdrive-public", origin(user="public_read "))
    ),
    "cache of an unknown kind": Adversary(
        "hyperdrive-caches-public-data-only", on("hyperdrive-regulated", put("caching.disabled", Computed()))
    ),
    "third configuration with a cache": Adversary(
        "hyperdrive-caches-public-data-only",
        plus("cloudflare:index/hyperdriveConfig:HyperdriveConfig", name="x", origin={"user": "app", "host": "h"}),
    ),
    "regulated bucket inside a public component": Adversary(
        "r2-holds-public-data-only",
        child(
            plus(R2, name="b", accountId="a"),
            ("hybrid:storage:MediaBucket", "outer", {"dataClass": "public"}),
            ("hybrid:storage:MediaBucket", "inner", {"dataClass": "regulated"}),
        ),
    ),
    "R2 bucket of nobody's class": Adversary("r2-holds-public-data-only", plus(R2, name="b", accountId="a")),
    "R2 bucket whose class has other capitals": Adversary(
        "r2-holds-public-data-only",
        child(plus(R2, name="b"), ("hybrid:storage:MediaBucket", "outer", {"dataClass": "PUBLIC?"})),
    ),
    "key-value store for the API": binding("edge-stores-hold-public-data-only", type="kv_namespace", namespaceId="1"),
    "edge database for the API": binding("edge-stores-hold-public-data-only", type="d1", id="1"),
    "queue for the API": binding("edge-stores-hold-public-data-only", type="queue", queueName="q"),
    "durable object for the API": binding(
        "edge-stores-hold-public-data-only", type="durable_object_namespace", className="Room"
    ),
    "vectors for the API": binding("edge-stores-hold-public-data-only", type="vectorize", indexName="v"),
    "analytics for the API": binding("edge-stores-hold-public-data-only", type="analytics_engine", dataset="d"),
    "logs of the API to a third party": binding(
        "destinations-are-judged", type="plain_text", text="https://1234@o1.ingest.us.sentry.io/2"
    ),
    "traces of the API to Europe, in JSON": binding(
        "destinations-are-judged", type="json", json={"otlp": [{"url": "https://otlp.eu01.nr-data.net/v1/traces"}]}
    ),
    "webhook of a chat, as base64": binding(
        "destinations-are-judged",
        type="plain_text",
        text=base64.b64encode(b"https://hooks.slack.com/services/T0/B0/x").decode(),
    ),
    "edge database of its own": Adversary(
        "edge-stores-hold-public-data-only", plus("cloudflare:index/d1Database:D1Database", name="d")
    ),
    "uptime monitor that calls a stranger": Adversary(
        "destinations-are-judged",
        plus(
            "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks",
            name="w",
            url="https://uptime.example.com/hook",
        ),
    ),
    "logs of a Worker to a third party": Adversary(
        "worker-logs-are-not-handed-on",
        on("api-worker", put("observability.logs", {"enabled": True, "destinations": ["honeycomb"]})),
    ),
    "another address for Cloudflare's API": Adversary(
        "destinations-are-judged", on("cloudflare", having(baseUrl="https://api.example.com/client/v4"))
    ),
    "log of each call": Adversary(
        "worker-logs-are-not-handed-on", on("api-worker", put("observability.logs.invocationLogs", True))
    ),
    "trace of each call": Adversary(
        "worker-logs-are-not-handed-on", on("web-worker", put("observability.traces", {"enabled": True}))
    ),
    "R2 in the west of North America": Adversary("r2-is-near", on("media-media-bucket", having(location="wnam"))),
    "placement left out": Adversary("workers-run-next-to-the-database", on("web-version", without("placement"))),
    **DESTINATIONS,
}
