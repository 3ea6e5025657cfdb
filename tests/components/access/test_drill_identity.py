"""GitHub's drill: a role that main alone takes on, and that can have a host drill and nothing else."""

import json

from components.access.deploy_policies import Reach, drill_policy
from plan.model import Plan
from tests.components.declared import named
from tests.components.grants import grants, unknown_actions
from tests.components.host.test_policies import ACCOUNT

HERE = f"arn:aws:ssm:ca-central-1:{ACCOUNT}"


def test_it_sends_the_drills_document_to_the_stacks_hosts_and_looks(dev_plan: Plan) -> None:
    policy = json.loads(named(dev_plan, "deploy-drill-policy").inputs["policy"])
    reach = Reach(prefix="automatonicai-dev", aws_account_id=ACCOUNT, state_bucket="", state_key_alias="")
    assert policy == drill_policy(reach)
    assert grants(policy) == [
        ("ssm: SendCommand", [f"{HERE}:document/automatonicai-dev-postgres-drill"], None),
        (
            "ssm: SendCommand",
            [f"{HERE}:managed-instance/*"],
            {"StringLike": {"ssm:resourceTag/host": "automatonicai-dev-postgres-*"}},
        ),
        (
            "ssm: DescribeInstanceInformation GetCommandInvocation",
            ["*"],
            {"StringEquals": {"aws:RequestedRegion": "ca-central-1"}},
        ),
    ]
    assert unknown_actions(policy) == []


def test_the_document_and_the_nodes_are_the_declared_ones(dev_plan: Plan) -> None:
    assert named(dev_plan, "recovery-drill").inputs["name"] == "automatonicai-dev-postgres-drill"
    assert named(dev_plan, "postgres-a-activation").inputs["tags"]["host"] == "automatonicai-dev-postgres-a"
    assert dev_plan.outputs["drillDocument"] == "automatonicai-dev-postgres-drill"


def test_only_jobs_of_the_main_branch_take_it_on(dev_plan: Plan) -> None:
    role = named(dev_plan, "deploy-drill").inputs
    (statement,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:automatonicai/hybrid:ref:refs/heads/main",
        }
    }
    # What its policy allows is all: it has no boundary to hold it.
    policies = [found for found in dev_plan.of_type("aws:iam/rolePolicy:RolePolicy") if "drill" in found.name]
    assert [found.name for found in policies] == ["deploy-drill-policy"]
