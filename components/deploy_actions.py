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
NODE_TIER_READS = ["ssm:GetServiceSetting"]
# The provider deletes a setting by taking it back to AWS's own value.
NODE_TIER_WRITES = ["ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"]
OIDC_WRITES = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]
