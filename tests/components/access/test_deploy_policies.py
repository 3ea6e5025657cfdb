"""What GitHub's jobs may do in AWS: every action and every resource."""

import fnmatch
import json
from dataclasses import replace

import pytest

from components.access.deploy_policies import Document, Reach, deploy_policy, preview_policy
from components.settings.stack import BUCKET_NAME_LENGTH, LONGEST_BUCKET_SUFFIX
from plan.model import Plan, Resource
from tests.components.grants import SESSION, Grant, grants, statements, unknown_actions

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
SSM = "arn:aws:ssm:ca-central-1:111111111111"
LABELLED = [f"{SSM}:parameter/shop-dev/*", f"{SSM}:document/shop-dev-postgres-*", f"{SSM}:association/*"]
CONVERGE = f"{SSM}:document/shop-dev-postgres-converge"
TOPIC = ["arn:aws:sns:ca-central-1:111111111111:shop-dev-postgres-alarms"]
ALARMS = ["arn:aws:cloudwatch:ca-central-1:111111111111:alarm:shop-dev-postgres-*"]
ALIASES = ["alias/shop-dev-backups", "alias/shop-dev-backups-copy", "alias/shop-dev-postgres-alarms"]
NODE_TIER = [f"{SSM}:servicesetting/ssm/managed-instance/activation-tier"]
BUNDLES = ["arn:aws:s3:::shop-dev-bundles-111111111111/*"]
MONTREAL = {"StringEquals": {"aws:RequestedRegion": "ca-central-1"}}
# IAM quotas: characters of all inline policies of a role together, without white space.
INLINE_LIMIT = 10_240

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
        "iam: GetOpenIDConnectProvider GetPolicy* GetRole* GetUser* ListAttached* ListGroupsForUser"
        " ListInstance* ListOpenID* ListPolicy* ListRole* ListUser*",
        [*IDENTITIES, f"{IAM}:policy/shop-dev-*", OIDC],
        None,
    ),
    ("s3: GetObject GetObjectTagging", BUNDLES, None),
    ("ssm: DescribeActivations DescribeParameters", ["*"], MONTREAL),
    ("ssm: GetParameter", LABELLED[:1], None),
    ("ssm: DescribeDocument* GetDocument", LABELLED[1:2], None),
    ("ssm: DescribeAssociation", LABELLED[2:], None),
    ("ssm: GetServiceSetting", NODE_TIER, None),
    ("ssm: ListTagsForResource", ["*"], MONTREAL),
    (
        "kms: DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
        [*KEYS, "arn:aws:kms:ca-west-1:111111111111:key/*"],
        {"ForAnyValue:StringEquals": {"kms:ResourceAliases": ALIASES}},
    ),
    ("kms: ListAliases", ["*"], None),
    ("sns: GetTopicAttributes ListTagsForResource", TOPIC, None),
    ("sns: GetSubscriptionAttributes", ["*"], MONTREAL),
    ("cloudwatch: DescribeAlarms ListTagsForResource", ALARMS, None),
    ("cognito-idp: DescribeUserPool* GetGroup GetUserPoolMfaConfig", ["*"], MONTREAL),
    ("s3: ListBucket", ["arn:aws:s3:::shop-state"], None),
]
STATE_READS: list[Grant] = [
    ("s3: GetObject", ["arn:aws:s3:::shop-state/*"], None),
    ("kms: Decrypt", KEYS, STATE_KEY),
]
WRITES: list[Grant] = [
    ("s3: DeleteObject GetObject PutObject", ["arn:aws:s3:::shop-state/*"], None),
    ("kms: Decrypt Encrypt GenerateDataKey", KEYS, STATE_KEY),
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
    ("s3: DeleteObject DeleteObjectVersion PutObject PutObjectTagging", BUNDLES, None),
    ("ssm: CreateActivation DeleteActivation", ["*"], MONTREAL),
    (
        "iam: PassRole",
        [f"{IAM}:role/shop-dev-postgres-host"],
        {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
    ),
    ("ssm: DeleteParameter PutParameter", LABELLED[:1], None),
    ("ssm: CreateDocument DeleteDocument UpdateDocument UpdateDocumentDefaultVersion", LABELLED[1:2], None),
    ("ssm: CreateAssociation DeleteAssociation UpdateAssociation", [LABELLED[2], CONVERGE], None),
    ("ssm: ResetServiceSetting UpdateServiceSetting", NODE_TIER, None),
    ("ssm: AddTagsToResource RemoveTagsFromResource", LABELLED, None),
    ("s3: PutBucketObjectLockConfiguration PutReplicationConfiguration", ["arn:aws:s3:::shop-dev-backups-*"], None),
    (
        "iam: PassRole",
        [f"{IAM}:role/shop-dev-backups-replication"],
        {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}},
    ),
    ("sns: CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource", TOPIC, None),
    ("sns: Subscribe", TOPIC, {"StringEquals": {"sns:Protocol": "email"}}),
    ("sns: Unsubscribe", ["*"], MONTREAL),
    ("cloudwatch: DeleteAlarms PutMetricAlarm TagResource UntagResource", ALARMS, None),
    (
        "cognito-idp: CreateGroup CreateUserPool CreateUserPoolClient CreateUserPoolDomain SetUserPoolMfaConfig"
        " TagResource UntagResource UpdateGroup UpdateUserPool UpdateUserPoolClient",
        ["*"],
        MONTREAL,
    ),
]


def test_preview_reads_what_a_refresh_needs() -> None:
    assert grants(preview_policy(REACH)) == [*READS, *STATE_READS]
    assert len(statements(preview_policy(REACH))) == len([*READS, *STATE_READS])


def test_deploy_reads_and_changes_what_the_stack_declares() -> None:
    assert grants(deploy_policy(REACH)) == [*READS, *WRITES]


def test_deploy_is_denied_the_boundary_and_every_role_without_one(dev_plan: Plan) -> None:
    (denied, _) = [statement for statement in statements(_deployed(dev_plan)) if statement["Effect"] == "Deny"]
    assert denied["NotAction"] == ["iam:Get*", "iam:List*"]
    boundary = dev_plan.of_type("aws:iam/policy:Policy")[0]
    unbounded = [found for found in dev_plan.of_type("aws:iam/role:Role") if not _is_bounded_by(boundary, found)]
    own = [f"role/{found.inputs['name']}" for found in unbounded] + [f"policy/{boundary.inputs['name']}"]
    assert len(own) == 4
    reached = [arn for arn in own if not any(fnmatch.fnmatchcase(f"{IAM}:{arn}", one) for one in denied["Resource"])]
    assert not reached, f"components/access/deploy_policies.py: JOBS: add a Job for each of {reached}"


def test_deploy_is_denied_those_of_a_stack_whose_name_starts_like_its_own() -> None:
    (denied, _) = [statement for statement in statements(deploy_policy(REACH)) if statement["Effect"] == "Deny"]
    patterns = [
        f"{IAM}:role/shop-dev*-deploy",
        f"{IAM}:role/shop-dev*-preview",
        f"{IAM}:role/shop-dev*-drill",
        f"{IAM}:policy/shop-dev*-boundary",
    ]
    assert denied["Resource"] == patterns
    assert fnmatch.fnmatchcase(f"{IAM}:role/shop-dev-alice-deploy", patterns[0])
    assert not fnmatch.fnmatchcase(f"{IAM}:role/shop-dev-backups-replication", patterns[0])


def _deployed(plan: Plan) -> Document:
    """The policy of the deploy role, as the program declares it."""
    (policy,) = (
        found for found in plan.of_type("aws:iam/rolePolicy:RolePolicy") if found.name == "deploy-deploy-policy"
    )
    document: Document = json.loads(str(policy.inputs["policy"]))
    return document


@pytest.mark.parametrize("stack", ["dev_plan", "prod_plan"])
def test_deploy_may_change_something_of_every_declared_service(stack: str, request: pytest.FixtureRequest) -> None:
    """By hand is listed what it may do: one that is forgotten would fail at `pulumi up`, half way."""
    plan: Plan = request.getfixturevalue(stack)
    services = {found.type.split("/")[0].removeprefix("aws:"): found for found in plan.resources if _is_aws(found)}
    # Keys are an administrator's.
    del services["kms"]
    services["cognito-idp"] = services.pop("cognito")
    writes = _allowed(deploy_policy(REACH)) - _allowed(preview_policy(REACH))
    missing = [
        f'components/access/deploy_policies.py: deploy_policy: add _allow(["{service}:ACTION", …], …) for {found.type}'
        for service, found in services.items()
        if not any(action.startswith(f"{service}:") for action in writes)
    ]
    assert not missing, "\n".join(missing)


def _is_aws(found: Resource) -> bool:
    return found.type.startswith("aws:")


def _allowed(document: Document) -> set[str]:
    return {action for given in statements(document) if given["Effect"] == "Allow" for action in given["Action"]}


def test_deploy_is_denied_the_objects_of_every_declared_bucket_but_the_bundles(dev_plan: Plan) -> None:
    """Whatever a policy of a bucket could open to it; a bucket is denied without being named anywhere."""
    declared = {str(found.inputs["bucket"]) for found in dev_plan.of_type("aws:s3/bucket:Bucket")}
    (bundles,) = (name for name in declared if "-bundles-" in name)
    assert len(declared) >= 4
    document = _deployed(dev_plan)
    for action in ("GetObject", "DeleteObjectVersion", "PutObjectRetention", "BypassGovernanceRetention"):
        denied = {name for name in declared if _is_denied(document, f"s3:{action}", f"arn:aws:s3:::{name}/a/b")}
        assert denied == declared - {bundles}


def test_deploy_is_denied_what_s3_does_with_an_object() -> None:
    """By botocore's model of S3: what takes a key and is not a part of another action."""
    model = SESSION.get_service_model("s3")
    inputs = {name: model.operation_model(name).input_shape for name in model.operation_names}
    names = [name for name, shape in inputs.items() if shape and "Key" in shape.members]
    # Permitted under another name (AWS, Service Authorization Reference of S3).
    parts = {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "CreateMultipartUpload",
        "HeadObject",
        "ListParts",
        "SelectObjectContent",
        "UploadPart",
        "UploadPartCopy",
    }
    assert parts < set(names)
    document = deploy_policy(REACH)
    arn = "arn:aws:s3:::shop-dev-documents-111111111111/a"
    assert [name for name in names if name not in parts and not _is_denied(document, f"s3:{name}", arn)] == []


def test_deploy_may_still_set_what_it_declares_of_a_bucket() -> None:
    document = deploy_policy(REACH)
    granted = [action for given in statements(document) if given["Effect"] == "Allow" for action in given["Action"]]
    of_buckets = [action for action in granted if action.startswith("s3:") and "Bucket" in action]
    assert "s3:PutBucketObjectLockConfiguration" in of_buckets
    bucket = "arn:aws:s3:::shop-dev-backups-111111111111"
    assert [action for action in of_buckets if _is_denied(document, action.replace("*", "Policy"), bucket)] == []


def _is_denied(document: Document, action: str, arn: str) -> bool:
    return any(
        given["Effect"] == "Deny"
        and any(fnmatch.fnmatchcase(action, pattern) for pattern in given.get("Action", ()))
        and not any(fnmatch.fnmatchcase(arn, pattern) for pattern in given.get("NotResource", ("*",)))
        for given in statements(document)
    )


@pytest.mark.parametrize("document", [deploy_policy(REACH), preview_policy(REACH)])
def test_keys_are_an_administrators(document: Document) -> None:
    known = {"DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags", "ListAliases"}
    of_the_state = {"Decrypt", "Encrypt", "GenerateDataKey"}
    given = [(set(names.split()[1:]), condition) for names, _, condition in grants(document) if names[:4] == "kms:"]
    assert all(names <= known or (names <= of_the_state and condition == STATE_KEY) for names, condition in given)


@pytest.mark.parametrize("document", [deploy_policy(REACH), preview_policy(REACH)])
def test_neither_role_takes_keys_or_rights(document: Document) -> None:
    text = json.dumps(document)
    for action in (
        "AccessKey",
        "GetInstanceAccessDetails",
        "Attach*",
        "AttachRole",
        "DeleteRolePerm",
        "SendCommand",
        "StartSession",
    ):
        assert action not in text
    assert not any(action.endswith(":*") for granted, _, _ in grants(document) for action in granted.split())


@pytest.mark.parametrize("document", [deploy_policy(REACH), preview_policy(REACH)])
def test_a_role_holds_its_policy(document: Document) -> None:
    assert len(json.dumps(document, separators=(",", ":"))) <= INLINE_LIMIT


def test_a_role_holds_its_policy_with_the_longest_prefix() -> None:
    # Of what is S3's: LONGEST_BUCKET_SUFFIX leaves so many of 63 characters.
    longest = replace(REACH, prefix="p" * (BUCKET_NAME_LENGTH - LONGEST_BUCKET_SUFFIX))
    named = replace(
        longest, state_bucket="automatonicai-pulumi-state", state_key_alias="alias/automatonicai-pulumi-state"
    )
    over = len(json.dumps(deploy_policy(named), separators=(",", ":"))) - INLINE_LIMIT
    assert over <= 0, (
        f"components/access/deploy_policies.py: deploy_policy is {over} characters too long for an inline policy: join"
        " statements, or actions by a star that test_every_action_exists and this file's other tests allow; else move"
        " a group, such as _host_writes, into an aws.iam.Policy that components/access/deploy_identity.py attaches"
    )


def test_deploy_reaches_pools_and_no_people_in_them_nor_another_region() -> None:
    actions = [action.removeprefix("cognito-idp:") for action in _allowed(deploy_policy(REACH)) if "cognito" in action]
    model = SESSION.get_service_model("cognito-idp")
    reached = {name for name in model.operation_names if any(fnmatch.fnmatchcase(name, one) for one in actions)}
    assert "CreateUserPool" in reached
    assert [name for name in reached if "Replica" in name or "User" in name.replace("UserPool", "")] == []


def test_every_role_and_user_but_githubs_is_bounded(dev_plan: Plan) -> None:
    identities = [*dev_plan.of_type("aws:iam/role:Role"), *dev_plan.of_type("aws:iam/user:User")]
    boundary = dev_plan.of_type("aws:iam/policy:Policy")[0]
    bounded = {found.name for found in identities if _is_bounded_by(boundary, found)}
    assert bounded == {"identity-role", "documents-user", "backups-replication-role"}
    assert {found.name for found in identities} - bounded == {"deploy-deploy", "deploy-preview", "deploy-drill"}


def _is_bounded_by(boundary: Resource, identity: Resource) -> bool:
    bound = identity.inputs.get("permissionsBoundary")
    return bound is not None and bound.reference == (boundary.urn, "arn")


@pytest.mark.parametrize("document", [deploy_policy(REACH), preview_policy(REACH)])
def test_every_action_exists(document: Document) -> None:
    assert unknown_actions(document) == []
