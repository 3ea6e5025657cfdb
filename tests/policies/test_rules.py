"""Every rule against the recorded plan, broken one way at a time; real packs in processes of their own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from components.common.cloudflare_ranges import IPV4
from plan.model import Computed, Plan, Secret
from policies.rules.findings import Finding
from tests.policies import running
from tests.policies.changes import (
    Inputs,
    added,
    bindings,
    broken,
    cloudflare_port,
    having,
    origin,
    port_rule,
    removed,
    swapped,
    without,
)
from tests.policies.running import rules

PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"
ACCESS_KEY = "AKIA" + "Q" * 16
HALVES = {"a": ACCESS_KEY[:11], "b": ACCESS_KEY[11:]}

CASES: dict[str, tuple[str, Callable[[Inputs], Inputs], str]] = {
    "region elsewhere": ("postgres-a-data", having(region="us-east-1"), "resources-are-in-canada"),
    "zone elsewhere": ("postgres-a-instance", having(availabilityZone="us-east-1a"), "resources-are-in-canada"),
    "zone unknown": ("postgres-a-instance", having(availabilityZone=Computed()), "resources-are-in-canada"),
    "region unknown": ("backups-bucket", having(region=Computed()), "resources-are-in-canada"),
    "provider elsewhere": ("montreal", having(region="eu-west-1"), "resources-are-in-canada"),
    "provider without region": ("montreal", without("region"), "resources-are-in-canada"),
    "worker not placed": ("api-version", without("placement"), "workers-run-next-to-the-database"),
    "worker placed elsewhere": (
        "api-version",
        having(placement={"region": "aws:us-east-1"}),
        "workers-run-next-to-the-database",
    ),
    "regulated cache": (
        "hyperdrive-regulated",
        having(caching={"disabled": False}),
        "hyperdrive-caches-public-data-only",
    ),
    "cache by default": ("hyperdrive-regulated", without("caching"), "hyperdrive-caches-public-data-only"),
    "app role in the cache": ("hyperdrive-public", origin(user="app"), "hyperdrive-caches-public-data-only"),
    "port 5432": ("postgres-a-ports", port_rule(fromPort=5432, toPort=5432), "database-port-is-closed"),
    "range over 5432": ("postgres-a-ports", port_rule(fromPort=5000, toPort=6000), "database-port-is-closed"),
    "port 5432 for strangers besides": (
        "postgres-a-ports",
        cloudflare_port(cidrs=[*IPV4, "203.0.113.0/24"]),
        "database-port-is-closed",
    ),
    "port 5432 for a wider network": (
        "postgres-a-ports",
        cloudflare_port(cidrs=["104.16.0.0/12"]),
        "database-port-is-closed",
    ),
    "port 5432 with a list left out": ("postgres-a-ports", cloudflare_port(ipv6Cidrs=None), "database-port-is-closed"),
    "more ports than 5432": ("postgres-a-ports", cloudflare_port(toPort=5433), "database-port-is-closed"),
    "pooler's port for Cloudflare": (
        "postgres-a-ports",
        cloudflare_port(fromPort=6432, toPort=6432),
        "database-port-is-closed",
    ),
    "all protocols for Cloudflare": (
        "postgres-a-ports",
        cloudflare_port(protocol="all", fromPort=0, toPort=0),
        "database-port-is-closed",
    ),
    "port 5432 beside a tunnel": ("postgres-a-ports", cloudflare_port(), "database-port-asks-for-certificates"),
    "Hyperdrive without a endpoint": (
        "hyperdrive-regulated",
        origin(accessClientId=None, accessClientSecret=None),
        "hyperdrive-is-known",
    ),
    "Hyperdrive with half a token": ("hyperdrive-public", origin(accessClientSecret=None), "hyperdrive-is-known"),
    "origin unknown": ("hyperdrive-public", having(origin=Computed()), "hyperdrive-is-known"),
    "pooler's port": ("postgres-a-ports", port_rule(fromPort=6432, toPort=6432), "database-port-is-closed"),
    "all protocols": ("postgres-a-ports", port_rule(protocol="all", fromPort=0, toPort=0), "database-port-is-closed"),
    "open to the world": ("postgres-a-ports", port_rule(cidrs=["0.0.0.0/0"]), "firewall-names-networks"),
    "open to the world by IPv6": ("postgres-a-ports", port_rule(ipv6Cidrs=["::/0"]), "firewall-names-networks"),
    "half the world": ("postgres-a-ports", port_rule(cidrs=["0.0.0.0/1", "128.0.0.0/1"]), "firewall-names-networks"),
    "more than a /16": ("postgres-a-ports", port_rule(cidrs=["10.0.0.0/16", "10.1.0.0/32"]), "firewall-names-networks"),
    "more than a /48 by IPv6": ("postgres-a-ports", port_rule(ipv6Cidrs=["2001:db8::/47"]), "firewall-names-networks"),
    "no network": ("postgres-a-ports", port_rule(cidrs=["office"]), "firewall-names-networks"),
    "an alias": ("postgres-a-ports", port_rule(cidrListAliases=["lightsail-connect"]), "firewall-names-networks"),
    "networks unknown": ("postgres-a-ports", port_rule(cidrs=Computed()), "firewall-names-networks"),
    "an instance without a name": ("postgres-a-instance", without("name"), "firewall-is-declared"),
    "ports of another instance": ("postgres-a-ports", having(instanceName="other"), "firewall-is-declared"),
    "people are let in": ("tunnel-policy", having(decision="allow"), "database-hostname-is-behind-access"),
    "Access is bypassed": ("tunnel-policy", having(decision="bypass"), "database-hostname-is-behind-access"),
    "everyone is let in": ("tunnel-policy", having(includes=[{"everyone": {}}]), "database-hostname-is-behind-access"),
    "nobody is named": ("tunnel-policy", without("includes"), "database-hostname-is-behind-access"),
    "decision unknown": ("tunnel-policy", having(decision=Computed()), "database-hostname-is-behind-access"),
    "application without policies": ("tunnel-application", without("policies"), "database-hostname-is-behind-access"),
    "a policy inside the application": (
        "tunnel-application",
        lambda inputs: {**inputs, "policies": [*inputs["policies"], {"decision": "bypass"}]},
        "database-hostname-is-behind-access",
    ),
    "application for another name": (
        "tunnel-application",
        having(domain="other.example.com"),
        "database-hostname-is-behind-access",
    ),
    "application of the pooler for another name": (
        "tunnel-pooler-application",
        having(domain="other.example.com"),
        "database-hostname-is-behind-access",
    ),
    "application of the pooler without policies": (
        "tunnel-pooler-application",
        without("policies"),
        "database-hostname-is-behind-access",
    ),
    "people at the pooler": ("tunnel-operators-policy", having(decision="allow"), "database-hostname-is-behind-access"),
    "ingress for every name": (
        "tunnel-ingress",
        having(config={"ingresses": [{"service": "tcp://localhost:5432"}]}),
        "database-hostname-is-behind-access",
    ),
    "a list left out": ("postgres-a-ports", port_rule(ipv6Cidrs=None), "firewall-names-networks"),
    "ports unknown": ("postgres-a-ports", having(portInfos=Computed()), "database-port-is-closed"),
    "password in user data": (
        "postgres-a-instance",
        having(userData="export PGPASSWORD=hunter2"),
        "user-data-holds-no-secret",
    ),
    "key in user data": ("postgres-a-instance", having(userData=PRIVATE_KEY), "user-data-holds-no-secret"),
    "password as plain text": (
        "api-version",
        lambda inputs: {
            **inputs,
            "bindings": [*inputs["bindings"], {"type": "plain_text", "name": "DB_PASSWORD", "text": "x"}],
        },
        "plain-text-bindings-hold-no-secret",
    ),
    "access key in a comment": ("site-record", having(comment=ACCESS_KEY), "inputs-hold-no-known-secret"),
    "connection string": (
        "api-version",
        lambda inputs: {
            **inputs,
            "bindings": [{"type": "plain_text", "name": "URL", "text": "postgres://a:b@c/d"}],
        },
        "inputs-hold-no-known-secret",
    ),
    "generated key pair": ("postgres-a-key", without("publicKey"), "key-pairs-are-given"),
    "a secret binding in the clear": (
        "api-version",
        bindings({"type": "secret_text", "name": "KEY", "text": "hunter2"}),
        "sensitive-inputs-are-secret",
    ),
    "password in the clear": ("hyperdrive-regulated", origin(password="hunter2"), "sensitive-inputs-are-secret"),
}


@pytest.fixture(scope="module")
def findings(dev_plan: Plan) -> dict[str, tuple[Finding, ...]]:
    """What the gate says of each case."""
    plans = [broken(dev_plan, name, change) for name, change, _ in CASES.values()]
    return {case: verdict.findings for case, verdict in zip(CASES, running.judge(plans), strict=True)}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_stack_is_refused(case: str, findings: dict[str, tuple[Finding, ...]]) -> None:
    name, _, rule = CASES[case]
    hits = [finding for finding in findings[case] if finding.rule == rule]
    assert hits, findings[case]
    elsewhere = (
        "origin",
        "provider",
        "ports of",
        "instance name",
        "application for",
        "application of the pooler for",
        "nobody",
        "people",
        "Access",
        "everyone",
        "decision",
    )
    assert any(finding.urn.endswith(f"::{name}") or case.startswith(elsewhere) for finding in hits)


@pytest.mark.parametrize("case", [case for case in CASES if "unknown" in case])
def test_what_is_unknown_counts_as_a_violation(case: str, findings: dict[str, tuple[Finding, ...]]) -> None:
    assert any(finding.is_unchecked and finding.rule == CASES[case][2] for finding in findings[case])


def test_no_message_repeats_a_value(findings: dict[str, tuple[Finding, ...]]) -> None:
    said = " ".join(finding.message for found in findings.values() for finding in found)
    assert not [
        value for value in ("hunter2", ACCESS_KEY, PRIVATE_KEY, "postgres://a:b", "us-east-1a") if value in said
    ]


# Resources that must not be there: the type, its inputs, and the rule.
REFUSED: dict[str, tuple[str, str, Inputs, str]] = {
    "security group": ("aws:ec2/securityGroup:SecurityGroup", "extra", {}, "services-are-judged"),
    "database elsewhere": ("aws:dynamodb/table:Table", "extra", {}, "services-are-judged"),
    "another cloud": ("gcp:storage/bucket:Bucket", "extra", {}, "services-are-judged"),
    "key in another store": ("aws:kms/customKeyStore:CustomKeyStore", "extra", {}, "services-are-judged"),
    "stream of figures": ("aws:cloudwatch/metricStream:MetricStream", "extra", {}, "services-are-judged"),
    "old worker": ("cloudflare:index/workersScript:WorkersScript", "extra", {}, "workers-run-next-to-the-database"),
    "second instance": ("aws:lightsail/instance:Instance", "extra", {"name": "b"}, "firewall-is-declared"),
    "tunnel without names": (
        "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared",
        "extra",
        {},
        "database-hostname-is-behind-access",
    ),
    "plain parameter": (
        "aws:ssm/parameter:Parameter",
        "extra",
        {"name": "/db/password", "type": "String", "value": "x"},
        "secret-parameters-are-encrypted",
    ),
    "parameter without a type": (
        "aws:ssm/parameter:Parameter",
        "db-password",
        {"value": "x"},
        "secret-parameters-are-encrypted",
    ),
    "parameter of unknown type": (
        "aws:ssm/parameter:Parameter",
        "db-password",
        {"type": Computed(), "value": "x"},
        "secret-parameters-are-encrypted",
    ),
    "encrypted parameter in the clear": (
        "aws:ssm/parameter:Parameter",
        "extra",
        {"type": "SecureString", "value": "x"},
        "sensitive-inputs-are-secret",
    ),
    "access key": ("aws:iam/accessKey:AccessKey", "extra", {"user": "u"}, "access-keys-are-made-elsewhere"),
    "tag called like a secret": ("aws:kms/alias:Alias", "extra", {"tags": {"pwd": "x"}}, "variables-hold-no-secret"),
    "key in two tags": ("aws:kms/alias:Alias", "extra", {"tags": HALVES}, "secrets-are-not-split"),
    "random bytes": ("random:index/randomBytes:RandomBytes", "extra", {}, "secrets-are-generated-as-passwords"),
    "random ID as a secret": ("random:index/randomId:RandomId", "app-secret", {}, "secrets-are-generated-as-passwords"),
}


def test_a_resource_that_must_not_be_there_is_refused(dev_plan: Plan) -> None:
    plans = [added(dev_plan, type_, name, **inputs) for type_, name, inputs, _ in REFUSED.values()]
    missed = [
        case for case, broken_rules in zip(REFUSED, rules(plans), strict=True) if REFUSED[case][3] not in broken_rules
    ]
    assert missed == []


def test_what_is_left_out_is_refused(dev_plan: Plan) -> None:
    names = {
        "postgres-a-ports": "firewall-is-declared",
        "tunnel-application": "database-hostname-is-behind-access",
        "tunnel-pooler-application": "database-hostname-is-behind-access",
        "tunnel-ingress": "database-hostname-is-behind-access",
    }
    assert rules([removed(dev_plan, name) for name in names]) == [{rule} for rule in names.values()]


def test_an_r2_bucket_outside_a_public_component_is_refused(dev_plan: Plan) -> None:
    (bucket,) = dev_plan.of_type("cloudflare:index/r2Bucket:R2Bucket")
    component = dev_plan.by_urn[bucket.parent or ""]
    regulated = replace(component, outputs={**component.outputs, "dataClass": "regulated"})
    orphan = replace(bucket, parent=None)
    for verdict in running.judge([swapped(dev_plan, component, regulated), swapped(dev_plan, bucket, orphan)]):
        assert [finding.rule for finding in verdict.findings] == ["r2-holds-public-data-only"]
        assert verdict.findings[0].place.startswith("components/storage/media_bucket.py:")


def test_what_is_in_order_passes(dev_plan: Plan) -> None:
    text = Secret("postgres://app:hunter2@db/app")
    plans = [
        broken(dev_plan, "api-version", bindings({"type": "secret_text", "name": "DATABASE_URL", "text": text})),
        broken(dev_plan, "postgres-a-ports", port_rule(cidrs=["10.0.0.0/16"], ipv6Cidrs=["2001:db8::/48"])),
        added(dev_plan, "aws:ssm/parameter:Parameter", name="p", type="SecureString", value=text),
        added(dev_plan, "random:index/randomId:RandomId", "build"),
    ]
    assert rules(plans) == [set()] * 4
