"""The gate's own rules: what is given as a secret, and what exports hold."""

from dataclasses import replace

import pytest

from components.resource_types.tokens import PARAMETER
from plan.model import Computed, Plan, Resource, Secret
from plan.project import ROOT
from policies.gate import sensitive
from policies.gate.rules import own_findings
from policies.rules.findings import Subject
from tests.policies import running
from tests.policies.changes import added, broken, origin
from tests.policies.running import rules


def test_a_secret_password_passes(dev_plan: Plan) -> None:
    plan = broken(dev_plan, "hyperdrive-regulated", origin(password=Secret("hunter2")))
    (verdict,) = running.judge([plan])
    assert verdict.findings == ()


def test_a_mark_that_the_sdk_sets_by_itself_makes_no_secret(dev_plan: Plan) -> None:
    switch = {"name": "/app/feature", "type": "String", "value": Secret("on")}
    (password, *_) = dev_plan.of_type("random:index/randomPassword:RandomPassword")
    made = {**switch, "value": Secret(Computed(f"${{{password.urn}#result}}"))}
    held = [
        [
            path
            for resource, path, _ in sensitive.misplaced(added(dev_plan, PARAMETER, **inputs))
            if resource.name == "extra"
        ]
        for inputs in (switch, made)
    ]
    assert held == [[], ["value"]]


EXPORTS = {
    "token": "ghp_" + "a" * 36,
    "urls": ["postgres://app:hunter2@db/app"],
    "password": Computed("x-${%s#result}"),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_that_holds_a_secret_is_refused(dev_plan: Plan, name: str) -> None:
    (urn, *_) = (found.urn for found in dev_plan.of_type("random:index/randomPassword:RandomPassword"))
    value = EXPORTS[name]
    given = Computed(value.template % urn) if isinstance(value, Computed) else value
    bad, good = (replace(dev_plan, outputs={**dev_plan.outputs, name: found}) for found in (given, Secret(given)))
    assert rules([bad, good]) == [{"exports-hold-no-secret"}, set()]


HYPERDRIVE = "cloudflare:index/hyperdriveConfig:HyperdriveConfig"
CIPHERTEXT = Secret("[secret]")


def state(type_token: str, inputs: dict[str, object], outputs: dict[str, object]) -> Plan:
    urn = f"urn:pulumi:dev::hybrid::{type_token}::one"
    one = Resource(urn=urn, type=type_token, name="one", custom=True, inputs=inputs, outputs=outputs)
    return Plan(project="hybrid", stack="dev", resources=(one,))


STATES: dict[str, tuple[str, dict[str, object], dict[str, object], set[str]]] = {
    "nested input": (HYPERDRIVE, {"origin": {"password": "x"}}, {}, {"inputs.origin.password"}),
    "nested output": (HYPERDRIVE, {}, {"origin": {"password": "x"}}, {"outputs.origin.password"}),
    "all in cipher": (HYPERDRIVE, {"origin": {"password": CIPHERTEXT}}, {"origin": CIPHERTEXT}, set()),
    "generated password": (
        "random:index/randomPassword:RandomPassword",
        {},
        {"result": "x", "bcryptHash": CIPHERTEXT},
        {"outputs.result"},
    ),
    "output that was not made": ("aws:lightsail/keyPair:KeyPair", {}, {"privateKey": ""}, set()),
    "list of bindings": (
        "cloudflare:index/workerVersion:WorkerVersion",
        {"bindings": [{"type": "plain_text", "text": "x"}, {"type": "secret_text", "text": "x"}]},
        {},
        {"inputs.bindings[1].text"},
    ),
    "plain parameter": (PARAMETER, {"type": "String", "value": "x"}, {"type": "String", "value": "x"}, set()),
    "secure parameter": (
        PARAMETER,
        {"type": "SecureString", "value": CIPHERTEXT},
        {"type": "SecureString", "value": "x"},
        {"outputs.value"},
    ),
    "provider": ("pulumi:providers:cloudflare", {"apiToken": "x"}, {"apiToken": CIPHERTEXT}, {"inputs.apiToken"}),
    "variables of Pages": (
        "cloudflare:index/pagesProject:PagesProject",
        {"deploymentConfigs": {"preview": {"envVars": {"K": {"type": "secret_text", "value": "x"}}}}},
        {},
        {"inputs.deploymentConfigs.preview.envVars.K.value"},
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_a_state_keeps_secrets_as_ciphertext(case: str) -> None:
    type_token, inputs, outputs, clear = STATES[case]
    found = [path for _, path in sensitive.clear_in_state(state(type_token, inputs, outputs))]
    assert set(found) == clear
    assert len(found) == len(clear)


def test_a_setting_that_holds_a_secret_is_named_with_its_line(dev_plan: Plan) -> None:
    held = replace(dev_plan, settings={**dev_plan.settings, "hybrid:alarmEmail": EXPORTS["token"]})
    (found,) = (one for one in own_findings(Subject(plan=held)) if one.rule == sensitive.SETTINGS_RULE)
    lines = (ROOT / "Pulumi.dev.yaml").read_text().splitlines()
    (line,) = (number for number, text in enumerate(lines, 1) if "hybrid:alarmEmail" in text)
    assert found.place == f"Pulumi.dev.yaml:{line}"
