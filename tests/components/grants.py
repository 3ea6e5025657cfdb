"""Policy documents, read as what they allow, and their actions looked up in AWS's own models of its services."""

import fnmatch
from typing import Any

import botocore.session

Document = dict[str, Any]
Grant = tuple[str, list[str], dict[str, Any] | None]
# It reads each model once.
SESSION = botocore.session.Session()

# S3's actions are called unlike its operations (AWS, Service Authorization Reference of S3); all others are alike.
S3_OPERATIONS = {
    "AbortMultipartUpload": "AbortMultipartUpload",
    "DeleteObjectVersion": "DeleteObject",
    "GetAccelerateConfiguration": "GetBucketAccelerateConfiguration",
    "GetEncryptionConfiguration": "GetBucketEncryption",
    "GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
    "GetObjectVersion": "GetObject",
    "GetObjectVersionAcl": "GetObjectAcl",
    "GetObjectVersionTagging": "GetObjectTagging",
    "GetReplicationConfiguration": "GetBucketReplication",
    "ListBucket": "ListObjectsV2",
    "ListBucketVersions": "ListObjectVersions",
    "PutBucketObjectLockConfiguration": "PutObjectLockConfiguration",
    "PutBucketPublicAccessBlock": "PutPublicAccessBlock",
    "PutEncryptionConfiguration": "PutBucketEncryption",
    "PutLifecycleConfiguration": "PutBucketLifecycleConfiguration",
    "PutReplicationConfiguration": "PutBucketReplication",
    # Of S3's newer half, the model s3control.
    "ListTagsForResource": None,
    "TagResource": None,
    "UntagResource": None,
}
# Permissions without an operation, those of replication as AWS's guide has them ("Setting up permissions for live
# replication"), and what only the agent asks: no public model has it (the names are those of AWS's own policy for it,
# AmazonSSMManagedInstanceCore).
WITHOUT_OPERATION = {
    "iam:PassRole",
    "s3:BypassGovernanceRetention",
    "s3:GetObjectVersionForReplication",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
    "ssm:ListInstanceAssociations",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
}


def statements(document: Document) -> list[dict[str, Any]]:
    listed = document["Statement"]
    assert isinstance(listed, list)
    return listed


def grants(document: Document) -> list[Grant]:
    """What is allowed, as `service: Action Action`, on what and when."""
    found = []
    for statement in statements(document):
        if statement["Effect"] == "Allow":
            (service,) = {action.partition(":")[0] for action in statement["Action"]}
            names = " ".join(action.partition(":")[2] for action in statement["Action"])
            found.append((f"{service}: {names}", statement["Resource"], statement.get("Condition")))
    return found


def unknown_actions(document: Document) -> list[str]:
    """Actions that no service has."""
    actions = sorted({action for found in statements(document) for action in found.get("Action", ())})
    assert actions
    return [action for action in actions if action not in WITHOUT_OPERATION and not _exists(action)]


def _exists(action: str) -> bool:
    service, _, name = action.partition(":")
    if service == "s3" and name in S3_OPERATIONS:
        operation = S3_OPERATIONS[name]
        service, name = ("s3", operation) if operation else ("s3control", name)
    return bool(fnmatch.filter(SESSION.get_service_model(service).operation_names, name))
