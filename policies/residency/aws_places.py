"""AWS's types: each keeps data in its region, or is named as global with the reason why it holds none of ours."""

from policies.residency.place import Place, elsewhere, regional, worldwide

_S3 = {
    "aws:s3/accessPoint:AccessPoint": regional("A further name of one bucket, in the bucket's region."),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": worldwide(
        "A switch of the whole account; it holds no data."
    ),
    "aws:s3/analyticsConfiguration:AnalyticsConfiguration": regional(
        "A setting of a bucket; where its reports go is judged by bucket-reports-stay-in-the-stack."
    ),
    "aws:s3/bucket:Bucket": regional("Objects stay in the bucket's region (AWS, S3 data protection)."),
    "aws:s3/bucketAbac:BucketAbac": regional("A setting of a bucket."),
    "aws:s3/bucketAcl:BucketAcl": regional("A setting of a bucket."),
    "aws:s3/bucketAclV2:BucketAclV2": regional("A setting of a bucket, by its older name."),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": regional("A setting of a bucket."),
    "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2": regional("A setting, by its older name."),
    "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": regional(
        "A setting of a bucket; its tiers are in the same region."
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": regional("A setting of a bucket."),
    "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": regional("A setting, by its older name."),
    "aws:s3/bucketLogging:BucketLogging": regional(
        "A setting of a bucket; where its log goes is judged by bucket-reports-stay-in-the-stack."
    ),
    "aws:s3/bucketLoggingV2:BucketLoggingV2": regional("The same, by its older name."),
    "aws:s3/bucketMetric:BucketMetric": regional("A setting of a bucket; the figures are CloudWatch's, in the region."),
    "aws:s3/bucketNotification:BucketNotification": regional(
        "A setting of a bucket; S3 tells only what is in the bucket's region (AWS, S3 event notifications)."
    ),
    "aws:s3/bucketObject:BucketObject": regional("An object of a bucket."),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": regional("A setting of a bucket."),
    "aws:s3/bucketObjectLockConfigurationV2:BucketObjectLockConfigurationV2": regional("A setting, by its older name."),
    "aws:s3/bucketObjectv2:BucketObjectv2": regional("An object of a bucket."),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": regional("A setting of a bucket."),
    "aws:s3/bucketPolicy:BucketPolicy": regional("A setting of a bucket."),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": regional("A setting of a bucket."),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": regional(
        "A setting of a bucket; where it copies to is judged by replication-stays-in-the-stack."
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": regional(
        "A setting of a bucket."
    ),
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": regional(
        "A setting of a bucket, by its older name."
    ),
    "aws:s3/bucketV2:BucketV2": regional("A bucket, by its older name."),
    "aws:s3/bucketVersioning:BucketVersioning": regional("A setting of a bucket."),
    "aws:s3/bucketVersioningV2:BucketVersioningV2": regional("A setting of a bucket, by its older name."),
    "aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration": regional("A setting of a bucket."),
    "aws:s3/inventory:Inventory": regional(
        "A setting of a bucket; where its lists go is judged by bucket-reports-stay-in-the-stack."
    ),
    "aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration": elsewhere(
        "Objects come in through CloudFront's edges in every country (AWS, S3 Transfer Acceleration)."
    ),
    "aws:s3/bucketAccelerateConfigurationV2:BucketAccelerateConfigurationV2": elsewhere(
        "Objects come in through CloudFront's edges in every country (AWS, S3 Transfer Acceleration)."
    ),
    "aws:s3/objectCopy:ObjectCopy": elsewhere("It copies from any bucket, by a name that does not say the region."),
    "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint": elsewhere(
        "One name for buckets of several regions; requests take the nearest (AWS, S3 Multi-Region Access Points)."
    ),
}

_LIGHTSAIL = {
    "aws:lightsail/bucket:Bucket": regional("Objects stay in the bucket's region."),
    "aws:lightsail/bucketAccessKey:BucketAccessKey": regional("A key to a bucket, in the bucket's region."),
    "aws:lightsail/database:Database": regional("The database and its snapshots are in its region."),
    "aws:lightsail/disk:Disk": regional("The disk and its snapshots are in its region (AWS, Lightsail regions)."),
    "aws:lightsail/disk_attachment:Disk_attachment": regional("Joins two things of one zone."),
    "aws:lightsail/instance:Instance": regional("The instance and its snapshots are in its region."),
    "aws:lightsail/instancePublicPorts:InstancePublicPorts": regional("A firewall; it holds no data."),
    "aws:lightsail/keyPair:KeyPair": regional("A public key, kept in its region."),
    "aws:lightsail/lb:Lb": regional("Requests pass through, in its region.", passes=True),
    "aws:lightsail/staticIp:StaticIp": regional("An address of its region."),
    "aws:lightsail/staticIpAttachment:StaticIpAttachment": regional("Joins an address and an instance of one region."),
    "aws:lightsail/distribution:Distribution": elsewhere("A content network: it caches in every country."),
    "aws:lightsail/domain:Domain": elsewhere("Lightsail keeps domains in Virginia only (AWS, Lightsail DNS zones)."),
    "aws:lightsail/domainEntry:DomainEntry": elsewhere("Lightsail keeps domains in Virginia only."),
}

_OPERATIONS = {
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": regional("An alarm of its region; it holds names and states."),
    "aws:cloudwatch/dashboard:Dashboard": worldwide(
        "Dashboards are the account's, not a region's (AWS, CloudWatch dashboards); they hold names of metrics."
    ),
    "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy": regional("A setting of a log group."),
    "aws:cloudwatch/logGroup:LogGroup": regional("Log lines stay in the group's region (AWS, CloudWatch Logs)."),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": regional("Makes figures of lines, in the group's region."),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": regional("Who may write; it holds no lines."),
    "aws:cloudwatch/logStream:LogStream": regional("A part of a log group."),
    "aws:cloudwatch/logDestination:LogDestination": regional(
        "Hands lines on; where to is judged by logs-stay-in-canada.", passes=True
    ),
    "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy": regional("Who may write; it holds no lines."),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": regional(
        "Hands lines on; where to is judged by logs-stay-in-canada.", passes=True
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": regional("An alarm of its region; it holds names and figures."),
    "aws:cloudwatch/metricStream:MetricStream": elsewhere("Figures go to a delivery stream that no rule looks at."),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": regional("A setting of a repository."),
    "aws:ecr/replicationConfiguration:ReplicationConfiguration": elsewhere("Copies images to regions of its own list."),
    "aws:ecr/repository:Repository": regional("Images stay in the repository's region."),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": regional("A setting of a repository."),
    "aws:kms/alias:Alias": regional("A name of a key."),
    "aws:kms/key:Key": regional("Keys never leave their region unless they are made for several (AWS, KMS keys)."),
    "aws:kms/keyPolicy:KeyPolicy": regional("Who may use a key."),
    "aws:kms/customKeyStore:CustomKeyStore": elsewhere("Its keys are kept by a store that nobody has judged."),
    "aws:kms/externalKey:ExternalKey": elsewhere(
        "Its key material comes from outside of AWS, and others have it, too."
    ),
    "aws:kms/replicaExternalKey:ReplicaExternalKey": elsewhere("It carries a key of one region into another."),
    "aws:kms/replicaKey:ReplicaKey": elsewhere("It carries a key of one region into another."),
    "aws:lambda/alias:Alias": regional("A name of a function's version."),
    "aws:lambda/function:Function": regional("Runs in its region and keeps nothing.", passes=True),
    "aws:lambda/functionUrl:FunctionUrl": regional("An address of a function, in its region.", passes=True),
    "aws:lambda/permission:Permission": regional("Who may call a function."),
    "aws:secretsmanager/secret:Secret": regional(
        "A secret stays in its region; a replica names its own, which is judged (AWS, Secrets Manager replication)."
    ),
    "aws:secretsmanager/secretPolicy:SecretPolicy": regional("Who may read a secret."),
    "aws:secretsmanager/secretVersion:SecretVersion": regional("A secret's value, in the secret's region."),
    "aws:sns/topic:Topic": regional("Messages are kept in the topic's region until they are delivered (AWS, SNS)."),
    "aws:sns/topicPolicy:TopicPolicy": regional("Who may write to a topic."),
    "aws:sns/topicSubscription:TopicSubscription": regional(
        "Hands messages on; to whom is judged by topics-tell-people.", passes=True
    ),
    "aws:sqs/queue:Queue": regional("Messages stay in the queue's region (AWS, SQS)."),
    "aws:sqs/queuePolicy:QueuePolicy": regional("Who may use a queue."),
    "aws:ssm/activation:Activation": regional("A code that registers a machine with its region."),
    "aws:ssm/association:Association": regional("What a machine applies; where its output goes names a region."),
    "aws:ssm/document:Document": regional("Commands for machines of its region."),
    "aws:ssm/maintenanceWindow:MaintenanceWindow": regional("Hours of work of its region."),
    "aws:ssm/maintenanceWindowTarget:MaintenanceWindowTarget": regional("Names of machines of its region."),
    "aws:ssm/parameter:Parameter": regional("A value that stays in its region, encrypted with a key of that region."),
    "aws:ssm/resourceDataSync:ResourceDataSync": elsewhere("Copies inventories to buckets of any region or account."),
    "aws:ssm/serviceSetting:ServiceSetting": regional("A switch of the account in one region."),
}

# IAM is one service for all regions; names and policies of it are copied to every region (AWS, IAM resilience).
_IAM = {
    "aws:iam/accessKey:AccessKey": worldwide("A key to the account; no data of ours is in it."),
    "aws:iam/accountAlias:AccountAlias": worldwide("A name of the account."),
    "aws:iam/accountPasswordPolicy:AccountPasswordPolicy": worldwide("A setting of the account."),
    "aws:iam/group:Group": worldwide("A name for several users."),
    "aws:iam/groupMembership:GroupMembership": worldwide("Which users are in a group."),
    "aws:iam/groupPolicy:GroupPolicy": worldwide("Who may do what; names of resources, no contents."),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": worldwide("Joins a policy and a group."),
    "aws:iam/instanceProfile:InstanceProfile": worldwide("A role for a machine, by name."),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": worldwide("Whose tokens are believed: an address."),
    "aws:iam/policy:Policy": worldwide("Who may do what; names of resources, no contents."),
    "aws:iam/policyAttachment:PolicyAttachment": worldwide("Joins a policy and those it is for."),
    "aws:iam/role:Role": worldwide("A name and who may take it on."),
    "aws:iam/rolePolicy:RolePolicy": worldwide("Who may do what; names of resources, no contents."),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": worldwide("Joins a policy and a role."),
    "aws:iam/serverCertificate:ServerCertificate": worldwide("A certificate and its key; no data of ours is in it."),
    "aws:iam/serviceSpecificCredential:ServiceSpecificCredential": worldwide("A password of a program's user."),
    "aws:iam/signingCertificate:SigningCertificate": worldwide("A certificate of a user."),
    "aws:iam/sshKey:SshKey": worldwide("A public key of a user."),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": worldwide("A role of AWS's own, by name."),
    "aws:iam/user:User": worldwide("A name for a program; people's names do not belong there."),
    "aws:iam/userGroupMembership:UserGroupMembership": worldwide("Which groups a user is in."),
    "aws:iam/userLoginProfile:UserLoginProfile": worldwide("A password of a user."),
    "aws:iam/userPolicy:UserPolicy": worldwide("Who may do what; names of resources, no contents."),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": worldwide("Joins a policy and a user."),
}

_DNS = {
    "aws:route53/record:Record": worldwide("DNS answers everyone; names and addresses are public."),
    "aws:route53/zone:Zone": worldwide("A domain's name."),
}

AWS: dict[str, Place] = {
    "pulumi:providers:aws": regional("Where its resources are unless they say otherwise.", passes=True),
    **_S3,
    **_LIGHTSAIL,
    **_OPERATIONS,
    **_IAM,
    **_DNS,
}
