"""What GitHub's jobs may do in AWS: the policy documents of the deploy, the preview and the drill role."""

from dataclasses import dataclass

from components.access.permissions_boundary import boundary_arn
from components.backup.replication import replication_role
from components.common.regions import COPY_REGION, HOME_REGION
from components.host.backup_alarms import alarm_key_alias, topic_name
from components.host.bundle import bundle_bucket
from components.host.policies import NODE_TIER, document_name, drill_document_name, role_name
from components.host.postgres_host import display_name
from components.host.registration import HOST_TAG
from components.storage.backup_buckets import bucket_arn, key_aliases

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

Document = dict[str, object]

# A drill restores the whole backup twice, and its job waits for the end; IAM's default is an hour.
DRILL_SESSION_SECONDS = 6 * 3600


@dataclass(frozen=True, kw_only=True)
class Job:
    """A kind of GitHub's jobs, which has a role of its own."""

    name: str
    subject: str
    """Subject of the tokens that its role admits; `{environment}` is the stack's."""
    session_seconds: int | None = None

    def role_name(self, prefix: str) -> str:
        return f"{prefix}-{self.name}"


# Each gets its role from here, and none may change one of these.
JOBS = (
    Job(name="deploy", subject="environment:{environment}"),
    Job(name="preview", subject="pull_request"),
    Job(name="drill", subject="ref:refs/heads/main", session_seconds=DRILL_SESSION_SECONDS),
)


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
    def backup_buckets(self) -> list[str]:
        return [bucket_arn(f"{self.prefix}-backups-*")]

    @property
    def state_objects(self) -> str:
        return bucket_arn(f"{self.state_bucket}/*")

    @property
    def replication_role(self) -> str:
        return self._iam(f"role/{replication_role(self.prefix)}")

    @property
    def key_aliases(self) -> list[str]:
        return [*key_aliases(self.prefix).values(), alarm_key_alias(self.prefix)]

    @property
    def topic(self) -> str:
        return f"arn:aws:sns:{HOME_REGION}:{self.aws_account_id}:{topic_name(self.prefix)}"

    @property
    def alarms(self) -> str:
        return f"arn:aws:cloudwatch:{HOME_REGION}:{self.aws_account_id}:alarm:{self.prefix}-postgres-*"

    @property
    def document(self) -> str:
        """What converges the hosts, on schedule."""
        return self._ssm(f"document/{document_name(self.prefix)}")

    @property
    def documents(self) -> str:
        # That one and the operators': a role's policies may not be longer (IAM quotas).
        return self._ssm(f"document/{self.prefix}-postgres-*")

    @property
    def associations(self) -> str:
        # Their ARNs hold an identifier and no name.
        return self._ssm("association/*")

    @property
    def node_tier(self) -> str:
        return self._ssm(f"servicesetting{NODE_TIER}")

    @property
    def administrators_own(self) -> list[str]:
        """GitHub's roles and the boundary. With the star also those of `dev-alice`, whose names start like dev's."""
        prefix = f"{self.prefix}*"
        return [
            *(self._iam(f"role/{job.role_name(prefix)}") for job in JOBS),
            boundary_arn(prefix, self.aws_account_id),
        ]

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
        *_state(
            reach,
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
        ),
        _in_montreal(
            [
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
        ),
        _allow(
            [
                # Of buckets only: nothing here reads, writes or deletes an object.
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
            ],
            reach.buckets,
        ),
        _allow(
            [
                # Rights can be given to what has the boundary, and to nothing else.
                "iam:CreateRole",
                "iam:CreateUser",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:PutUserPermissionsBoundary",
                "iam:PutUserPolicy",
            ],
            reach.identities,
            {"StringEquals": {"iam:PermissionsBoundary": boundary}},
        ),
        _allow(
            [
                # Those give no rights; some know no such condition (AWS, Service Authorization Reference of IAM).
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
            ],
            reach.identities,
        ),
        _allow(["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"], [reach.oidc_provider]),
        *_host_writes(reach),
        *_backup_writes(reach),
        # A pool's ARN holds an identifier and no name. Of people nothing, and an administrator deletes a pool: it has
        # no backup.
        _in_montreal(
            [
                "cognito-idp:CreateGroup",
                "cognito-idp:CreateUserPool",
                "cognito-idp:CreateUserPoolClient",
                "cognito-idp:CreateUserPoolDomain",
                "cognito-idp:SetUserPoolMfaConfig",
                "cognito-idp:TagResource",
                "cognito-idp:UntagResource",
                "cognito-idp:UpdateGroup",
                "cognito-idp:UpdateUserPool",
                "cognito-idp:UpdateUserPoolClient",
            ]
        ),
        {
            # A pipeline must not widen its own rights: these are changed by an administrator.
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            "Resource": reach.administrators_own,
        },
        {
            # What a policy of a bucket, which the pipeline may write, could otherwise open to it: a bucket is out of
            # reach because nobody has named it here. Not `s3:*Object*`: that has PutBucketObjectLockConfiguration.
            "Effect": "Deny",
            "Action": [
                "s3:DeleteObject*",
                "s3:GetObject*",
                "s3:ListObject*",
                "s3:PutObject*",
                # Rename, Replicate and Restore.
                "s3:R*Object",
                "s3:UpdateObject*",
                "s3:BypassGovernanceRetention",
            ],
            "NotResource": [*reach.bundles, reach.state_objects],
        },
    )


def preview_policy(reach: Reach) -> Document:
    """What `pulumi preview --refresh` reads: of objects only bundles and the state, whose secrets it decrypts.

    What the parameters hold is in the state, too.
    """
    return _document(*_reads(reach), *_state(reach, ["s3:GetObject"], ["kms:Decrypt"]))


def _reads(reach: Reach) -> list[Document]:
    known = [*reach.identities, f"arn:aws:iam::{reach.aws_account_id}:policy/{reach.prefix}-*", reach.oidc_provider]
    return [
        _in_montreal(
            [
                # Named one by one: `lightsail:Get*` has GetInstanceAccessDetails, which hands out a key to the server.
                "lightsail:GetDisk",
                "lightsail:GetInstance",
                "lightsail:GetInstancePortStates",
                "lightsail:GetInstanceState",
                "lightsail:GetKeyPair",
                "lightsail:GetStaticIp",
            ]
        ),
        _allow(
            [
                "s3:GetAccelerateConfiguration",
                "s3:GetBucket*",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                # Also answers HeadBucket, without which a refresh takes the bucket for gone.
                "s3:ListBucket",
                "s3:ListTagsForResource",
            ],
            reach.buckets,
        ),
        _allow(
            [
                # With stars, because all inline policies of a role together may have 10,240 characters (IAM quotas).
                "iam:GetOpenIDConnectProvider",
                "iam:GetPolicy*",
                "iam:GetRole*",
                "iam:GetUser*",
                "iam:ListAttached*",
                "iam:ListGroupsForUser",
                "iam:ListInstance*",
                "iam:ListOpenID*",
                "iam:ListPolicy*",
                "iam:ListRole*",
                "iam:ListUser*",
            ],
            known,
        ),
        *_host_reads(reach),
        *_backup_reads(reach),
        _in_montreal(["cognito-idp:DescribeUserPool*", "cognito-idp:GetGroup", "cognito-idp:GetUserPoolMfaConfig"]),
        _allow(["s3:ListBucket"], [f"arn:aws:s3:::{reach.state_bucket}"]),
    ]


def _host_reads(reach: Reach) -> list[Document]:
    return [
        # Of the bundles only: no object with data in it is in reach.
        _allow(["s3:GetObject", "s3:GetObjectTagging"], reach.bundles),
        # These know no resource (AWS, Service Authorization Reference of Systems Manager).
        _in_montreal(["ssm:DescribeActivations", "ssm:DescribeParameters"]),
        # A refresh compares the values, so it reads them. AWS's own key needs no permission beside it.
        _allow(["ssm:GetParameter"], [reach.parameters]),
        _allow(["ssm:DescribeDocument*", "ssm:GetDocument"], [reach.documents]),
        _allow(["ssm:DescribeAssociation"], [reach.associations]),
        _allow(["ssm:GetServiceSetting"], [reach.node_tier]),
        _in_montreal(["ssm:ListTagsForResource"]),
    ]


def _backup_reads(reach: Reach) -> list[Document]:
    # Keys are known by their aliases: an administrator makes both.
    aliases: Document = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": reach.key_aliases}}
    keys = [f"arn:aws:kms:{region}:{reach.aws_account_id}:key/*" for region in (HOME_REGION, COPY_REGION)]
    return [
        _allow(
            [
                # Keys are an administrator's: who can recreate one, or write its policy, can lock everybody out of
                # the backups.
                "kms:DescribeKey",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
            ],
            keys,
            aliases,
        ),
        # Knows no resource.
        _allow(["kms:ListAliases"], ["*"]),
        _allow(["sns:GetTopicAttributes", "sns:ListTagsForResource"], [reach.topic]),
        # It knows no resource, and neither does Unsubscribe (AWS, Service Authorization Reference of SNS).
        _in_montreal(["sns:GetSubscriptionAttributes"]),
        _allow(["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"], [reach.alarms]),
    ]


def _backup_writes(reach: Reach) -> list[Document]:
    return [
        # How long versions are locked, and where they are copied to.
        _allow(["s3:PutBucketObjectLockConfiguration", "s3:PutReplicationConfiguration"], reach.backup_buckets),
        _allow(
            ["iam:PassRole"], [reach.replication_role], {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
        ),
        _allow(
            [
                "sns:CreateTopic",
                "sns:DeleteTopic",
                "sns:SetTopicAttributes",
                "sns:TagResource",
                "sns:UntagResource",
            ],
            [reach.topic],
        ),
        _allow(["sns:Subscribe"], [reach.topic], {"StringEquals": {"sns:Protocol": "email"}}),
        _in_montreal(["sns:Unsubscribe"]),
        _allow(
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            [reach.alarms],
        ),
    ]


def _host_writes(reach: Reach) -> list[Document]:
    return [
        _allow(
            [
                # A bundle that is no longer declared goes with all its versions.
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ],
            reach.bundles,
        ),
        _in_montreal(["ssm:CreateActivation", "ssm:DeleteActivation"]),
        # The only role that it hands on, and only to what registers machines.
        _allow(["iam:PassRole"], [reach.host_role], {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}),
        _allow(["ssm:DeleteParameter", "ssm:PutParameter"], [reach.parameters]),
        _allow(
            [
                "ssm:CreateDocument",
                "ssm:DeleteDocument",
                "ssm:UpdateDocument",
                "ssm:UpdateDocumentDefaultVersion",
            ],
            [reach.documents],
        ),
        _allow(
            ["ssm:CreateAssociation", "ssm:DeleteAssociation", "ssm:UpdateAssociation"],
            [reach.associations, reach.document],
        ),
        _allow(
            [
                # The provider deletes a setting by taking it back to AWS's own value.
                "ssm:ResetServiceSetting",
                "ssm:UpdateServiceSetting",
            ],
            [reach.node_tier],
        ),
        _allow(
            ["ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"],
            [reach.parameters, reach.documents, reach.associations],
        ),
    ]


def _in_montreal(actions: list[str]) -> Document:
    # Lightsail's ARNs hold an identifier and no name, an activation has none: nothing to narrow but the region.
    return _allow(actions, ["*"], {"StringEquals": {"aws:RequestedRegion": HOME_REGION}})


def drill_policy(reach: Reach) -> Document:
    """Have a host of the stack drill, by one document whose act is fixed, and read what became of it."""
    here = f"arn:aws:ssm:{HOME_REGION}:{reach.aws_account_id}"
    tag = {f"ssm:resourceTag/{HOST_TAG}": display_name(reach.prefix, "*")}
    return _document(
        _allow(["ssm:SendCommand"], [f"{here}:document/{drill_document_name(reach.prefix)}"]),
        _allow(["ssm:SendCommand"], [f"{here}:managed-instance/*"], {"StringLike": tag}),
        # These know no resource (AWS, Service Authorization Reference of Systems Manager). Not CancelCommand: it would
        # end anybody's command, a restore too. A drill that is left alone ends by itself and takes its copies away.
        _allow(
            ["ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"],
            ["*"],
            {"StringEquals": {"aws:RequestedRegion": HOME_REGION}},
        ),
    )


def _state(reach: Reach, of_objects: list[str], of_the_key: list[str]) -> list[Document]:
    """Pulumi's state. One statement a kind: all inline policies of a role have a limit (see _reads)."""
    # A policy can't name an alias as its resource: a key by its alias is a condition.
    keys = [f"arn:aws:kms:{HOME_REGION}:{reach.aws_account_id}:key/*"]
    alias: Document = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": reach.state_key_alias}}
    return [_allow(of_objects, [reach.state_objects]), _allow(of_the_key, keys, alias)]


def _allow(actions: list[str], resources: list[str], condition: Document | None = None) -> Document:
    statement: Document = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement if condition is None else {**statement, "Condition": condition}


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}
