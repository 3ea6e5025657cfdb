"""What each type of resource is to data: holds it, lets it pass, or neither; in words for the residency map.

Whether a type may be used at all, and with which data, is the residency pack's business (`policies/residency`).
A type that is not here is shown as a holder, so that a new one is rather seen than overlooked.
"""

from dataclasses import dataclass
from enum import StrEnum

IN_CANADA = "resources-are-in-canada"
CLASSIFIED = "services-are-judged"
PLACED = "workers-run-next-to-the-database"
CACHE = "hyperdrive-caches-public-data-only"
R2 = "r2-holds-public-data-only"
ACCESS = "database-hostname-is-behind-access"
REPLICATION = "replication-stays-in-the-stack"
KEYS = "keys-stay-in-their-region"
PEOPLE = "topics-tell-people"
LOGS = "logs-stay-in-canada"
EDGE_LOGS = "worker-logs-are-not-handed-on"
EDGE_STORES = "edge-stores-hold-public-data-only"
PAGES = "pages-functions-hold-nothing"
DESTINATIONS = "destinations-are-judged"
BACKUPS = "backups-go-to-canada"


class Role(StrEnum):
    """What a place does with data. Not who may read it there."""

    HOLDS = "holds"
    PASSES = "passes"
    NEITHER = "neither"


@dataclass(frozen=True, kw_only=True)
class Kind:
    what: str
    """In words; several of one kind in one place share a line."""
    role: Role = Role.NEITHER
    rule: str = IN_CANADA
    note: str = ""


def _holds(what: str, rule: str = IN_CANADA, note: str = "") -> Kind:
    return Kind(what=what, role=Role.HOLDS, rule=rule, note=note)


def _passes(what: str, rule: str, note: str = "") -> Kind:
    return Kind(what=what, role=Role.PASSES, rule=rule, note=note)


def _neither(what: str, rule: str = IN_CANADA, note: str = "") -> Kind:
    return Kind(what=what, rule=rule, note=note)


SETTINGS = "settings of these"
NAMES = "names and routes"
SUMS = (SETTINGS, NAMES)
"""Lines that several types share, so that none of their notes stands for all."""
_SETTINGS = _neither(SETTINGS)
_NAMES = _neither(NAMES, CLASSIFIED)
_ACCESS = _neither("Access: applications, policies, tokens", ACCESS, "Holds who may pass, nothing of what passes.")
_STATE = "Kept in the state as a secret, and where another resource puts it."

KINDS: dict[str, Kind] = {
    "aws:cloudwatch/logGroup:LogGroup": _holds("CloudWatch logs", LOGS),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _SETTINGS,
    "aws:iam/accessKey:AccessKey": _neither("IAM access keys", CLASSIFIED),
    "aws:iam/group:Group": _neither("IAM groups", CLASSIFIED),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _neither("IAM identity providers", CLASSIFIED),
    "aws:iam/policy:Policy": _neither("IAM policies", CLASSIFIED),
    "aws:iam/role:Role": _neither("IAM roles", CLASSIFIED),
    "aws:iam/rolePolicy:RolePolicy": _neither("IAM policies", CLASSIFIED),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _neither("IAM policies", CLASSIFIED),
    "aws:iam/user:User": _neither("IAM users", CLASSIFIED),
    "aws:iam/userPolicy:UserPolicy": _neither("IAM policies", CLASSIFIED),
    "aws:kms/alias:Alias": _SETTINGS,
    "aws:kms/key:Key": _holds("KMS keys", KEYS),
    "aws:lightsail/disk:Disk": _holds("Lightsail disk"),
    "aws:lightsail/disk_attachment:Disk_attachment": _SETTINGS,
    "aws:lightsail/instance:Instance": _holds("Lightsail instance"),
    "aws:lightsail/instancePublicPorts:InstancePublicPorts": _SETTINGS,
    "aws:lightsail/keyPair:KeyPair": _SETTINGS,
    "aws:lightsail/staticIp:StaticIp": _SETTINGS,
    "aws:lightsail/staticIpAttachment:StaticIpAttachment": _SETTINGS,
    "aws:s3/bucket:Bucket": _holds("S3 buckets"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _SETTINGS,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _SETTINGS,
    "aws:s3/bucketObjectv2:BucketObjectv2": _SETTINGS,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _SETTINGS,
    "aws:s3/bucketPolicy:BucketPolicy": _SETTINGS,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _SETTINGS,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _SETTINGS,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _SETTINGS,
    "aws:s3/bucketVersioning:BucketVersioning": _SETTINGS,
    "aws:sns/topic:Topic": _passes("SNS topics", IN_CANADA),
    "aws:sns/topicSubscription:TopicSubscription": _SETTINGS,
    "aws:ssm/activation:Activation": _SETTINGS,
    "aws:ssm/association:Association": _SETTINGS,
    "aws:ssm/document:Document": _SETTINGS,
    "aws:ssm/parameter:Parameter": _holds("Parameter Store"),
    "aws:ssm/serviceSetting:ServiceSetting": _SETTINGS,
    "cloudflare:index/accountToken:AccountToken": _neither("API token of the rollback", CLASSIFIED, _STATE),
    "cloudflare:index/dnsRecord:DnsRecord": _NAMES,
    "cloudflare:index/healthcheck:Healthcheck": _NAMES,
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": _passes("Hyperdrive, no cache", CACHE),
    "cloudflare:index/mtlsCertificate:MtlsCertificate": _neither("certificates for Hyperdrive", CLASSIFIED),
    "cloudflare:index/notificationPolicy:NotificationPolicy": _neither("notifications", CLASSIFIED),
    "cloudflare:index/pagesProject:PagesProject": _holds("Pages project", PAGES),
    "cloudflare:index/r2Bucket:R2Bucket": _holds("R2 bucket", R2),
    "cloudflare:index/r2BucketCors:R2BucketCors": _NAMES,
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle": _NAMES,
    "cloudflare:index/r2CustomDomain:R2CustomDomain": _NAMES,
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain": _NAMES,
    "cloudflare:index/worker:Worker": _NAMES,
    "cloudflare:index/workerVersion:WorkerVersion": _passes("Workers", PLACED),
    "cloudflare:index/workersDeployment:WorkersDeployment": _NAMES,
    "cloudflare:index/workersRoute:WorkersRoute": _NAMES,
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": _ACCESS,
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": _ACCESS,
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": _ACCESS,
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": _passes("Tunnel", ACCESS),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": _NAMES,
    "pulumi:providers:aws": _SETTINGS,
    "pulumi:providers:cloudflare": _NAMES,
    "random:index/randomId:RandomId": _SETTINGS,
    "random:index/randomPassword:RandomPassword": _holds("generated passwords", CLASSIFIED, _STATE),
    "tls:index/certRequest:CertRequest": _SETTINGS,
    "tls:index/locallySignedCert:LocallySignedCert": _SETTINGS,
    "tls:index/privateKey:PrivateKey": _holds("private keys", CLASSIFIED, _STATE),
    "tls:index/selfSignedCert:SelfSignedCert": _SETTINGS,
}
