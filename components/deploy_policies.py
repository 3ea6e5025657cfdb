"""What GitHub's jobs may do in AWS: the policy documents of the deploy and the preview role."""

from dataclasses import dataclass

from components.host_bundle import bundle_bucket
from components.host_policies import document_name, role_name
from components.permissions_boundary import boundary_arn
from components.providers import HOME_REGION

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

Document = dict[str, object]

# Named one by one: `lightsail:Get*` has GetInstanceAccessDetails, which hands out a key to the server.
LIGHTSAIL_READS = [
    "lightsail:GetDisk",
    "lightsail:GetInstance",
    "lightsail:GetInstancePortStates",
    "lightsail:GetInstanceState",
    "lightsail:GetKeyPair",
    "lightsail:GetStaticIp",
]
LIGHTSAIL_WRITES = [
    "lightsail:AllocateStaticIp",
    "lightsail:AttachDisk",
    "lightsail:AttachStaticIp",
    "lightsail:CloseInstancePublicPorts",
    "lightsail:CreateDisk",
    "lightsail:CreateInstances",
    "lightsail:DeleteDisk",
    "lightsail:DeleteInstance",
    "lightsail:DeleteKeyPair",
    "lightsail:DetachDisk",
    "lightsail:DetachStaticIp",
    "lightsail:DisableAddOn",
    "lightsail:EnableAddOn",
    # The provider waits for each change.
    "lightsail:GetOperation",
    "lightsail:ImportKeyPair",
    "lightsail:PutInstancePublicPorts",
    "lightsail:ReleaseStaticIp",
    "lightsail:SetIpAddressType",
    # A disk is detached from a stopped instance.
    "lightsail:StartInstance",
    "lightsail:StopInstance",
    "lightsail:TagResource",
    "lightsail:UntagResource",
]
BUCKET_READS = [
    "s3:GetAccelerateConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    # Also answers HeadBucket, without which a refresh takes the bucket for gone.
    "s3:ListBucket",
    "s3:ListTagsForResource",
]
# Of buckets only: nothing here reads, writes or deletes an object.
BUCKET_WRITES = [
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
]
IDENTITY_READS = [
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:ListInstanceProfilesForRole",
    "iam:ListOpenIDConnectProviderTags",
    "iam:ListPolicyTags",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
    "iam:ListUserPolicies",
    "iam:ListUserTags",
]
# Rights can be given to what has the boundary, and to nothing else.
BOUNDED_WRITES = [
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy",
]
# Those give no rights; some know no such condition (AWS, Service Authorization Reference of IAM).
IDENTITY_WRITES = [
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:DeleteUser",
    "iam:DeleteUserPolicy",
    "iam:TagRole",
    "iam:TagUser",
    "iam:UntagRole",
    "iam:UntagUser",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
]
# Of the bundles only: no object with data in it is in reach.
BUNDLE_READS = ["s3:GetObject", "s3:GetObjectTagging"]
BUNDLE_WRITES = [
    # A bundle that is no longer declared goes with all its versions.
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObject",
    "s3:PutObjectTagging",
]
# These know no resource (AWS, Service Authorization Reference of Systems Manager).
SYSTEMS_MANAGER_LOOKS = ["ssm:DescribeActivations", "ssm:DescribeParameters"]
ACTIVATION_WRITES = ["ssm:CreateActivation", "ssm:DeleteActivation"]
# A refresh compares the values, so it reads them. AWS's own key needs no permission beside it.
PARAMETER_READS = ["ssm:GetParameter"]
PARAMETER_WRITES = ["ssm:DeleteParameter", "ssm:PutParameter"]
DOCUMENT_READS = ["ssm:DescribeDocument", "ssm:DescribeDocumentPermission", "ssm:GetDocument"]
DOCUMENT_WRITES = [
    "ssm:CreateDocument",
    "ssm:DeleteDocument",
    "ssm:UpdateDocument",
    "ssm:UpdateDocumentDefaultVersion",
]
ASSOCIATION_READS = ["ssm:DescribeAssociation"]
ASSOCIATION_WRITES = ["ssm:CreateAssociation", "ssm:DeleteAssociation", "ssm:UpdateAssociation"]
LABEL_READS = ["ssm:ListTagsForResource"]
LABEL_WRITES = ["ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"]
OIDC_WRITES = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Which stack a pipeline works on, and where that stack's state is."""

    prefix: str
    """Start of the stack's display names; what has another name is out of reach."""
    aws_account_id: str
    state_bucket: str
    state_key_alias: str
    """KMS alias, `alias/NAME`, of the key that encrypts the state's secrets."""

    @property
    def buckets(self) -> list[str]:
        return [f"arn:aws:s3:::{self.prefix}-*"]

    @property
    def identities(self) -> list[str]:
        return [self._iam(f"{kind}/{self.prefix}-*") for kind in ("role", "user")]

    @property
    def oidc_provider(self) -> str:
        return self._iam(f"oidc-provider/{ISSUER}")

    @property
    def bundles(self) -> list[str]:
        return [f"arn:aws:s3:::{bundle_bucket(self.prefix, self.aws_account_id)}/*"]

    @property
    def host_role(self) -> str:
        return self._iam(f"role/{role_name(self.prefix)}")

    @property
    def parameters(self) -> str:
        return self._ssm(f"parameter/{self.prefix}/*")

    @property
    def document(self) -> str:
        return self._ssm(f"document/{document_name(self.prefix)}")

    @property
    def associations(self) -> str:
        # Their ARNs hold an identifier and no name.
        return self._ssm("association/*")

    @property
    def administrators_own(self) -> list[str]:
        """GitHub's roles and the boundary. With the star also those of `dev-alice`, whose names start like dev's."""
        names = ("role/{}deploy", "role/{}preview", "policy/{}boundary")
        return [self._iam(name.format(f"{self.prefix}-{star}")) for name in names for star in ("", "*-")]

    def _ssm(self, resource: str) -> str:
        return f"arn:aws:ssm:{HOME_REGION}:{self.aws_account_id}:{resource}"

    def _iam(self, path: str) -> str:
        return f"arn:aws:iam::{self.aws_account_id}:{path}"


def github_trust(aws_account_id: str, repository: str, subject: str) -> Document:
    """Admits only jobs of one repository with exactly this subject; no wildcard."""
    return _document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{aws_account_id}:oidc-provider/{ISSUER}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": f"repo:{repository}:{subject}"}},
        }
    )


def deploy_policy(reach: Reach) -> Document:
    """What `pulumi up` of one stack needs: no access keys, of objects only bundles, no rights beyond the boundary's."""
    boundary = boundary_arn(reach.prefix, reach.aws_account_id)
    return _document(
        *_reads(reach),
        _in_montreal(LIGHTSAIL_WRITES),
        _allow(BUCKET_WRITES, reach.buckets),
        _allow(BOUNDED_WRITES, reach.identities, {"StringEquals": {"iam:PermissionsBoundary": boundary}}),
        _allow(IDENTITY_WRITES, reach.identities),
        _allow(OIDC_WRITES, [reach.oidc_provider]),
        *_host_writes(reach),
        _allow(["s3:DeleteObject", "s3:PutObject"], [f"arn:aws:s3:::{reach.state_bucket}/*"]),
        _state_key(reach, ["kms:Encrypt", "kms:GenerateDataKey"]),
        {
            # A pipeline must not widen its own rights: these are changed by an administrator.
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            "Resource": reach.administrators_own,
        },
    )


def preview_policy(reach: Reach) -> Document:
    """What `pulumi preview --refresh` reads: of objects only bundles and the state, whose secrets it decrypts.

    What the parameters hold is in the state, too.
    """
    return _document(*_reads(reach))


def _reads(reach: Reach) -> list[Document]:
    known = [*reach.identities, f"arn:aws:iam::{reach.aws_account_id}:policy/{reach.prefix}-*", reach.oidc_provider]
    return [
        _in_montreal(LIGHTSAIL_READS),
        _allow(BUCKET_READS, reach.buckets),
        _allow(IDENTITY_READS, known),
        *_host_reads(reach),
        _allow(["s3:ListBucket"], [f"arn:aws:s3:::{reach.state_bucket}"]),
        _allow(["s3:GetObject"], [f"arn:aws:s3:::{reach.state_bucket}/*"]),
        _state_key(reach, ["kms:Decrypt"]),
    ]


def _host_reads(reach: Reach) -> list[Document]:
    return [
        _allow(BUNDLE_READS, reach.bundles),
        _in_montreal(SYSTEMS_MANAGER_LOOKS),
        _allow(PARAMETER_READS, [reach.parameters]),
        _allow(DOCUMENT_READS, [reach.document]),
        _allow(ASSOCIATION_READS, [reach.associations]),
        _allow(LABEL_READS, [reach.parameters, reach.document, reach.associations]),
    ]


def _host_writes(reach: Reach) -> list[Document]:
    return [
        _allow(BUNDLE_WRITES, reach.bundles),
        _in_montreal(ACTIVATION_WRITES),
        # The only role that it hands on, and only to what registers machines.
        _allow(["iam:PassRole"], [reach.host_role], {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}),
        _allow(PARAMETER_WRITES, [reach.parameters]),
        _allow(DOCUMENT_WRITES, [reach.document]),
        _allow(ASSOCIATION_WRITES, [reach.associations, reach.document]),
        _allow(LABEL_WRITES, [reach.parameters, reach.document, reach.associations]),
    ]


def _in_montreal(actions: list[str]) -> Document:
    # Lightsail's ARNs hold an identifier and no name, an activation has none: nothing to narrow but the region.
    return _allow(actions, ["*"], {"StringEquals": {"aws:RequestedRegion": HOME_REGION}})


def _state_key(reach: Reach, actions: list[str]) -> Document:
    # A policy can't name an alias as its resource: a key by its alias is a condition.
    keys = [f"arn:aws:kms:{HOME_REGION}:{reach.aws_account_id}:key/*"]
    return _allow(actions, keys, {"ForAnyValue:StringEquals": {"kms:ResourceAliases": reach.state_key_alias}})


def _allow(actions: list[str], resources: list[str], condition: Document | None = None) -> Document:
    statement: Document = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement if condition is None else {**statement, "Condition": condition}


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}
