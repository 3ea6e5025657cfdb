"""Has buckets of the local S3 as they are declared: made, versioned, locked, with its lifecycle and replication."""

from collections.abc import Callable, Sequence
from typing import Any

from local.objects.buckets import Bucket
from local.objects.part import Objects

# Nobody takes on a role here.
ROLE = "arn:aws:iam::000000000000:role/replication"
ABSENT = (
    "ObjectLockConfigurationNotFoundError",
    "NoSuchLifecycleConfiguration",
    "ReplicationConfigurationNotFoundError",
)


def ensure_buckets(objects: Objects, buckets: Sequence[Bucket]) -> int:
    """In their order; how many had to be changed."""
    clients = {region: objects.client(region) for region in {bucket.region for bucket in buckets}}
    there = {found["Name"] for client in [*clients.values()][:1] for found in client.list_buckets()["Buckets"]}
    return sum(_ensure(clients[bucket.region], bucket, is_new=bucket.name not in there) for bucket in buckets)


def _ensure(client: Any, bucket: Bucket, *, is_new: bool) -> bool:
    """Whether that changed anything. One that was missing is empty. A lock, once on, stays, as in S3."""
    if is_new:
        client.create_bucket(Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": bucket.region})
    changed = [
        change(client, bucket) for change in (_ensure_versioning, _ensure_lock, _ensure_lifecycle, _ensure_replication)
    ]
    return is_new or any(changed)


def _ensure_versioning(client: Any, bucket: Bucket) -> bool:
    wanted = "Enabled" if bucket.is_versioned else "Suspended"
    found = client.get_bucket_versioning(Bucket=bucket.name).get("Status", "Suspended")
    if found != wanted:
        client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": wanted})
    return bool(found != wanted)


def _ensure_lock(client: Any, bucket: Bucket) -> bool:
    if bucket.retention is None:
        return False
    answer = _found(client.get_object_lock_configuration, bucket.name).get("ObjectLockConfiguration", {})
    found = answer.get("Rule", {}).get("DefaultRetention", {})
    # The one of the two that is not set comes as 0.
    if answer and {name: value for name, value in found.items() if value} == bucket.retention:
        return False
    rule = {"Rule": {"DefaultRetention": bucket.retention}} if bucket.retention else {}
    client.put_object_lock_configuration(
        Bucket=bucket.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", **rule}
    )
    return True


def _ensure_lifecycle(client: Any, bucket: Bucket) -> bool:
    wanted = [*bucket.lifecycle]
    if _found(client.get_bucket_lifecycle_configuration, bucket.name).get("Rules", []) == wanted:
        return False
    if wanted:
        client.put_bucket_lifecycle_configuration(Bucket=bucket.name, LifecycleConfiguration={"Rules": wanted})
    else:
        client.delete_bucket_lifecycle(Bucket=bucket.name)
    return True


def _ensure_replication(client: Any, bucket: Bucket) -> bool:
    wanted = [*bucket.replication]
    if (
        _found(client.get_bucket_replication, bucket.name).get("ReplicationConfiguration", {}).get("Rules", [])
        == wanted
    ):
        return False
    if wanted:
        client.put_bucket_replication(Bucket=bucket.name, ReplicationConfiguration={"Role": ROLE, "Rules": wanted})
    else:
        client.delete_bucket_replication(Bucket=bucket.name)
    return True


def _found(get: Callable[..., Any], bucket: str) -> dict[str, Any]:
    """What S3 answers; nothing where the bucket has no such setting."""
    from botocore.exceptions import ClientError

    try:
        answer: dict[str, Any] = get(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        return {}
    return answer
