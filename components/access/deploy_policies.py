"""What GitHub's jobs may do in AWS: the policy documents of the deploy and the preview role."""

from dataclasses import dataclass

from components.access.deploy_actions import (
    ACTIVATION_WRITES,
    ALARM_READS,
    ALARM_WRITES,
    ALIAS_LOOKS,
    ASSOCIATION_READS,
    ASSOCIATION_WRITES,
    BACKUP_BUCKET_WRITES,
    BOUNDED_WRITES,
    BUCKET_READS,
    BUCKET_WRITES,
    BUNDLE_READS,
    BUNDLE_WRITES,
    DOCUMENT_READS,
    DOCUMENT_WRITES,
    IDENTITY_READS,
    IDENTITY_WRITES,
    KEY_READS,
    LABEL_READS,
    LABEL_WRITES,
    LIGHTSAIL_READS,
    LIGHTSAIL_WRITES,
    NODE_TIER_READS,
    NODE_TIER_WRITES,
    OBJECT_ACTIONS,
    OIDC_WRITES,
    PARAMETER_READS,
    PARAMETER_WRITES,
    SUBSCRIBES,
    SUBSCRIPTION_READS,
    SUBSCRIPTION_WRITES,
    SYSTEMS_MANAGER_LOOKS,
    TOPIC_READS,
    TOPIC_WRITES,
)
from components.access.permissions_boundary import boundary_arn
from components.backup.replication import replication_role
from components.common.regions import COPY_REGION, HOME_REGION
from components.host.backup_alarms import alarm_key_alias, topic_name
from components.host.bundle import bundle_bucket
from components.host.policies import NODE_TIER, document_name, role_name
from components.storage.backup_buckets import bucket_arn, key_aliases

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

Document = dict[str, object]

ADMINISTRATORS_OWN = (("role", "deploy"), ("role", "preview"), ("role", "drill"), ("policy", "boundary"))


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
    def private_objects(self) -> list[str]:
        """What is in the buckets with data in them; those of `dev-alice` too, whose names start like dev's."""
        return [bucket_arn(f"{self.prefix}-*{data}-*/*") for data in ("backups", "documents")]

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
        return [self._iam(f"{kind}/{self.prefix}*-{name}") for kind, name in ADMINISTRATORS_OWN]

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
        *_backup_writes(reach),
        _allow(["s3:DeleteObject", "s3:PutObject"], [f"arn:aws:s3:::{reach.state_bucket}/*"]),
        _state_key(reach, ["kms:Encrypt", "kms:GenerateDataKey"]),
        {
            # A pipeline must not widen its own rights: these are changed by an administrator.
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            "Resource": reach.administrators_own,
        },
        {"Effect": "Deny", "Action": OBJECT_ACTIONS, "Resource": reach.private_objects},
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
        *_backup_reads(reach),
        _allow(["s3:ListBucket"], [f"arn:aws:s3:::{reach.state_bucket}"]),
        _allow(["s3:GetObject"], [f"arn:aws:s3:::{reach.state_bucket}/*"]),
        _state_key(reach, ["kms:Decrypt"]),
    ]


def _host_reads(reach: Reach) -> list[Document]:
    return [
        _allow(BUNDLE_READS, reach.bundles),
        _in_montreal(SYSTEMS_MANAGER_LOOKS),
        _allow(PARAMETER_READS, [reach.parameters]),
        _allow(DOCUMENT_READS, [reach.documents]),
        _allow(ASSOCIATION_READS, [reach.associations]),
        _allow(NODE_TIER_READS, [reach.node_tier]),
        _allow(LABEL_READS, [reach.parameters, reach.documents, reach.associations]),
    ]


def _backup_reads(reach: Reach) -> list[Document]:
    # Keys are known by their aliases: an administrator makes both.
    aliases: Document = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": reach.key_aliases}}
    keys = [f"arn:aws:kms:{region}:{reach.aws_account_id}:key/*" for region in (HOME_REGION, COPY_REGION)]
    return [
        _allow(KEY_READS, keys, aliases),
        _allow(ALIAS_LOOKS, ["*"]),
        _allow(TOPIC_READS, [reach.topic]),
        _in_montreal(SUBSCRIPTION_READS),
        _allow(ALARM_READS, [reach.alarms]),
    ]


def _backup_writes(reach: Reach) -> list[Document]:
    return [
        _allow(BACKUP_BUCKET_WRITES, reach.backup_buckets),
        _allow(
            ["iam:PassRole"], [reach.replication_role], {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
        ),
        _allow(TOPIC_WRITES, [reach.topic]),
        _allow(SUBSCRIBES, [reach.topic], {"StringEquals": {"sns:Protocol": "email"}}),
        _in_montreal(SUBSCRIPTION_WRITES),
        _allow(ALARM_WRITES, [reach.alarms]),
    ]


def _host_writes(reach: Reach) -> list[Document]:
    return [
        _allow(BUNDLE_WRITES, reach.bundles),
        _in_montreal(ACTIVATION_WRITES),
        # The only role that it hands on, and only to what registers machines.
        _allow(["iam:PassRole"], [reach.host_role], {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}}),
        _allow(PARAMETER_WRITES, [reach.parameters]),
        _allow(DOCUMENT_WRITES, [reach.documents]),
        _allow(ASSOCIATION_WRITES, [reach.associations, reach.document]),
        _allow(NODE_TIER_WRITES, [reach.node_tier]),
        _allow(LABEL_WRITES, [reach.parameters, reach.documents, reach.associations]),
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
