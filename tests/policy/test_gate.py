"""The gate: real packs in processes of their own, against the recorded plan broken one way at a time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plan.model import Computed, Plan, Resource, Secret
from policies import analyzer
from policies.errors import GateError
from policies.gate import Finding, judge

Inputs = dict[str, Any]


def broken(plan: Plan, name: str, change: Callable[[Inputs], Inputs]) -> Plan:
    """The plan with other inputs for the one custom resource of this name."""
    (resource,) = [found for found in plan.resources if found.name == name and found.custom]
    changed = replace(resource, inputs=change(resource.inputs))
    return replace(plan, resources=tuple(changed if found is resource else found for found in plan.resources))


def without(key: str) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {name: value for name, value in inputs.items() if name != key}


def having(**changes: Any) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {**inputs, **changes}


def port_rule(**changes: Any) -> Callable[[Inputs], Inputs]:
    rule = {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrs": ["203.0.113.0/24"], "ipv6Cidrs": ["100::/64"]}
    return having(portInfos=[{key: value for key, value in {**rule, **changes}.items() if value is not None}])


def origin(**changes: Any) -> Callable[[Inputs], Inputs]:
    return lambda inputs: {**inputs, "origin": {**inputs["origin"], **changes}}


PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"
ACCESS_KEY = "AKIA" + "Q" * 16

CASES: dict[str, tuple[str, Callable[[Inputs], Inputs], str]] = {
    "region elsewhere": ("postgres-data", having(region="us-east-1"), "resources-are-in-canada"),
    "zone elsewhere": ("postgres-instance", having(availabilityZone="us-east-1a"), "resources-are-in-canada"),
    "zone unknown": ("postgres-instance", having(availabilityZone=Computed()), "resources-are-in-canada"),
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
    "port 5432": ("postgres-ports", port_rule(fromPort=5432, toPort=5432), "database-port-is-closed"),
    "range over 5432": ("postgres-ports", port_rule(fromPort=5000, toPort=6000), "database-port-is-closed"),
    "pooler's port": ("postgres-ports", port_rule(fromPort=6432, toPort=6432), "database-port-is-closed"),
    "all protocols": ("postgres-ports", port_rule(protocol="all", fromPort=0, toPort=0), "database-port-is-closed"),
    "open to the world": ("postgres-ports", port_rule(cidrs=["0.0.0.0/0"]), "firewall-names-networks"),
    "open to the world by IPv6": ("postgres-ports", port_rule(ipv6Cidrs=["::/0"]), "firewall-names-networks"),
    "a list left out": ("postgres-ports", port_rule(ipv6Cidrs=None), "firewall-names-networks"),
    "ports unknown": ("postgres-ports", having(portInfos=Computed()), "database-port-is-closed"),
    "password in user data": (
        "postgres-instance",
        having(userData="export PGPASSWORD=hunter2"),
        "user-data-holds-no-secret",
    ),
    "key in user data": ("postgres-instance", having(userData=PRIVATE_KEY), "user-data-holds-no-secret"),
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
    "generated key pair": ("postgres-key", without("publicKey"), "key-pairs-are-given"),
    "password in the clear": ("hyperdrive-regulated", origin(password="hunter2"), "sensitive-inputs-are-secret"),
}


@pytest.fixture(scope="module")
def findings(dev_plan: Plan) -> dict[str, tuple[Finding, ...]]:
    """What the gate says of each case; all in one go, because a pack serves many plans."""
    plans = [broken(dev_plan, name, change) for name, change, _ in CASES.values()]
    return {case: verdict.findings for case, verdict in zip(CASES, judge(plans), strict=True)}


@pytest.mark.parametrize("case", CASES)
def test_a_broken_stack_is_refused(case: str, findings: dict[str, tuple[Finding, ...]]) -> None:
    name, _, rule = CASES[case]
    hits = [finding for finding in findings[case] if finding.rule == rule]
    assert hits, findings[case]
    assert any(finding.urn.endswith(f"::{name}") or case.startswith("provider") for finding in hits)


@pytest.mark.parametrize("case", [case for case in CASES if "unknown" in case])
def test_what_is_unknown_counts_as_a_violation(case: str, findings: dict[str, tuple[Finding, ...]]) -> None:
    assert any(finding.is_unchecked and finding.rule == CASES[case][2] for finding in findings[case])


def test_no_message_repeats_a_value(findings: dict[str, tuple[Finding, ...]]) -> None:
    said = " ".join(finding.message for found in findings.values() for finding in found)
    assert not [
        value for value in ("hunter2", ACCESS_KEY, PRIVATE_KEY, "postgres://a:b", "us-east-1a") if value in said
    ]


def test_every_rule_has_a_case() -> None:
    from policies.residency.rules import RULES as RESIDENCY
    from policies.secrets.rules import RULES as SECRETS

    covered = {rule for _, _, rule in CASES.values()} | {"r2-holds-public-data-only"}
    assert {rule.name for rule in (*RESIDENCY, *SECRETS)} <= covered


def test_dev_and_prod_pass(dev_plan: Plan, prod_plan: Plan) -> None:
    verdicts = judge([dev_plan, prod_plan])
    assert [verdict.findings for verdict in verdicts] == [(), ()]
    assert all(verdict.rules == 11 for verdict in verdicts)


def test_an_r2_bucket_outside_a_public_component_is_refused(dev_plan: Plan) -> None:
    (bucket,) = dev_plan.of_type("cloudflare:index/r2Bucket:R2Bucket")
    component = dev_plan.by_urn[bucket.parent or ""]
    regulated = replace(component, outputs={**component.outputs, "dataClass": "regulated"})
    orphan = replace(bucket, parent=None)

    def swap(old: Resource, new: Resource) -> Plan:
        return replace(dev_plan, resources=tuple(new if found is old else found for found in dev_plan.resources))

    for verdict in judge([swap(component, regulated), swap(bucket, orphan)]):
        assert [finding.rule for finding in verdict.findings] == ["r2-holds-public-data-only"]
        assert verdict.findings[0].place.startswith("components/media_bucket.py:")


def test_a_secret_password_passes(dev_plan: Plan) -> None:
    plan = broken(dev_plan, "hyperdrive-regulated", origin(password=Secret("hunter2")))
    (verdict,) = judge([plan])
    assert verdict.findings == ()


def pack(folder: Path, source: str) -> Path:
    folder.mkdir()
    (folder / "__main__.py").write_text(source)
    return folder


def test_a_pack_that_does_not_start_closes_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    with pytest.raises(GateError, match="policy pack bad: did not start: RuntimeError: no"):
        judge([dev_plan], [pack(tmp_path / "bad", "raise RuntimeError('no')")])


def test_a_rule_that_fails_closes_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    source = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
def check(args, report):
    raise KeyError("oops")
PolicyPack("failing", [ResourceValidationPolicy("r", "d", check)], enforcement_level=EnforcementLevel.MANDATORY)
"""
    with pytest.raises(GateError, match=r"policy pack failing: failed: .*oops"):
        judge([dev_plan], [pack(tmp_path / "failing", source)])


def test_the_packs_are_found() -> None:
    assert [folder.name for folder in analyzer.folders()] == ["residency", "secrets"]
