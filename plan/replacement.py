"""Which properties replace a resource when they change.

Only the provider plugins know it all; this table has the types of this stack, for looking at changes without them.
From the providers' schemas: hashicorp/terraform-provider-aws and cloudflare/terraform-provider-cloudflare.
"""

from plan.model import Resource

# Every change replaces, but for tags; see _TAGS_REPLACE.
WHOLE = frozenset(
    {
        "aws:lightsail/keyPair:KeyPair",
        "aws:lightsail/disk:Disk",
        "aws:lightsail/disk_attachment:Disk_attachment",
        "aws:lightsail/instancePublicPorts:InstancePublicPorts",
        "aws:lightsail/staticIp:StaticIp",
        "aws:lightsail/staticIpAttachment:StaticIpAttachment",
        "aws:ssm/activation:Activation",
        "cloudflare:index/workerVersion:WorkerVersion",
        # A deployment is a fact of the past: the provider's Update does nothing.
        "cloudflare:index/workersDeployment:WorkersDeployment",
        # A certificate is replaced as a whole, so that Hyperdrive goes from one to the next.
        "cloudflare:index/mtlsCertificate:MtlsCertificate",
        "random:index/randomPassword:RandomPassword",
        "tls:index/certRequest:CertRequest",
        "tls:index/privateKey:PrivateKey",
    }
)
_OF_A_BUCKET = frozenset({"bucket", "expectedBucketOwner"})
# An empty set says that somebody looked, and nothing but an account or a zone replaces.
PROPERTIES: dict[str, frozenset[str]] = {
    "aws:lightsail/instance:Instance": frozenset(
        {"name", "availabilityZone", "blueprintId", "bundleId", "keyPairName", "userData"}
    ),
    "aws:s3/bucket:Bucket": frozenset({"bucket", "bucketPrefix", "objectLockEnabled"}),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _OF_A_BUCKET,
    # A lock's mode and days change in place; S3 never takes one off.
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": frozenset(
        {"bucket", "expectedBucketOwner", "objectLockEnabled"}
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": frozenset({"bucket"}),
    "aws:s3/bucketPolicy:BucketPolicy": frozenset({"bucket"}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": frozenset({"bucket"}),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": frozenset({"bucket"}),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _OF_A_BUCKET,
    "aws:s3/bucketVersioning:BucketVersioning": _OF_A_BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": frozenset({"bucket", "key"}),
    "aws:kms/alias:Alias": frozenset({"name", "namePrefix"}),
    "aws:kms/key:Key": frozenset({"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"}),
    "aws:sns/topic:Topic": frozenset({"name", "namePrefix", "fifoTopic"}),
    "aws:sns/topicSubscription:TopicSubscription": frozenset({"topic", "protocol", "endpoint"}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": frozenset({"name"}),
    "aws:ssm/association:Association": frozenset({"name"}),
    "aws:ssm/document:Document": frozenset({"name"}),
    # Another setting is set in place, and the old one stays set.
    "aws:ssm/serviceSetting:ServiceSetting": frozenset(),
    # A tier that becomes smaller replaces, too; none is declared.
    "aws:ssm/parameter:Parameter": frozenset({"name", "dataType"}),
    "aws:iam/role:Role": frozenset({"name", "namePrefix", "path"}),
    "aws:iam/rolePolicy:RolePolicy": frozenset({"name", "namePrefix", "role"}),
    "aws:iam/policy:Policy": frozenset({"name", "namePrefix", "path", "description"}),
    # A user is renamed in place.
    "aws:iam/user:User": frozenset(),
    "aws:iam/userPolicy:UserPolicy": frozenset({"name", "namePrefix", "user"}),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": frozenset({"url"}),
    "cloudflare:index/accountToken:AccountToken": frozenset(),
    "cloudflare:index/dnsRecord:DnsRecord": frozenset({"type"}),
    "cloudflare:index/healthcheck:Healthcheck": frozenset(),
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": frozenset(),
    "cloudflare:index/notificationPolicy:NotificationPolicy": frozenset(),
    "cloudflare:index/pagesProject:PagesProject": frozenset({"name"}),
    "cloudflare:index/r2Bucket:R2Bucket": frozenset({"name", "location"}),
    "cloudflare:index/r2BucketCors:R2BucketCors": frozenset({"bucketName"}),
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle": frozenset({"bucketName"}),
    "cloudflare:index/worker:Worker": frozenset(),
    "cloudflare:index/workersRoute:WorkersRoute": frozenset(),
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": frozenset(),
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": frozenset(),
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": frozenset(),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": frozenset({"configSrc"}),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": frozenset({"tunnelId"}),
    "pulumi:providers:aws": frozenset(),
    "pulumi:providers:cloudflare": frozenset(),
    "pulumi:providers:tls": frozenset(),
    # All but the hours of early renewal (hashicorp/terraform-provider-tls).
    "tls:index/locallySignedCert:LocallySignedCert": frozenset(
        {
            "allowedUses",
            "caCertPem",
            "caPrivateKeyPem",
            "certRequestPem",
            "isCaCertificate",
            "setSubjectKeyId",
            "validityPeriodHours",
        }
    ),
    "tls:index/selfSignedCert:SelfSignedCert": frozenset(
        {
            "allowedUses",
            "isCaCertificate",
            "privateKeyPem",
            "setAuthorityKeyId",
            "setSubjectKeyId",
            "subject",
            "validityPeriodHours",
        }
    ),
}
_TAGS = frozenset({"tags", "tagsAll"})
# Its tags go to the machine that it registers, once.
_TAGS_REPLACE = frozenset({"aws:ssm/activation:Activation"})
# Moving something to another account, zone or region is always another thing.
_ALWAYS = frozenset({"accountId", "zoneId", "region"})


def replaces(resource: Resource, name: str) -> bool:
    """Whether a change of this top-level property replaces the resource."""
    if not resource.custom:
        return False
    if name in _TAGS:
        return resource.type in _TAGS_REPLACE
    if name in resource.options.replace_on_changes or name in _ALWAYS:
        return True
    return resource.type in WHOLE or name in PROPERTIES.get(resource.type, frozenset())
