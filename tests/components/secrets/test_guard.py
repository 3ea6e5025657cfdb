"""The program refuses what is made for a secret and gets something in the clear."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plan.model import PlanError, Secret
from plan.record import record

HYPERDRIVE = "cloudflare:index/hyperdriveConfig:HyperdriveConfig"
GUARDED = """
import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_random as random
from components.secrets import guard

guard.refuse_secrets_in_the_clear()
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
