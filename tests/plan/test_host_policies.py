"""What a host may do in AWS: every action on every resource, and that nothing of it is beyond the boundary."""

import fnmatch
import json

import pytest

from components.host_policies import agent_policy, configuration_policy
from components.permissions_boundary import boundary_policy
from plan.model import Computed, Plan, Resource
from tests.plan.grants import Grant, grants, unknown_actions

ACCOUNT = "111111111111"
SSM = f"arn:aws:ssm:ca-central-1:{ACCOUNT}"
BUNDLE = f"arn:aws:s3:::shop-dev-bundles-{ACCOUNT}/postgres-a.tar.gz"
NODES, ASSOCIATIONS = f"{SSM}:managed-instance/*", f"{SSM}:association/*"


def of_the_agent(prefix: str) -> list[Grant]:
    return [
        ("ssm: GetDocument", [f"{SSM}:document/{prefix}-postgres-converge"], None),
        ("ssm: ListInstanceAssociations UpdateInstanceInformation", [NODES], None),
        ("ssm: UpdateInstanceAssociationStatus", [ASSOCIATIONS, NODES], None),
        ("ssmmessages: CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel", ["*"], None),
    ]


def of_secrets(prefix: str) -> list[Grant]:
    parameters = f"{SSM}:parameter/{prefix}/postgres/*"
    when = {
        "StringEquals": {"kms:ViaService": "ssm.ca-central-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": parameters},
    }
    return [
        ("ssm: GetParameters", [parameters], None),
        ("kms: Decrypt", [f"arn:aws:kms:ca-central-1:{ACCOUNT}:key/*"], when),
    ]


def of_bundles(arn: str) -> list[Grant]:
    return [("s3: GetObject GetObjectVersion", [arn], None)]


BOUNDARY = boundary_policy("shop-dev", ACCOUNT)


def test_the_agent_has_what_associations_and_sessions_need() -> None:
    assert grants(agent_policy("shop-dev", ACCOUNT)) == of_the_agent("shop-dev")


def test_a_host_reads_its_own_parameters_and_bundle_only() -> None:
    assert grants(configuration_policy("shop-dev", ACCOUNT, [BUNDLE])) == [
        *of_secrets("shop-dev"),
        *of_bundles(BUNDLE),
    ]


def test_the_boundary_is_objects_of_the_stacks_buckets_and_what_a_host_does() -> None:
    assert grants(BOUNDARY) == [
        ("s3: ListBucket GetObject PutObject DeleteObject AbortMultipartUpload", ["arn:aws:s3:::shop-dev-*"], None),
        ("s3: GetObjectVersion", [f"arn:aws:s3:::shop-dev-bundles-{ACCOUNT}/*"], None),
        *of_the_agent("shop-dev"),
        *of_secrets("shop-dev"),
    ]


@pytest.mark.parametrize(
    "document",
    [BOUNDARY, agent_policy("shop-dev", ACCOUNT), configuration_policy("shop-dev", ACCOUNT, [BUNDLE])],
)
def test_every_action_exists(document: dict[str, object]) -> None:
    assert unknown_actions(document) == []


def test_an_invented_action_is_found() -> None:
    invented = {"Statement": [{"Effect": "Allow", "Action": ["ssm:GetAllParameters"], "Resource": ["*"]}]}
    assert unknown_actions(invented) == ["ssm:GetAllParameters"]


def test_the_boundary_fits_into_a_managed_policy() -> None:
    # IAM quotas: 6,144 characters, without white space.
    assert len(json.dumps(BOUNDARY, separators=(",", ":"))) < 6144


def policies(plan: Plan) -> dict[str, Resource]:
    return {found.name: found for found in plan.resources if found.name.startswith("identity-")}


def resolved(plan: Plan, policy: Computed | str) -> dict[str, object]:
    """A declared document, with buckets' ARNs by their declared names in place of what the cloud makes up."""
    text = policy if isinstance(policy, str) else policy.resolve(lambda urn, _: _bucket_arn(plan, urn))
    document: dict[str, object] = json.loads(text)
    return document


def _bucket_arn(plan: Plan, urn: str) -> str:
    assert plan.by_urn[urn].type == "aws:s3/bucket:Bucket"
    return f"arn:aws:s3:::{plan.by_urn[urn].inputs['bucket']}"


def test_the_role_has_these_rights_and_no_more(dev_plan: Plan) -> None:
    declared = policies(dev_plan)
    given = {
        name: grants(resolved(dev_plan, found.inputs["policy"]))
        for name, found in declared.items()
        if name != "identity-role"
    }
    stack, backups = "automatonicai-dev", f"arn:aws:s3:::automatonicai-dev-backups-{ACCOUNT}"
    assert given == {
        "identity-systems-manager": of_the_agent(stack),
        "identity-configuration": [
            *of_secrets(stack),
            *of_bundles(f"arn:aws:s3:::automatonicai-dev-bundles-{ACCOUNT}/postgres-a.tar.gz"),
        ],
        "identity-backups": [
            ("s3: ListBucket", backups, None),
            ("s3: GetObject PutObject DeleteObject AbortMultipartUpload", f"{backups}/*", None),
        ],
    }
    # Nothing is written into the role itself.
    assert not {"inlinePolicies", "managedPolicyArns"} & declared["identity-role"].inputs.keys()
    assert {found.inputs["role"] for name, found in declared.items() if name in given} == {f"{stack}-postgres-host"}
    assert not dev_plan.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")


def test_nothing_that_the_role_may_do_is_beyond_the_boundary(dev_plan: Plan) -> None:
    boundary = [
        (f"{grant.partition(':')[0]}:{action}", pattern, condition)
        for grant, resources, condition in grants(boundary_policy("automatonicai-dev", ACCOUNT))
        for action in grant.partition(": ")[2].split()
        for pattern in resources
    ]
    for name, declared in policies(dev_plan).items():
        for grant, resources, condition in (
            grants(resolved(dev_plan, declared.inputs["policy"])) if name != "identity-role" else []
        ):
            for action in grant.partition(": ")[2].split():
                named = f"{grant.partition(':')[0]}:{action}"
                allowed = [pattern for known, pattern, when in boundary if (known, when) == (named, condition)]
                for resource in resources if isinstance(resources, list) else [resources]:
                    assert any(fnmatch.fnmatchcase(resource, pattern) for pattern in allowed), (named, resource)


def test_only_nodes_of_the_account_take_the_role_on(dev_plan: Plan) -> None:
    role = policies(dev_plan)["identity-role"].inputs
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "ssm.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"{SSM}:*"},
        },
    }
    assert role["name"] == "automatonicai-dev-postgres-host"
