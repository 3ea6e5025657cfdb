"""Data at the edge and at third parties that must not be there."""

import base64
from typing import Any

from plan.model import Computed
from tests.policies.changes import Adversary, Change, bindings, both, child, having, on, origin, plus, put

RULE, ROUTES = "destinations-are-judged", "routes-lead-to-own-workers"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
HEALTHCHECK = "cloudflare:index/healthcheck:Healthcheck"
RULESET = "cloudflare:index/ruleset:Ruleset"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
SERVICE = "cloudflare:index/connectivityDirectoryService:ConnectivityDirectoryService"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
ZONE = "fedcba9876543210fedcba9876543210"
OWN = "app-dev.automatonicai.com"
STRANGER = "vendor-example.net"
ABROAD = "2600:1f18::5"
R2 = "cloudflare:index/r2Bucket:R2Bucket"


def record(kind: str, content: str | None = None, name: str = f"x.{OWN}", **more: Any) -> Change:
    given = {"type": kind, "name": name, "zoneId": ZONE, "ttl": 1, **more}
    return plus(RECORD, "more", **given, **({} if content is None else {"content": content}))


def told(text: str, name: str = "SINK") -> Change:
    return on("api-version", bindings({"type": "plain_text", "name": name, "text": text}))


def function(**variables: str) -> Change:
    given = {"name": "f", "region": "ca-central-1", "role": "r", "environment": {"variables": variables}}
    return plus("aws:lambda/function:Function", "more", **given)


def parameter(value: str, name: str = "/automatonicai-dev/objects/endpoint") -> Change:
    return plus("aws:ssm/parameter:Parameter", "more", name=name, type="String", value=value, region="ca-central-1")


def rule(**parameters: Any) -> Change:
    rules = [{"action": "route", "expression": "true", "actionParameters": parameters}]
    return plus(RULESET, "more", name="r", kind="zone", phase="http_request_origin", zoneId=ZONE, rules=rules)


def notified(**mechanisms: Any) -> Change:
    token = "cloudflare:index/notificationPolicy:NotificationPolicy"
    return plus(token, name="n", alertType="x", mechanisms=mechanisms)


def refused(*changes: Change, rule: str = RULE) -> Adversary:
    return Adversary(rule, both(*changes))


NAMES = {
    "Sentry under a record's name": refused(
        record("CNAME", OWN, "o1.ingest.us.sentry.io"), told("https://o1.ingest.us.sentry.io/2")
    ),
    "stranger under a record's name": refused(record("CNAME", OWN, STRANGER), told(f"https://collector.{STRANGER}/2")),
    "stranger under an Access application": refused(
        plus(APPLICATION, "more", accountId="a", name="x", type="self_hosted", domain=STRANGER),
        told(f"https://collector.{STRANGER}/2"),
    ),
    "stranger under a route": refused(
        plus(ROUTE, "more", zoneId=ZONE, pattern=f"{STRANGER}/*"), told(f"https://{STRANGER}/2")
    ),
    "stranger under a route, by the route": refused(
        plus(ROUTE, "more", zoneId=ZONE, pattern=f"{STRANGER}/*"), rule=ROUTES
    ),
    "stranger whose name begins like the stack's": refused(told("https://app-dev.automatonicai.com.example.net/")),
    "stranger whose name ends like the stack's": refused(told("https://evilautomatonicai.com/")),
    "stranger below a suffix that all share": refused(
        *(on(f"{name}-route", put("pattern", f"{name}.clinic.on.ca/*")) for name in ("api", "site")),
        told("https://collector.vendor.on.ca/"),
    ),
    "stranger behind one's own name as a user": refused(told(f"https://{OWN},x@{STRANGER}/")),
    "stranger behind a long name of a user": refused(told(f"https://{'x' * 900}@{STRANGER}/")),
    "stranger behind two users": refused(told(f"https://a@{OWN},b@{STRANGER}/")),
    "stranger with many labels": refused(told(f"{'a.' * 100}{STRANGER}")),
    "stranger in a list after one's own": refused(told(f"https://{OWN},https://{STRANGER}")),
}


ADDRESSES = {
    "database at an address": refused(on("hyperdrive-regulated", origin(host="3.80.1.1"))),
    "database at an address of IPv6": refused(on("hyperdrive-regulated", origin(host=ABROAD))),
    "database at an address in one number": refused(on("hyperdrive-regulated", origin(host="134744072"))),
    "database at an address of IPv4 in IPv6": refused(on("hyperdrive-regulated", origin(host="::ffff:3.80.1.1"))),
    "URL with an address of IPv6": refused(told(f"https://[{ABROAD}]/collect")),
    "URL with an address in one number": refused(told("https://134744072/collect")),
    "URL with an address in hexadecimal": refused(told("https://0x08080808/collect")),
    "URL with an address in octal": refused(told("https://010.010.010.010/collect")),
    "tunnel to an address of IPv6": refused(
        on("tunnel-ingress", put("config.ingresses.0.service", f"tcp://[{ABROAD}]:5432"))
    ),
    "pool of an address": refused(plus(POOL, name="p", accountId="a", origins=[{"name": "o", "address": "3.80.1.1"}])),
    "health check of an address": refused(plus(HEALTHCHECK, name="h", zoneId=ZONE, address="3.80.1.1")),
    "service at an address": refused(plus(SERVICE, name="s", accountId="a", type="http", host={"ipv4": "3.80.1.1"})),
}


RECORDS = {
    "record of an address elsewhere": refused(record("A", "3.80.1.1", proxied=True)),
    "record of an address of IPv6 elsewhere": refused(record("AAAA", ABROAD, proxied=True)),
    "record of mail to elsewhere": refused(record("MX", "aspmx.l.google.com", priority=1)),
    "record that hands a part of the zone away": refused(record("NS", f"ns1.{STRANGER}")),
    "record of a service elsewhere": refused(record("SRV", data={"target": f"sip.{STRANGER}", "port": 1})),
    "record of a service elsewhere, as the API gives it": refused(record("SRV", f"1 5060 sip.{STRANGER}")),
    "record of HTTPS elsewhere": refused(record("HTTPS", data={"target": STRANGER, "value": "", "priority": 1})),
    "record of HTTPS with an address": refused(
        record("HTTPS", data={"target": ".", "value": 'alpn="h2" ipv4hint="3.80.1.1"', "priority": 1})
    ),
    "record with small letters": refused(record("cname", STRANGER)),
    "record with a space": refused(record("CNAME ", STRANGER)),
    "record by its older name": refused(
        plus("cloudflare:index/record:Record", type="CNAME", name=f"x.{OWN}", value=STRANGER, zoneId=ZONE)
    ),
    "record of Route 53": refused(
        plus("aws:route53/record:Record", type="CNAME", name=f"x.{OWN}", records=[STRANGER], region="ca-central-1")
    ),
}


FIELDS = {
    "origin of a ruleset": refused(rule(origin={"host": STRANGER})),
    "Host header of a ruleset": refused(rule(hostHeader=STRANGER)),
    "name of TLS of a ruleset": refused(rule(sni={"value": STRANGER})),
    "service at a stranger's host": refused(plus(SERVICE, name="s", accountId="a", host={"hostname": STRANGER})),
    "service that is not declared": refused(
        on("api-version", bindings({"type": "vpc_service", "name": "V", "serviceId": "123"})),
        rule="edge-stores-hold-public-data-only",
    ),
    "route to a Worker of somebody": refused(
        plus(ROUTE, "more", zoneId=ZONE, pattern=f"x.{OWN}/*", script="somebody-elses"), rule=ROUTES
    ),
    "route of every host": refused(
        plus(ROUTE, "more", zoneId=ZONE, pattern="*automatonicai.com/*", script="automatonicai-dev-api"), rule=ROUTES
    ),
    "webhook by its ID": refused(notified(webhooks=[{"id": "1"}])),
    "service of duty by its ID": refused(notified(pagerduties=[{"id": "2"}])),
    "pool by its ID": refused(
        plus("cloudflare:index/loadBalancer:LoadBalancer", name=f"x.{OWN}", zoneId=ZONE, defaultPools=["17b5962d775c"])
    ),
}


VARIABLES = {
    "host in a variable with any name": refused(told(f"logs.{STRANGER}", "COLLECTOR")),
    "host and path in a variable with any name": refused(told(f"logs.{STRANGER}/v1", "COLLECTOR")),
    "host and port of a function": refused(function(OTEL=f"collector.{STRANGER}:4317")),
    "host of a far country": refused(function(OTEL="collector.vendor.so:4317")),
    "host of a far country, without a port": refused(function(OTEL="otel.collector.vendor.is")),
    "hosts in a list": refused(told(f"{OWN}, logs.{STRANGER}", "COLLECTORS")),
    "database's host without a scheme": refused(told(f"app:x@db.{STRANGER}/app", "STORE")),
    "host without a scheme, with slashes": refused(told(f"//logs.{STRANGER}/x", "COLLECTOR")),
    "host in a variable of JSON": refused(
        on("api-version", bindings({"type": "json", "name": "C", "json": {"a": [f"logs.{STRANGER}"]}}))
    ),
    "host for what runs on the server": refused(on("convergence-a", put("parameters.Sink", f"logs.{STRANGER}:514"))),
    "host in percent signs": refused(told(f"https%3A%2F%2Flogs.{STRANGER}%2Fv1")),
    "AWS without a region, bare": refused(parameter("s3.amazonaws.com")),
    "queues of AWS without a region": refused(told("https://queue.amazonaws.com/111111111111/q", "QUEUE_URL")),
    "tables of AWS without a region": refused(told("https://dynamodb.amazonaws.com/", "TABLES")),
    "old tables of AWS": refused(told("https://sdb.amazonaws.com/")),
    "AWS with a table called like Canada": refused(told("https://ca-central-1.dynamodb.amazonaws.com/")),
    "AWS with Canada in a name": refused(told("https://ca-central-1-backups.queue.amazonaws.com/")),
}


ENCODED = {
    "region in percent signs": refused(told("region=us%2Deast%2D1", "OPTIONS"), rule="written-regions-are-canadian"),
    "region in base64 within a command": refused(
        parameter(f"echo {base64.b64encode(b'aws s3 cp x s3://b --region us-east-1').decode()} | base64 -d | sh"),
        rule="written-regions-are-canadian",
    ),
    "region in hexadecimal within a command": refused(
        parameter(f"echo {b'aws s3 cp x --region us-east-1'.hex()} | xxd -r -p | sh"),
        rule="written-regions-are-canadian",
    ),
}


DESTINATIONS = {**NAMES, **ADDRESSES, **RECORDS, **FIELDS, **VARIABLES, **ENCODED}


def binding(rule: str, **values: object) -> Adversary:
    return Adversary(rule, on("api-version", put("bindings.9", {"name": "PLACE", **values})))


EDGE = {
    "Worker placed near a host": Adversary(
        "workers-run-next-to-the-database", on("web-version", having(placement={"hostname": "db.example.com"}))
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
    **DESTINATIONS,
}
