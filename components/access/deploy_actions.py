"""AWS's actions that GitHub's jobs need, by what they are done to."""

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
# Of the backups' buckets: how long versions are locked, and where they are copied to.
BACKUP_BUCKET_WRITES = ["s3:PutBucketObjectLockConfiguration", "s3:PutReplicationConfiguration"]
# What a policy of a bucket, which the pipeline may write, could otherwise open to it.
OBJECT_ACTIONS = ["s3:*Object*", "s3:BypassGovernanceRetention"]
# Keys are an administrator's: who can make one anew, or write its policy, can lock everybody out of the backups.
KEY_READS = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
# Knows no resource.
ALIAS_LOOKS = ["kms:ListAliases"]
TOPIC_READS = ["sns:GetTopicAttributes", "sns:ListTagsForResource"]
TOPIC_WRITES = [
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:SetTopicAttributes",
    "sns:TagResource",
    "sns:UntagResource",
]
SUBSCRIBES = ["sns:Subscribe"]
# These know no resource (AWS, Service Authorization Reference of SNS).
SUBSCRIPTION_READS = ["sns:GetSubscriptionAttributes"]
SUBSCRIPTION_WRITES = ["sns:Unsubscribe"]
ALARM_READS = ["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"]
ALARM_WRITES = [
    "cloudwatch:DeleteAlarms",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
]
# With stars, because all inline policies of a role together may have 10,240 characters (IAM quotas).
IDENTITY_READS = [
    "iam:GetOpenIDConnectProvider",
    "iam:GetPolicy*",
    "iam:GetRole*",
    "iam:GetUser*",
    "iam:ListAttached*",
    "iam:ListGroupsForUser",
    "iam:ListInstanceProfilesForRole",
    "iam:ListOpenIDConnectProviderTags",
    "iam:ListPolicy*",
    "iam:ListRole*",
    "iam:ListUser*",
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
NODE_TIER_READS = ["ssm:GetServiceSetting"]
# The provider deletes a setting by taking it back to AWS's own value.
NODE_TIER_WRITES = ["ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"]
OIDC_WRITES = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]
