"""The policy packs run inside the engine as they are."""

import pytest
from trial_engine import TrialEngine

pytestmark = pytest.mark.engine

PACKS = ("--policy-pack=policies/residency", "--policy-pack=policies/secrets")
OPEN_PORT = """
import pulumi_aws
pulumi_aws.lightsail.InstancePublicPorts(
    "open",
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
    opts=opts,
)
"""


def test_the_packs_pass_the_dev_stack_and_judge_all_of_it(fresh: TrialEngine) -> None:
    words = fresh.run("preview", "--stack=dev", *PACKS)
    for pack in ("hybrid-residency", "hybrid-secrets"):
        assert pack in words
    # So the SDK words it when a rule meets a value that is not known yet, and lets the stack pass.
    assert "can't run policy" not in words


def test_the_packs_refuse_an_open_database_port(mine: TrialEngine) -> None:
    with (mine.project / "__main__.py").open("a") as program:
        program.write(OPEN_PORT)
    words = mine.run("preview", "--stack=dev", *PACKS, is_refused=True)
    assert "database-port-is-closed" in words
    assert "postgres" not in words.partition("Policies:")[2]
