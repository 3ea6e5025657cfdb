"""What a host may do in AWS: every action on every resource, and that nothing of it is beyond the boundary."""

import fnmatch
import json
from typing import Any

import pytest

from components.access.permissions_boundary import boundary_policy
from components.host.policies import agent_policy, configuration_policy
from plan.model import Computed, Plan, Resource
from tests.components.grants import Grant, grants, unknown_actions

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


def through_s3(region: str, bucket: str) -> dict[str, Any]:
    return {
        "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, f"{bucket}/*"]},
    }


def buckets(prefix: str) -> tuple[str, str]:
    """ARNs of the backups' bucket and of its copy."""
    return f"arn:aws:s3:::{prefix}-backups-{ACCOUNT}", f"arn:aws:s3:::{prefix}-backups-copy-{ACCOUNT}"


def keys(name: str = "*", copy_name: str = "*") -> tuple[str, str]:
    return f"arn:aws:kms:ca-central-1:{ACCOUNT}:key/{name}", f"arn:aws:kms:ca-west-1:{ACCOUNT}:key/{copy_name}"


def of_backups(prefix: str, key: str, copy_key: str) -> list[Grant]:
    """Grants on backups: none to remove a version or to change or bypass a lock, and only reading of the copy."""
    bucket, copy = buckets(prefix)
    return [
        ("s3: ListBucket ListBucketVersions", [bucket, copy], None),
        ("s3: GetObject GetObjectVersion", [f"{bucket}/*", f"{copy}/*"], None),
        ("s3: PutObject DeleteObject AbortMultipartUpload", [f"{bucket}/*"], None),
        ("kms: Decrypt GenerateDataKey", [key], through_s3("ca-central-1", bucket)),
        ("kms: Decrypt", [copy_key], through_s3("ca-west-1", copy)),
    ]


def of_replication(prefix: str, key: str, copy_key: str) -> list[Grant]:
    bucket, copy = buckets(prefix)
    return [
        ("s3: GetReplicationConfiguration ListBucket", [bucket], None),
        (
            "s3: GetObjectLegalHold GetObjectRetention GetObjectVersionAcl GetObjectVersionForReplication"
            " GetObjectVersionTagging",
            [f"{bucket}/*"],
            None,
        ),
        ("s3: ReplicateDelete ReplicateObject ReplicateTags", [f"{copy}/*"], None),
        ("kms: Decrypt", [key], through_s3("ca-central-1", bucket)),
        ("kms: Encrypt GenerateDataKey", [copy_key], through_s3("ca-west-1", copy)),
    ]


def of_metrics(prefix: str) -> list[Grant]:
    return [
        ("cloudwatch: PutMetricData", ["*"], {"StringEquals": {"cloudwatch:namespace": f"{prefix}/postgres"}}),
    ]


BOUNDARY = boundary_policy("shop-dev", ACCOUNT)


def test_the_agent_has_what_associations_and_sessions_need() -> None:
    assert grants(agent_policy("shop-dev", ACCOUNT)) == of_the_agent("shop-dev")


def test_a_host_reads_its_own_parameters_and_bundle_only() -> None:
    assert grants(configuration_policy("shop-dev", ACCOUNT, [BUNDLE])) == [
        *of_secrets("shop-dev"),
        *of_bundles(BUNDLE),
    ]


def test_the_boundary_is_what_the_documents_user_a_host_and_the_replication_do() -> None:
    documents = f"arn:aws:s3:::shop-dev-documents-{ACCOUNT}"
    assert grants(BOUNDARY) == [
        ("s3: ListBucket", [documents], None),
        ("s3: GetObject PutObject DeleteObject", [f"{documents}/*"], None),
        *of_bundles(f"arn:aws:s3:::shop-dev-bundles-{ACCOUNT}/*"),
        *of_backups("shop-dev", *keys()),
        *of_replication("shop-dev", *keys()),
        *of_the_agent("shop-dev"),
        *of_secrets("shop-dev"),
        *of_metrics("shop-dev"),
    ]


@pytest.mark.parametrize("action", ["BypassGovernanceRetention", "DeleteObjectVersion", "PutObjectRetention"])
def test_nobody_of_the_stack_removes_a_version_or_changes_its_lock(action: str, dev_plan: Plan) -> None:
    granted = [BOUNDARY, *(found.inputs["policy"] for found in dev_plan.of_type("aws:iam/rolePolicy:RolePolicy"))]
    on_data = [
        (names, resource)
        for document in granted
        for names, resources, _ in grants(document if isinstance(document, dict) else resolved(dev_plan, document))
        for resource in resources
        if names.startswith("s3: ") and any(fnmatch.fnmatchcase(action, name) for name in names.split()[1:])
    ]
    # Of bundles, which hold no data, the pipeline removes what is no longer declared.
    assert all(resource.startswith("arn:aws:s3:::automatonicai-dev-bundles-") for _, resource in on_data)


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
    """A declared document, with keys' ARNs by their names in the plan in place of what the cloud makes up."""
    text = policy if isinstance(policy, str) else policy.resolve(lambda urn, _: _key_arn(plan, urn))
    document: dict[str, object] = json.loads(text)
    return document


def _key_arn(plan: Plan, urn: str) -> str:
    key = plan.by_urn[urn]
    assert key.type == "aws:kms/key:Key"
    return f"arn:aws:kms:{key.inputs['region']}:{ACCOUNT}:key/{key.name}"


def test_the_role_has_these_rights_and_no_more(dev_plan: Plan) -> None:
    declared = policies(dev_plan)
    given = {
        name: grants(resolved(dev_plan, found.inputs["policy"]))
        for name, found in declared.items()
        if name != "identity-role"
    }
    stack = "automatonicai-dev"
    assert given == {
        "identity-systems-manager": of_the_agent(stack),
        "identity-configuration": [
            *of_secrets(stack),
            *of_bundles(f"arn:aws:s3:::automatonicai-dev-bundles-{ACCOUNT}/postgres-a.tar.gz"),
        ],
        "identity-backups": of_backups(stack, *keys("backups-key", "backups-copy-key")),
        "identity-metrics": of_metrics(stack),
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
    given = [
        *(found for name, found in policies(dev_plan).items() if name != "identity-role"),
        *(
            found
            for found in dev_plan.resources
            if found.name in ("backups-replication-policy", "documents-user-policy")
        ),
    ]
    assert len(given) == 6
    for declared in given:
        for grant, resources, condition in grants(resolved(dev_plan, declared.inputs["policy"])):
            for action in grant.partition(": ")[2].split():
                named = f"{grant.partition(':')[0]}:{action}"
                allowed = [pattern for known, pattern, when in boundary if (known, when) == (named, condition)]
                for resource in resources:
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
