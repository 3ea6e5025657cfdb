"""The policy packs do their work inside the engine."""

from pathlib import Path

import pytest

from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

PACKS = ("--policy-pack=policies/residency", "--policy-pack=policies/secrets")
OPEN_PORT = """
import pulumi
import pulumi_aws as aws

montreal = aws.Provider("montreal", region="ca-central-1")
aws.lightsail.InstancePublicPorts(
    "ports",
    instance_name="any",
    region="ca-central-1",
    port_infos=[
        {
            "protocol": "tcp",
            "from_port": 5432,
            "to_port": 5432,
            "cidrs": ["203.0.113.0/24"],
            "ipv6_cidrs": ["100::/64"],
        }
    ],
    opts=pulumi.ResourceOptions(provider=montreal),
)
"""


def test_the_packs_pass_the_dev_stack_and_judge_all_of_it(fresh: TrialEngine) -> None:
    words = fresh.run("preview", "--stack=dev", *PACKS)
    for pack in ("hybrid-residency", "hybrid-secrets"):
        assert pack in words
    # So the SDK words it when a rule meets a value that is not known yet, and lets the stack pass.
    assert "can't run policy" not in words


def test_the_packs_pass_what_is_deployed(deployed: TrialEngine) -> None:
    words = deployed.run("policy", "analyze", "--stack=prod", *PACKS)
    assert "hybrid-residency" in words


def test_the_packs_refuse_an_open_database_port(fresh: TrialEngine, tmp_path: Path) -> None:
    engine = fresh.copy(tmp_path / "engine")
    (engine.project / "__main__.py").write_text(OPEN_PORT)
    words = engine.run("preview", "--stack=dev", *PACKS, is_refused=True)
    assert "database-port-is-closed" in words
    # Nor is there a Hyperdrive configuration that would ask for a certificate.
    assert "database-port-asks-for-certificates" in words
    assert words.count("[mandatory]") == 2
