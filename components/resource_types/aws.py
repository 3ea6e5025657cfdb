"""AWS's types: each keeps data in its region, or is named as global with the reason why it holds none of ours.

What replaces them is in the provider's schemas (hashicorp/terraform-provider-aws), what they cost on AWS's pages of
prices.
"""

from components.common.labels import DataClass
from components.resource_types.row import (
    ALL,
    CLASSIFIED,
    NOTHING,
    SETTINGS,
    Price,
    ResourceType,
    Shown,
    elsewhere,
    holds,
    passes,
    regional,
    unjudged,
    worldwide,
)

_OF_A_BUCKET = frozenset({"bucket", "expectedBucketOwner"})

_S3 = {
    "aws:s3/accessPoint:AccessPoint": regional(
        "A further name of one bucket, in the bucket's region.", usd=0, resource_policy="policy"
    ),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": worldwide(
        "A switch of the whole account; it holds no data.", usd=0
    ),
    "aws:s3/analyticsConfiguration:AnalyticsConfiguration": regional(
        "A setting of a bucket; where its reports go is judged by bucket-reports-stay-in-the-stack.",
        usd=0,
        reports_to=("storageClassAnalysis", "dataExport", "destination", "s3BucketDestination", "bucketArn"),
    ),
    "aws:s3/bucket:Bucket": regional(
        "Objects stay in the bucket's region (AWS, S3 data protection).",
        shown=holds("S3 buckets"),
        replaced_by={"bucket", "bucketPrefix", "objectLockEnabled"},
        usd=0,
        lost="a bucket",
        resource_policy="policy",
    ),
    "aws:s3/bucketAbac:BucketAbac": regional("A setting of a bucket.", usd=0),
    "aws:s3/bucketAcl:BucketAcl": regional("A setting of a bucket.", usd=0),
    "aws:s3/bucketAclV2:BucketAclV2": regional("A setting of a bucket, by its older name.", usd=0),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": regional("A setting of a bucket.", usd=0),
    "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2": regional("A setting, by its older name.", usd=0),
    "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": regional(
        "A setting of a bucket; its tiers are in the same region.", usd=0
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": regional(
        "A setting of a bucket.", shown=SETTINGS, replaced_by=_OF_A_BUCKET, usd=0
    ),
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": regional(
        "A setting, by its older name.", usd=0
    ),
    "aws:s3/bucketLogging:BucketLogging": regional(
        "A setting of a bucket; where its log goes is judged by bucket-reports-stay-in-the-stack.",
        usd=0,
        reports_to=("targetBucket",),
    ),
    "aws:s3/bucketLoggingV2:BucketLoggingV2": regional(
        "The same, by its older name.", usd=0, reports_to=("targetBucket",)
    ),
    "aws:s3/bucketMetric:BucketMetric": regional(
        "A setting of a bucket; the figures are CloudWatch's, in the region.", usd=0
    ),
    "aws:s3/bucketNotification:BucketNotification": regional(
        "A setting of a bucket; S3 tells only what is in the bucket's region (AWS, S3 event notifications).", usd=0
    ),
    "aws:s3/bucketObject:BucketObject": regional("An object of a bucket.", usd=0, code=("content", "source")),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": regional(
        "A setting of a bucket.",
        shown=SETTINGS,
        # A lock's mode and days change in place; S3 never takes one off.
        replaced_by={"bucket", "expectedBucketOwner", "objectLockEnabled"},
        usd=0,
    ),
    "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": regional(
        "A setting, by its older name.", usd=0
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": regional(
        "An object of a bucket.", shown=SETTINGS, replaced_by={"bucket", "key"}, usd=0, code=("content", "source")
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": regional(
        "A setting of a bucket.", shown=SETTINGS, replaced_by={"bucket"}, usd=0
    ),
    "aws:s3/bucketPolicy:BucketPolicy": regional(
        "A setting of a bucket.", shown=SETTINGS, replaced_by={"bucket"}, usd=0, resource_policy="policy"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": regional(
        "A setting of a bucket.", shown=SETTINGS, replaced_by={"bucket"}, usd=0
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": regional(
        "A setting of a bucket; where it copies to is judged by replication-stays-in-the-stack.",
        shown=SETTINGS,
        replaced_by={"bucket"},
        usd=0,
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": regional(
        "A setting of a bucket.", shown=SETTINGS, replaced_by=_OF_A_BUCKET, usd=0
    ),
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": regional(
        "A setting of a bucket, by its older name.", usd=0
    ),
    "aws:s3/bucketV2:BucketV2": regional(
        "A bucket, by its older name.",
        usd=0,
        lost="a bucket",
        resource_policy="policy",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": regional(
        "A setting of a bucket.", shown=SETTINGS, replaced_by=_OF_A_BUCKET, usd=0
    ),
    "aws:s3/bucketVersioningV2:BucketVersioningV2": regional("A setting of a bucket, by its older name.", usd=0),
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": regional("A setting of a bucket.", usd=0),
    "aws:s3/inventory:Inventory": regional(
        "A setting of a bucket; where its lists go is judged by bucket-reports-stay-in-the-stack.",
        usd=0,
        reports_to=("destination", "bucket", "bucketArn"),
    ),
    "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration": elsewhere(
        "Objects come in through CloudFront's edges in every country (AWS, S3 Transfer Acceleration).", usd=0
    ),
    "aws:s3/bucketAccelerateConfigurationV2:BucketAccelerateConfigurationV2": elsewhere(
        "Objects come in through CloudFront's edges in every country (AWS, S3 Transfer Acceleration).", usd=0
    ),
    "aws:s3/objectCopy:ObjectCopy": elsewhere(
        "It copies from any bucket, by a name that does not say the region.", usd=0
    ),
    "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint": elsewhere(
        "One name for buckets of several regions; requests take the nearest (AWS, S3 Multi-Region Access Points)."
    ),
}

_LIGHTSAIL = {
    "aws:lightsail/bucket:Bucket": regional("Objects stay in the bucket's region."),
    "aws:lightsail/bucketAccessKey:BucketAccessKey": regional("A key to a bucket, in the bucket's region."),
    "aws:lightsail/database:Database": regional(
        "The database and its snapshots are in its region.",
        lost="a database",
    ),
    "aws:lightsail/disk:Disk": regional(
        "The disk and its snapshots are in its region (AWS, Lightsail regions).",
        shown=holds("Lightsail disk"),
        replaced_by=ALL,
        usd=Price.COMPUTED,
        lost="a disk with the database on it",
    ),
    "aws:lightsail/disk_attachment:Disk_attachment": regional(
        "Joins two things of one zone.", shown=SETTINGS, replaced_by=ALL, usd=0
    ),
    "aws:lightsail/instance:Instance": regional(
        "The instance and its snapshots are in its region.",
        shown=holds("Lightsail instance"),
        replaced_by={"availabilityZone", "blueprintId", "bundleId", "keyPairName", "name", "userData"},
        # It holds the activation's code, which registers one machine.
        secret_inputs=("userData",),
        usd=Price.COMPUTED,
        may_ignore={
            "userData": "it is read at the first start only, and a new one would replace the host (FACTS 0.12)"
        },
        lost="a host, whose snapshots go with it",
        scripts=("userData",),
    ),
    "aws:lightsail/instancePublicPorts:InstancePublicPorts": regional(
        "A firewall; it holds no data.", shown=SETTINGS, replaced_by=ALL, usd=0
    ),
    "aws:lightsail/keyPair:KeyPair": regional(
        "A public key, kept in its region.", shown=SETTINGS, replaced_by=ALL, usd=0
    ),
    "aws:lightsail/lb:Lb": regional("Requests pass through, in its region.", passes=True, usd=18.0),
    "aws:lightsail/staticIp:StaticIp": regional(
        "An address of its region.",
        shown=SETTINGS,
        replaced_by=ALL,
        usd=Price.COMPUTED,
        lost="the address that certificates and firewalls know",
    ),
    "aws:lightsail/staticIpAttachment:StaticIpAttachment": regional(
        "Joins an address and an instance of one region.", shown=SETTINGS, replaced_by=ALL, usd=0
    ),
    "aws:lightsail/distribution:Distribution": elsewhere("A content network: it caches in every country."),
    "aws:lightsail/domain:Domain": elsewhere("Lightsail keeps domains in Virginia only (AWS, Lightsail DNS zones)."),
    "aws:lightsail/domainEntry:DomainEntry": elsewhere("Lightsail keeps domains in Virginia only.", is_dns_record=True),
}

_OPERATIONS = {
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": regional(
        "An alarm of its region; it holds names and states.",
        usd=0.5,
    ),
    "aws:cloudwatch/dashboard:Dashboard": worldwide(
        "Dashboards are the account's, not a region's (AWS, CloudWatch dashboards); they hold names of metrics.",
        usd=3.0,
    ),
    "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy": regional("A setting of a log group.", usd=0),
    "aws:cloudwatch/logGroup:LogGroup": regional(
        "Log lines stay in the group's region (AWS, CloudWatch Logs).",
        shown=holds("CloudWatch logs", rule="logs-stay-in-canada"),
        usd=0,
    ),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": regional("Makes figures of lines, in the group's region.", usd=0),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": regional(
        "Who may write; it holds no lines.", usd=0, resource_policy="policyDocument"
    ),
    "aws:cloudwatch/logStream:LogStream": regional("A part of a log group.", usd=0),
    "aws:cloudwatch/logDestination:LogDestination": regional(
        "Hands lines on; where to is judged by logs-stay-in-canada.", passes=True, usd=0, logs_to="targetArn"
    ),
    "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy": regional(
        "Who may write; it holds no lines.", usd=0, resource_policy="accessPolicy"
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": regional(
        "Hands lines on; where to is judged by logs-stay-in-canada.", passes=True, usd=0, logs_to="destinationArn"
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": regional(
        "An alarm of its region; it holds names and figures.",
        shown=SETTINGS,
        replaced_by={"name"},
        usd=0.1,
    ),
    "aws:cloudwatch/metricStream:MetricStream": elsewhere("Figures go to a delivery stream that no rule looks at."),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": regional("A setting of a repository.", usd=0),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": elsewhere(
        "Copies images to regions of its own list.", usd=0
    ),
    "aws:ecr/repository:Repository": regional("Images stay in the repository's region.", usd=0),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": regional(
        "A setting of a repository.", usd=0, resource_policy="policy"
    ),
    "aws:kms/alias:Alias": regional("A name of a key.", shown=SETTINGS, replaced_by={"name", "namePrefix"}, usd=0),
    "aws:kms/key:Key": regional(
        "Keys never leave their region unless they are made for several (AWS, KMS keys).",
        shown=holds("KMS keys", rule="keys-stay-in-their-region"),
        replaced_by={"customKeyStoreId", "customerMasterKeySpec", "keyUsage", "multiRegion", "xksKeyId"},
        # A key a month; each yearly renewal, at most two, costs as much again (AWS, KMS pricing).
        usd=1.0,
        lost="a key, without which data can not be read",
        resource_policy="policy",
    ),
    "aws:kms/keyPolicy:KeyPolicy": regional("Who may use a key.", usd=0, resource_policy="policy"),
    "aws:kms/customKeyStore:CustomKeyStore": elsewhere("Its keys are kept by a store that nobody has judged."),
    "aws:kms/externalKey:ExternalKey": elsewhere(
        "Its key material comes from outside of AWS, and others have it, too."
    ),
    "aws:kms/replicaExternalKey:ReplicaExternalKey": elsewhere("It carries a key of one region into another."),
    "aws:kms/replicaKey:ReplicaKey": elsewhere("It carries a key of one region into another.", usd=1.0),
    "aws:lambda/alias:Alias": regional("A name of a function's version.", usd=0),
    "aws:lambda/function:Function": regional(
        "Runs in its region and keeps nothing.", passes=True, usd=0, variables=r"environment\.variables\."
    ),
    "aws:lambda/functionUrl:FunctionUrl": regional("An address of a function, in its region.", passes=True, usd=0),
    "aws:lambda/permission:Permission": regional("Who may call a function.", usd=0),
    "aws:secretsmanager/secret:Secret": regional(
        "A secret stays in its region; a replica names its own, which is judged (AWS, Secrets Manager replication).",
        usd=0.4,
    ),
    "aws:secretsmanager/secretPolicy:SecretPolicy": regional("Who may read a secret.", usd=0, resource_policy="policy"),
    "aws:secretsmanager/secretVersion:SecretVersion": regional("A secret's value, in the secret's region.", usd=0),
    "aws:sns/topic:Topic": regional(
        "Messages are kept in the topic's region until they are delivered (AWS, SNS).",
        shown=passes("SNS topics"),
        replaced_by={"fifoTopic", "name", "namePrefix"},
        usd=0,
        resource_policy="policy",
    ),
    "aws:sns/topicPolicy:TopicPolicy": regional("Who may write to a topic.", usd=0, resource_policy="policy"),
    "aws:sns/topicSubscription:TopicSubscription": regional(
        "Hands messages on; to whom is judged by topics-tell-people.",
        passes=True,
        shown=SETTINGS,
        replaced_by={"endpoint", "protocol", "topic"},
        usd=0,
    ),
    "aws:sqs/queue:Queue": regional("Messages stay in the queue's region (AWS, SQS).", usd=0, resource_policy="policy"),
    "aws:sqs/queuePolicy:QueuePolicy": regional("Who may use a queue.", usd=0, resource_policy="policy"),
    "aws:ssm/activation:Activation": regional(
        "A code that registers a machine with its region.",
        shown=SETTINGS,
        # Its tags go to the machine that it registers, once.
        replaced_by=ALL | {"tags", "tagsAll"},
        secret_outputs=("activationCode",),
        usd=0,
    ),
    "aws:ssm/association:Association": regional(
        "What a machine applies; where its output goes names a region.",
        shown=SETTINGS,
        replaced_by={"name"},
        usd=0,
        variables=r"parameters\.",
    ),
    "aws:ssm/document:Document": regional(
        "Commands for machines of its region.", shown=SETTINGS, replaced_by={"name"}, usd=0
    ),
    "aws:ssm/maintenanceWindow:MaintenanceWindow": regional("Hours of work of its region.", usd=0),
    "aws:ssm/maintenanceWindowTarget:MaintenanceWindowTarget": regional("Names of machines of its region.", usd=0),
    "aws:ssm/parameter:Parameter": regional(
        "A value that stays in its region, encrypted with a key of that region.",
        shown=holds("Parameter Store"),
        # A tier that becomes smaller replaces, too; none is declared.
        replaced_by={"dataType", "name"},
        secret_inputs=(
            "?type=SecureString.value",
            "?type=SecureString.valueWo",
        ),
        is_marked_too_much=True,
        usd=Price.COMPUTED,
        variables="value$|insecureValue$",
    ),
    "aws:ssm/resourceDataSync:ResourceDataSync": elsewhere(
        "Copies inventories to buckets of any region or account.", usd=0
    ),
    "aws:ssm/serviceSetting:ServiceSetting": regional(
        "A switch of the account in one region.",
        shown=SETTINGS,
        # Another setting is set in place, and the old one stays set.
        replaced_by=NOTHING,
        usd=Price.COMPUTED,
    ),
}

# IAM is one service for all regions; names and policies of it are copied to every region (AWS, IAM resilience).
_IAM = {
    "aws:iam/accessKey:AccessKey": worldwide(
        "A key to the account; no data of ours is in it.", shown=Shown("IAM access keys", rule=CLASSIFIED), usd=0
    ),
    "aws:iam/accountAlias:AccountAlias": worldwide("A name of the account.", usd=0),
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy": worldwide("A setting of the account.", usd=0),
    "aws:iam/group:Group": worldwide("A name for several users.", shown=Shown("IAM groups", rule=CLASSIFIED), usd=0),
    "aws:iam/groupMembership:GroupMembership": worldwide("Which users are in a group.", usd=0),
    "aws:iam/groupPolicy:GroupPolicy": worldwide(
        "Who may do what; names of resources, no contents.", usd=0, grants="policy"
    ),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": worldwide("Joins a policy and a group.", usd=0),
    "aws:iam/instanceProfile:InstanceProfile": worldwide("A role for a machine, by name.", usd=0),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": worldwide(
        "Whose tokens are believed: an address.",
        shown=Shown("IAM identity providers", rule=CLASSIFIED),
        replaced_by={"url"},
        usd=0,
    ),
    "aws:iam/policy:Policy": worldwide(
        "Who may do what; names of resources, no contents.",
        shown=Shown("IAM policies", rule=CLASSIFIED),
        replaced_by={"description", "name", "namePrefix", "path"},
        usd=0,
        grants="policy",
    ),
    "aws:iam/policyAttachment:PolicyAttachment": worldwide("Joins a policy and those it is for.", usd=0),
    "aws:iam/role:Role": worldwide(
        "A name and who may take it on.",
        shown=Shown("IAM roles", rule=CLASSIFIED),
        replaced_by={"name", "namePrefix", "path"},
        usd=0,
    ),
    "aws:iam/rolePolicy:RolePolicy": worldwide(
        "Who may do what; names of resources, no contents.",
        shown=Shown("IAM policies", rule=CLASSIFIED),
        replaced_by={"name", "namePrefix", "role"},
        usd=0,
        grants="policy",
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": worldwide(
        "Joins a policy and a role.", shown=Shown("IAM policies", rule=CLASSIFIED), usd=0
    ),
    "aws:iam/serverCertificate:ServerCertificate": worldwide(
        "A certificate and its key; no data of ours is in it.", usd=0
    ),
    "aws:iam/serviceSpecificCredential:ServiceSpecificCredential": worldwide("A password of a program's user.", usd=0),
    "aws:iam/signingCertificate:SigningCertificate": worldwide("A certificate of a user.", usd=0),
    "aws:iam/sshKey:SshKey": worldwide("A public key of a user.", usd=0),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": worldwide("A role of AWS's own, by name.", usd=0),
    "aws:iam/user:User": worldwide(
        "A name for a program; people's names do not belong there.",
        shown=Shown("IAM users", rule=CLASSIFIED),
        # A user is renamed in place.
        replaced_by=NOTHING,
        usd=0,
    ),
    "aws:iam/userGroupMembership:UserGroupMembership": worldwide("Which groups a user is in.", usd=0),
    "aws:iam/userLoginProfile:UserLoginProfile": worldwide("A password of a user.", usd=0),
    "aws:iam/userPolicy:UserPolicy": worldwide(
        "Who may do what; names of resources, no contents.",
        shown=Shown("IAM policies", rule=CLASSIFIED),
        replaced_by={"name", "namePrefix", "user"},
        usd=0,
        grants="policy",
    ),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": worldwide("Joins a policy and a user.", usd=0),
}

_COGNITO = {
    "aws:cognito/userGroup:UserGroup": regional(
        "A role's name in a user pool.", shown=SETTINGS, replaced_by={"name", "userPoolId"}, usd=0
    ),
    "aws:cognito/userPool:UserPool": regional(
        "People's accounts stay in the pool's region (AWS, Cognito data protection).",
        most=DataClass.PERSONAL,
        shown=holds("Cognito user pools"),
        replaced_by={"aliasAttributes", "name", "usernameAttributes", "usernameConfiguration"},
        # By person and month, the first 10,000 for nothing (AWS, Cognito pricing).
        usd=0,
        lost="everybody's account and second factor",
    ),
    "aws:cognito/userPoolClient:UserPoolClient": regional(
        "A program that signs people in, and its secret.",
        shown=SETTINGS,
        replaced_by={"generateSecret", "userPoolId"},
        usd=0,
    ),
    "aws:cognito/userPoolDomain:UserPoolDomain": regional(
        "Pages of a user pool under a name of Amazon's, in the pool's region.",
        most=DataClass.PERSONAL,
        passes=True,
        shown=SETTINGS,
        replaced_by={"domain", "userPoolId"},
        usd=0,
    ),
}

_DNS = {
    "aws:route53/record:Record": worldwide(
        "DNS answers everyone; names and addresses are public.",
        is_dns_record=True,
        hosts=("records.0", "aliases.0.name"),
    ),
    "aws:route53/zone:Zone": worldwide("A domain's name."),
}

_UNJUDGED = {
    "aws:ec2/instance:Instance": unjudged(scripts=("userData", "userDataBase64")),
    "aws:ec2/launchConfiguration:LaunchConfiguration": unjudged(scripts=("userData", "userDataBase64")),
    "aws:ec2/launchTemplate:LaunchTemplate": unjudged(scripts=("userData",)),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": unjudged(scripts=("userData", "userDataBase64")),
    "aws:cloudwatch/eventConnection:EventConnection": unjudged(
        secret_inputs=(
            "authParameters.apiKey.value",
            "authParameters.basic.password",
            "authParameters.oauth.clientParameters.clientSecret",
        )
    ),
    "aws:kms/grant:Grant": unjudged(usd=0),
    "aws:lambda/eventSourceMapping:EventSourceMapping": unjudged(usd=0),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": unjudged(usd=0),
    "aws:lambda/layerVersion:LayerVersion": unjudged(usd=0),
    "aws:lightsail/bucketResourceAccess:BucketResourceAccess": unjudged(usd=0),
    "aws:lightsail/certificate:Certificate": unjudged(usd=0),
}

AWS: dict[str, ResourceType] = {
    "pulumi:providers:aws": regional(
        "Where its resources are unless they say otherwise.", passes=True, shown=SETTINGS, replaced_by=NOTHING, usd=0
    ),
    **_S3,
    **_LIGHTSAIL,
    **_OPERATIONS,
    **_IAM,
    **_COGNITO,
    **_DNS,
    **_UNJUDGED,
}
