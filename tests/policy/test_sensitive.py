"""The gate's own rules: what is given as a secret, and what exports hold."""

import importlib.util
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from components.common.provider_secrets import PROVIDER_SECRETS
from components.common.sensitive_properties import PARAMETER, WORKER_VERSION
from plan.errors import PlanError
from plan.model import Computed, Plan, Resource, Secret
from plan.record import record
from policies import sensitive
from tests.policy import packs
from tests.policy.breaking import broken, origin, rules


def test_a_secret_password_passes(dev_plan: Plan) -> None:
    plan = broken(dev_plan, "hyperdrive-regulated", origin(password=Secret("hunter2")))
    (verdict,) = packs.judge([plan])
    assert verdict.findings == ()


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
        WORKER_VERSION,
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


def test_the_table_is_what_the_sdks_mark() -> None:
    # Imported, the packages would take minutes.
    found: dict[str, set[str]] = {}
    for package in ("pulumi_aws", "pulumi_cloudflare", "pulumi_random", "pulumi_tls"):
        spec = importlib.util.find_spec(package)
        folder = Path(spec.origin or "").parent if spec else Path()
        for path in folder.rglob("*.py"):
            text = path.read_text()
            for marked in re.finditer(r"additional_secret_outputs=(\[[^\]]*\])", text):
                (token,) = re.findall(r"__self__\)\.__init__\(\s*'([^']+)'", text[marked.end() :])[:1]
                name = f"pulumi:providers:{token}" if path.name == "provider.py" else token
                found.setdefault(name, set()).update(json.loads(marked[1]))
    assert {name: {*inputs, *made} for name, (inputs, made) in PROVIDER_SECRETS.items()} == found


GUARDED = """
import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random
from components.common import secret_guard

secret_guard.refuse_secrets_in_the_clear()
password = random.RandomPassword("password", length=20)
plain = random.RandomId("plain", byte_length=4)
origin = {"host": "h", "database": "d", "user": "u", "scheme": "postgres"}
def hyperdrive(name, **secrets):
    return cloudflare.HyperdriveConfig(name, account_id="a", name="n", origin={**origin, **secrets})
def version(name, *bindings):
    return cloudflare.WorkerVersion(name, account_id="a", worker_id="w", bindings=list(bindings))
"""
REFUSED = {
    "text": ("hyperdrive('x', password='hunter2')", "origin.password"),
    "output": ("hyperdrive('x', password=plain.hex)", "origin.password"),
    "both at once": (
        "hyperdrive('x', password='hunter2', access_client_secret=plain.hex)",
        "origin.password, origin.accessClientSecret",
    ),
    "class of arguments": (
        "cloudflare.HyperdriveConfig('x', account_id='a', name='n', "
        "origin=cloudflare.HyperdriveConfigOriginArgs(**origin, password='hunter2'))",
        "origin.password",
    ),
    "binding": (
        "version('x', {'type': 'plain_text', 'name': 'A', 'text': 'a'}, "
        "{'type': 'secret_text', 'name': 'B', 'text': 'b'})",
        "bindings[1].text",
    ),
    "user data": (
        "aws.lightsail.Instance('x', availability_zone='a', blueprint_id='b', bundle_id='c', user_data=plain.hex)",
        "userData",
    ),
    "child": (
        "parent = pulumi.ComponentResource('a:b:C', 'p')\n"
        "cloudflare.HyperdriveConfig('x', account_id='a', name='n', origin={**origin, 'password': 'hunter2'}, "
        "opts=pulumi.ResourceOptions(parent=parent))",
        "origin.password",
    ),
}
ALLOWED = """
hyperdrive("a", password=password.result)
hyperdrive("b", password=pulumi.Output.secret("hunter2"))
hyperdrive("c", password=pulumi.Output.concat("x", password.result))
cloudflare.HyperdriveConfig("d", account_id="a", name="n", origin=pulumi.Output.secret({**origin, "password": "x"}))
hyperdrive("e")
version("f", {"type": "secret_text", "name": "B", "text": password.result}, {"type": "x", "name": "A", "text": "a"})
version("g")
"""


@pytest.mark.parametrize("case", REFUSED)
def test_the_program_refuses_a_secret_in_the_clear(program: Callable[..., Path], case: str) -> None:
    line, paths = REFUSED[case]
    with pytest.raises(PlanError) as caught:
        record("dev", program(GUARDED + line))
    assert str(caught.value).startswith("dev: x (")
    assert f": {paths}: in the clear; allowed: a secret output" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_program_takes_secret_outputs(program: Callable[..., Path]) -> None:
    plan = record("dev", program(GUARDED + ALLOWED))
    assert len(plan.of_type(HYPERDRIVE)) == 5
    (resource,) = [found for found in plan.resources if found.name == "a"]
    assert isinstance(resource.inputs["origin"]["password"], Secret)
    assert isinstance(resource.inputs["origin"]["host"], str)
