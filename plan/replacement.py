"""Which properties replace a resource when they change.

Only the provider plugins know it all; this table has the types of this stack, for looking at changes without them.
From the providers' schemas: hashicorp/terraform-provider-aws and cloudflare/terraform-provider-cloudflare.
"""

from plan.model import Resource

# Every change replaces, but for tags.
WHOLE = frozenset(
    {
        "aws:lightsail/keyPair:KeyPair",
        "aws:lightsail/disk:Disk",
        "aws:lightsail/disk_attachment:Disk_attachment",
        "aws:lightsail/instancePublicPorts:InstancePublicPorts",
        "aws:lightsail/staticIp:StaticIp",
        "aws:lightsail/staticIpAttachment:StaticIpAttachment",
        "cloudflare:index/workerVersion:WorkerVersion",
        "random:index/randomPassword:RandomPassword",
    }
)
PROPERTIES: dict[str, frozenset[str]] = {
    "aws:lightsail/instance:Instance": frozenset(
        {"name", "availabilityZone", "blueprintId", "bundleId", "keyPairName", "userData"}
    ),
    "aws:s3/bucket:Bucket": frozenset({"bucket", "objectLockEnabled"}),
    "aws:iam/role:Role": frozenset({"name", "path"}),
    "aws:iam/rolePolicy:RolePolicy": frozenset({"name", "role"}),
    "aws:iam/userPolicy:UserPolicy": frozenset({"name", "user"}),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": frozenset({"url"}),
    "cloudflare:index/r2Bucket:R2Bucket": frozenset({"name", "location"}),
    "cloudflare:index/r2BucketCors:R2BucketCors": frozenset({"bucketName", "jurisdiction"}),
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle": frozenset({"bucketName", "jurisdiction"}),
    "cloudflare:index/pagesProject:PagesProject": frozenset({"name"}),
    "cloudflare:index/workersDeployment:WorkersDeployment": frozenset({"scriptName"}),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": frozenset({"tunnelId"}),
}
_NEVER = frozenset({"tags", "tagsAll"})
# Moving something to another account, zone or region is always another thing.
_ALWAYS = frozenset({"accountId", "zoneId", "region"})


def replaces(resource: Resource, name: str) -> bool:
    """Whether a change of this top-level property replaces the resource."""
    if not resource.custom or name in _NEVER:
        return False
    if name in resource.options.replace_on_changes or name in _ALWAYS:
        return True
    return resource.type in WHOLE or name in PROPERTIES.get(resource.type, frozenset())
