"""What GitHub's jobs and the stack's identities may do in AWS: every action and every resource."""

import json
from typing import Any

import pytest

from components.deploy_policies import Document, Reach, deploy_policy, preview_policy
from components.permissions_boundary import boundary_policy
from plan.model import Plan, Resource

REACH = Reach(
    prefix="shop-dev",
    aws_account_id="111111111111",
    state_bucket="shop-state",
    state_key_alias="alias/shop-state",
)
IAM = "arn:aws:iam::111111111111"
BOUNDARY = f"{IAM}:policy/shop-dev-boundary"
OIDC = f"{IAM}:oidc-provider/token.actions.githubusercontent.com"
IDENTITIES = [f"{IAM}:role/shop-dev-*", f"{IAM}:user/shop-dev-*"]
KEYS = ["arn:aws:kms:ca-central-1:111111111111:key/*"]
STATE_KEY = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/shop-state"}}
MONTREAL = {"StringEquals": {"aws:RequestedRegion": "ca-central-1"}}

Grant = tuple[str, list[str], dict[str, Any] | None]

READS: list[Grant] = [
    (
        "lightsail: GetDisk GetInstance GetInstancePortStates GetInstanceState GetKeyPair GetStaticIp",
        ["*"],
        MONTREAL,
    ),
    (
        "s3: GetAccelerateConfiguration GetBucket* GetEncryptionConfiguration GetLifecycleConfiguration"
        " GetReplicationConfiguration ListBucket ListTagsForResource",
        ["arn:aws:s3:::shop-dev-*"],
        None,
    ),
    (
        "iam: GetOpenIDConnectProvider GetPolicy GetPolicyVersion GetRole GetRolePolicy GetUser GetUserPolicy"
        " ListAttachedRolePolicies ListAttachedUserPolicies ListGroupsForUser ListInstanceProfilesForRole"
        " ListOpenIDConnectProviderTags ListPolicyTags ListPolicyVersions ListRolePolicies ListRoleTags"
        " ListUserPolicies ListUserTags",
        [*IDENTITIES, f"{IAM}:policy/shop-dev-*", OIDC],
        None,
    ),
    ("s3: ListBucket", ["arn:aws:s3:::shop-state"], None),
    ("s3: GetObject", ["arn:aws:s3:::shop-state/*"], None),
    ("kms: Decrypt", KEYS, STATE_KEY),
]
WRITES: list[Grant] = [
    (
        "lightsail: AllocateStaticIp AttachDisk AttachStaticIp CloseInstancePublicPorts CreateDisk CreateInstances"
        " DeleteDisk DeleteInstance DeleteKeyPair DetachDisk DetachStaticIp DisableAddOn EnableAddOn GetOperation"
        " ImportKeyPair PutInstancePublicPorts ReleaseStaticIp SetIpAddressType StartInstance StopInstance"
        " TagResource UntagResource",
        ["*"],
        MONTREAL,
    ),
    (
        "s3: CreateBucket DeleteBucket DeleteBucketPolicy PutBucketOwnershipControls PutBucketPolicy"
        " PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning PutEncryptionConfiguration"
        " PutLifecycleConfiguration TagResource UntagResource",
        ["arn:aws:s3:::shop-dev-*"],
        None,
    ),
    (
        "iam: CreateRole CreateUser PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary PutUserPolicy",
        IDENTITIES,
        {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
    ),
    (
        "iam: DeleteRole DeleteRolePolicy DeleteUser DeleteUserPolicy TagRole TagUser UntagRole UntagUser"
        " UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        IDENTITIES,
        None,
    ),
    ("iam: CreateOpenIDConnectProvider TagOpenIDConnectProvider", [OIDC], None),
    ("s3: DeleteObject PutObject", ["arn:aws:s3:::shop-state/*"], None),
    ("kms: Encrypt GenerateDataKey", KEYS, STATE_KEY),
]


def statements(document: Document) -> list[dict[str, Any]]:
    listed = document["Statement"]
    assert isinstance(listed, list)
    return listed


def grants(document: Document) -> list[Grant]:
    """What is allowed, as `service: Action Action`, on what and when."""
    found = []
    for statement in statements(document):
        if statement["Effect"] == "Allow":
            (service,) = {action.partition(":")[0] for action in statement["Action"]}
            names = " ".join(action.partition(":")[2] for action in statement["Action"])
            found.append((f"{service}: {names}", statement["Resource"], statement.get("Condition")))
    return found


def test_preview_reads_what_a_refresh_needs() -> None:
    assert grants(preview_policy(REACH)) == READS
    assert len(statements(preview_policy(REACH))) == len(READS)


def test_deploy_reads_and_changes_what_the_stack_declares() -> None:
    assert grants(deploy_policy(REACH)) == [*READS, *WRITES]


def test_deploy_is_denied_the_boundary_and_githubs_roles() -> None:
    (denied,) = [statement for statement in statements(deploy_policy(REACH)) if statement["Effect"] == "Deny"]
    assert denied["NotAction"] == ["iam:Get*", "iam:List*"]
    assert denied["Resource"] == [
        f"{IAM}:role/shop-dev-deploy",
        f"{IAM}:role/shop-dev-*-deploy",
        f"{IAM}:role/shop-dev-preview",
        f"{IAM}:role/shop-dev-*-preview",
        BOUNDARY,
        f"{IAM}:policy/shop-dev-*-boundary",
    ]


@pytest.mark.parametrize("document", [deploy_policy(REACH), preview_policy(REACH)])
def test_neither_role_takes_keys_or_rights(document: Document) -> None:
    text = json.dumps(document)
    for action in ("AccessKey", "GetInstanceAccessDetails", "Attach*", "AttachRole", "PassRole", "DeleteRolePerm"):
        assert action not in text
    assert not any(action.endswith(":*") for granted, _, _ in grants(document) for action in granted.split())


@pytest.mark.parametrize("document", [deploy_policy(REACH), preview_policy(REACH)])
def test_a_role_holds_its_policy(document: Document) -> None:
    # IAM quotas: 10,240 characters of inline policies a role, without white space.
    assert len(json.dumps(document, separators=(",", ":"))) < 10_240


def test_the_boundary_allows_objects_of_the_stacks_buckets() -> None:
    assert grants(boundary_policy("shop-dev")) == [
        ("s3: ListBucket GetObject PutObject DeleteObject AbortMultipartUpload", ["arn:aws:s3:::shop-dev-*"], None)
    ]


def test_every_role_and_user_but_githubs_is_bounded(dev_plan: Plan) -> None:
    identities = [*dev_plan.of_type("aws:iam/role:Role"), *dev_plan.of_type("aws:iam/user:User")]
    boundary = dev_plan.of_type("aws:iam/policy:Policy")[0]
    assert {found.name for found in identities if _is_bounded_by(boundary, found)} == {
        "backups-writer",
        "documents-user",
    }
    assert {found.name for found in identities} - {"backups-writer", "documents-user"} == {
        "deploy-deploy",
        "deploy-preview",
    }


def _is_bounded_by(boundary: Resource, identity: Resource) -> bool:
    bound = identity.inputs.get("permissionsBoundary")
    return bound is not None and bound.reference == (boundary.urn, "arn")
