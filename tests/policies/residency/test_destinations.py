"""Third parties that data may reach, the host's backups, and what the database tells its makers."""

import base64
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.common.labels import DataClass
from components.resource_types import tokens
from plan.model import Computed, Plan, Secret
from policies.residency import database
from policies.residency.hosts import HOSTS
from policies.residency.hosts import judged as judged_host
from tests.policies.changes import Change, Inputs, bindings, having, on, origin, plus, swapped, without
from tests.policies.residency.cases import case, inside, judged

JUDGED, BACKUPS, TELEMETRY = "destinations-are-judged", "backups-go-to-canada", "database-sends-no-telemetry"
DSN = "https://0123456789abcdef@o1.ingest.us.sentry.io/2"
HOOK = "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
FUNCTION = "aws:lambda/function:Function"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
PLACED = {"region": "aws:ca-central-1"}


def variable(name: str, text: Any, kind: str = "plain_text") -> Change:
    return on("api-version", bindings({"type": kind, "name": name, "text": text}))


def host(change: Callable[[Inputs], Inputs]) -> Change:
    """Another specification for the database's host."""

    def changed(plan: Plan) -> Plan:
        (old,) = plan.of_type(tokens.POSTGRES_HOST)
        inputs = {**old.inputs, "specification": change(old.inputs["specification"])}
        return swapped(plan, old, replace(old, inputs=inputs))

    return changed


def backup(**changes: Any) -> Change:
    return host(lambda specification: {**specification, "backup": {**specification["backup"], **changes}})


def bundle(*files: tuple[str, str]) -> Change:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return on("bundles-a", having(contentBase64=base64.b64encode(file.getvalue()).decode()))


CONFIGURATION = f"host/templates/{database.CONFIGURATION}"
CASES = {
    "Sentry": case(variable("SENTRY", DSN), JUDGED),
    "Sentry, as a secret": case(variable("SENTRY_DSN", Secret(DSN), "secret_text"), JUDGED),
    "Sentry's host alone": case(variable("INGEST", "o1.ingest.us.sentry.io"), JUDGED),
    "Sentry in capitals": case(variable("INGEST", "O1.INGEST.SENTRY.IO"), JUDGED),
    "Sentry in JSON": case(variable("CONFIG", json.dumps({"errors": {"dsn": DSN}})), JUDGED),
    "Sentry in base64": case(variable("CONFIG", base64.b64encode(DSN.encode()).decode()), JUDGED),
    "a stranger": case(variable("NEXT", "https://stranger.example.com/x"), JUDGED),
    "a stranger's host, by the variable's name": case(variable("OTLP_ENDPOINT", "stranger.example.com:4317"), JUDGED),
    "a stranger's address": case(variable("NEXT", "https://192.0.43.8/x"), JUDGED),
    "a database of a stranger": case(
        variable("NEXT", Secret("postgres://a:b@db.example.com/a"), "secret_text"), JUDGED
    ),
    "a name that ends alike": case(variable("NEXT", "https://evilapp-dev.automatonicai.com.example.com/"), JUDGED),
    "the stack's own name": case(variable("NEXT", "https://app-dev.automatonicai.com/x")),
    "a private address": case(variable("NEXT", "http://10.0.0.1:8080/")),
    "a host of the same machine": case(variable("NEXT", "http://localhost:8080/")),
    "S3 in Montreal": case(variable("S3_ENDPOINT", "https://s3.ca-central-1.amazonaws.com")),
    "a plain word": case(variable("REGION_NAME", "montreal")),
    "an address of a preview": case(on("api-version", having(urls=["https://x.account.workers.dev"]))),
    "a version": case(variable("BUILD", "1.2.3")),
    "text unknown": case(variable("NEXT", Computed())),
    "an uptime monitor": case(plus(HOOK, name="w", url="https://uptime.betterstack.com/api/v1/x")),
    "a monitor that nobody judged": case(plus(HOOK, name="w", url="https://uptime.example.com/x"), JUDGED),
    "another address of Cloudflare's API": case(on("cloudflare", having(baseUrl="https://api.example.com/")), JUDGED),
    "Cloudflare's API": case(on("cloudflare", having(baseUrl="https://api.cloudflare.com/client/v4"))),
    "a link in a comment": case(on("site-record", having(comment="see https://wiki.example.com/dns"))),
    "the stand-by's older name": case(on("site-record", having(content="cname.vercel-dns.com"))),
    "a stand-by that nobody judged": case(on("site-record", having(content="edge.example.net")), JUDGED),
    "a record of text": case(plus(RECORD, type="TXT", name="t.example.com", content="v=spf1 include:mail.example.net")),
    "a record unknown": case(plus(RECORD, type="CNAME", name="t.example.com", content=Computed()), JUDGED),
    "a monitor unknown": case(plus(HOOK, name="w", url=Computed()), JUDGED),
    "a health check of a stranger": case(
        plus("cloudflare:index/healthcheck:Healthcheck", address="db.example.net", name="h"), JUDGED
    ),
    "a health check of our own": case(
        plus("cloudflare:index/healthcheck:Healthcheck", address="app-dev.automatonicai.com", name="h")
    ),
    "a database by another name": case(on("hyperdrive-regulated", origin(host="db.example.net")), JUDGED),
    "a function that tells a stranger": case(
        plus(FUNCTION, region="ca-central-1", environment={"variables": {"SENTRY_DSN": DSN}}), JUDGED
    ),
    "a public Worker that tells Sentry": case(
        inside(
            VERSION,
            "hybrid:edge:PagesStaticSite",
            {"dataClass": "public"},
            placement=PLACED,
            bindings=[{"type": "plain_text", "name": "A", "text": DSN}],
        ),
        JUDGED,
    ),
    "a Worker without data that tells Sentry": case(
        inside(
            VERSION,
            "hybrid:edge:FailoverHost",
            {"dataClass": "none"},
            placement=PLACED,
            bindings=[{"type": "plain_text", "name": "A", "text": DSN}],
        )
    ),
    "backups to another endpoint": case(backup(endpoint="s3.example.com"), BACKUPS),
    "backups elsewhere": case(
        backup(region="eu-west-1", endpoint="s3.eu-west-1.amazonaws.com"), BACKUPS, "written-regions-are-canadian"
    ),
    "backups to two regions": case(backup(region="ca-west-1"), BACKUPS),
    "backups somewhere": case(backup(endpoint=None), BACKUPS),
    "backups unknown": case(backup(endpoint=Computed()), BACKUPS),
    "copies elsewhere": case(backup(copy={"endpoint": "s3.example.com", "region": "ca-west-1"}), BACKUPS),
    "no copies": case(backup(copy=None)),
    "no backups": case(host(lambda specification: {**specification, "backup": None}), BACKUPS),
    "telemetry not mentioned": case(bundle((CONFIGURATION, "port = 5432\n")), TELEMETRY),
    "telemetry on": case(bundle((CONFIGURATION, "timescaledb.telemetry_level = basic\n")), TELEMETRY),
    "telemetry on again": case(
        bundle((CONFIGURATION, "timescaledb.telemetry_level = off\ntimescaledb.telemetry_level = 'basic'\n")), TELEMETRY
    ),
    "telemetry off in a comment": case(bundle((CONFIGURATION, "# timescaledb.telemetry_level = off\n")), TELEMETRY),
    "telemetry off": case(bundle((CONFIGURATION, "timescaledb.telemetry_level = 'off'\n"))),
    "no configuration": case(bundle(("host/apply.py", "")), TELEMETRY),
    "a bundle that is none": case(on("bundles-a", having(contentBase64="x")), TELEMETRY),
    "no bundle": case(on("bundles-a", without("contentBase64")), TELEMETRY),
    "a bundle unknown": case(on("bundles-a", having(contentBase64=Computed())), TELEMETRY),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_breaks_its_rules_and_no_other(name: str, rules_broken: dict[str, set[str]]) -> None:
    assert rules_broken[name] == CASES[name].rules


def test_no_message_names_the_host(dev_plan: Plan) -> None:
    said = " ".join(finding.message for findings in judged(dev_plan, CASES).values() for finding in findings)
    assert [
        value for value in ("stranger.example", "o1.ingest", "0123456789abcdef", "192.0.43.8") if value in said
    ] == []


@pytest.mark.parametrize("name", ["sentry.io", "o1.ingest.us.sentry.io", "a.b.vercel-dns.com"])
def test_a_third_party_is_known_by_every_name_below_its_own(name: str) -> None:
    assert judged_host(name) is not None


@pytest.mark.parametrize("name", ["notsentry.io", "sentry.io.example.com", "io", ""])
def test_another_name_is_nobodys(name: str) -> None:
    assert judged_host(name) is None


def test_every_third_party_says_why() -> None:
    assert all(host.why.endswith(".") and len(host.why) > 20 for host in HOSTS.values())
    assert all(host.most is not DataClass.PERSONAL for host in HOSTS.values())
