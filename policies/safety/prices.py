"""What declared resources cost a month whether they are used or not, in US dollars, and the most a stack may cost.

List prices of us-east-1 as published; Montreal's may differ a little (`aws lightsail get-bundles --region
ca-central-1` has them). What is paid by use, as requests, traffic, stored objects and snapshots, is left out.
"""

SOURCE = "AWS and Cloudflare price pages, Lightsail's plan table of 2026-09-17"
HOURS_A_MONTH = 730

CEILINGS_USD: dict[str, float] = {"prod": 100.0, "dev": 60.0}
"""By environment. The budget is $100 a month; a stack that needs more for a while, as with two hosts while one takes
over from the other, has an exemption with an end."""

# AWS, Lightsail pricing: Linux with a public IPv4 address.
BUNDLES_USD: dict[str, float] = {
    "nano_3_0": 5.0,
    "micro_3_0": 7.0,
    "small_3_0": 12.0,
    "medium_3_0": 24.0,
    "large_3_0": 44.0,
    "xlarge_3_0": 84.0,
    "2xlarge_3_0": 164.0,
    "4xlarge_3_0": 384.0,
}
# AWS, Lightsail pricing, block storage.
DISK_GB_USD = 0.10
# AWS, Lightsail pricing: an address costs while it is attached to nothing.
LOOSE_ADDRESS_USD = 0.005 * HOURS_A_MONTH
# AWS, Systems Manager pricing, advanced on-premises instance management: an hour of each machine.
ADVANCED_NODE_USD = 0.00695 * HOURS_A_MONTH
# Cloudflare, Workers pricing: the paid plan, once an account. Hyperdrive is in the free plan, too, with 10
# configurations and about 20 connections each; that plan ends at 100,000 requests a day, so the paid one is counted.
WORKERS_PLAN_USD = 5.0
# Cloudflare, plans: Pro, billed by the month, once a zone. The free plan has no standalone health checks (Cloudflare,
# Health Checks). Not seen on a bill.
PRO_PLAN_USD = 25.0
# AWS, Systems Manager pricing, advanced parameters: each, by the month. Not looked up for Montreal.
ADVANCED_PARAMETER_USD = 0.05

FIXED_USD: dict[str, float] = {
    # AWS, KMS pricing: a key a month; each yearly renewal, at most two, costs as much again.
    "aws:kms/key:Key": 1.0,
    "aws:kms/replicaKey:ReplicaKey": 1.0,
    # AWS, CloudWatch pricing.
    "aws:cloudwatch/metricAlarm:MetricAlarm": 0.10,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": 0.50,
    "aws:cloudwatch/dashboard:Dashboard": 3.0,
    # AWS, Secrets Manager pricing.
    "aws:secretsmanager/secret:Secret": 0.40,
    # AWS, Lightsail pricing.
    "aws:lightsail/lb:Lb": 18.0,
    # Cloudflare, Load Balancing: the base price. Second-hand; the contract decides.
    "cloudflare:index/loadBalancer:LoadBalancer": 5.0,
}

# Nothing runs anywhere for these.
LOCAL = ("hybrid:", "pulumi:", "random:", "tls:")
# Services that are free or paid by use; the rest of AWS has a price that somebody must look up.
BY_USE = (
    "aws:cloudwatch/log",
    "aws:ecr/lifecyclePolicy:",
    "aws:ecr/replicationConfiguration:",
    "aws:ecr/repository",
    "aws:iam/",
    "aws:kms/alias:",
    "aws:kms/grant:",
    "aws:kms/keyPolicy:",
    "aws:lambda/alias:",
    "aws:lambda/eventSourceMapping:",
    "aws:lambda/function:",
    "aws:lambda/functionEventInvokeConfig:",
    "aws:lambda/functionUrl:",
    "aws:lambda/layerVersion:",
    "aws:lambda/permission:",
    "aws:lightsail/bucketResourceAccess:",
    "aws:lightsail/certificate:",
    "aws:lightsail/disk_attachment:",
    "aws:lightsail/instancePublicPorts:",
    "aws:lightsail/keyPair:",
    "aws:lightsail/staticIpAttachment:",
    "aws:s3/",
    "aws:secretsmanager/secretPolicy:",
    "aws:secretsmanager/secretVersion:",
    "aws:sns/",
    "aws:sqs/",
    "aws:ssm/activation:",
    "aws:ssm/association:",
    "aws:ssm/document:",
    "aws:ssm/maintenanceWindow",
    "aws:ssm/resourceDataSync:",
    "cloudflare:index/accountToken:",
    "cloudflare:index/apiToken:",
    "cloudflare:index/connectivityDirectoryService:",
    "cloudflare:index/d1Database:",
    "cloudflare:index/dnsRecord:",
    "cloudflare:index/hyperdriveConfig:",
    "cloudflare:index/loadBalancerMonitor:",
    "cloudflare:index/loadBalancerPool:",
    "cloudflare:index/mtlsCertificate:",
    "cloudflare:index/notificationPolicy",
    "cloudflare:index/pages",
    "cloudflare:index/queue",
    "cloudflare:index/r2Bucket",
    "cloudflare:index/r2CustomDomain:",
    "cloudflare:index/r2ManagedDomain:",
    "cloudflare:index/record:",
    "cloudflare:index/ruleset:",
    "cloudflare:index/secretsStore",
    "cloudflare:index/turnstileWidget:",
    "cloudflare:index/worker",
    "cloudflare:index/workflow:",
    "cloudflare:index/zeroTrustAccess",
    "cloudflare:index/zeroTrustTunnelCloudflared",
    "cloudflare:index/zoneDnssec:",
    "cloudflare:index/zoneSetting:",
    "vercel:index/deployment:",
    "vercel:index/project",
)
# Begin like one of those and have a price a month that nobody has looked up.
NOT_BY_USE = ("cloudflare:index/workersForPlatforms",)
