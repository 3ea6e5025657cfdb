"""The S3 buckets that a plan declares, and the local S3 made to have them with their settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from components.resource_types import tokens
from local.common.errors import LocalError
from plan.model import Computed, Plan, Resource

ARN = "arn:aws:s3:::"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """The settings of a bucket that the local S3 knows too, in the shapes of boto3."""

    name: str
    region: str
    is_versioned: bool
    retention: dict[str, Any] | None = None
    """`DefaultRetention` of its Object Lock; None where it has no lock."""
    lifecycle: tuple[dict[str, Any], ...] = ()
    replication: tuple[dict[str, Any], ...] = ()
    """Rules; each names its copies' bucket by ARN."""


def declared_buckets(plan: Plan) -> list[Bucket]:
    """Sorted by name, replication targets first. Raises LocalError for what only the cloud would know."""
    versioned = {
        _name(plan, versioning.inputs["bucket"])
        for versioning in plan.of_type(tokens.BUCKET_VERSIONING)
        if versioning.inputs["versioningConfiguration"]["status"] == "Enabled"
    }
    locks, lifecycles, replications = (
        _inputs(plan, kind) for kind in (tokens.OBJECT_LOCK, tokens.BUCKET_LIFECYCLE, tokens.REPLICATION)
    )
    found = [
        Bucket(
            name=name,
            region=_region(plan, resource),
            is_versioned=name in versioned,
            retention=_retention(locks[name]) if name in locks else None,
            lifecycle=tuple(_lifecycle_rule(rule) for rule in lifecycles.get(name, {}).get("rules", [])),
            replication=tuple(_replication_rule(plan, rule) for rule in replications.get(name, {}).get("rules", [])),
        )
        for resource in plan.of_type(tokens.BUCKET)
        for name in [_name_of(resource)]
    ]
    return sorted(found, key=lambda bucket: (bool(bucket.replication), bucket.name))


def _inputs(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    """Inputs of the resources of a type, by the name of their bucket."""
    return {_name(plan, resource.inputs["bucket"]): resource.inputs for resource in plan.of_type(kind)}


def _retention(lock: dict[str, Any]) -> dict[str, Any]:
    declared = (lock.get("rule") or {}).get("defaultRetention", {})
    return _named(declared, mode="Mode", days="Days", years="Years")


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule with those actions that the local S3 takes; see local/object_store/expiry.py."""
    found = {
        "ID": rule["id"],
        "Status": rule["status"],
        "Filter": _named(rule.get("filter") or {}, prefix="Prefix"),
        "NoncurrentVersionExpiration": _named(
            rule.get("noncurrentVersionExpiration") or {}, noncurrentDays="NoncurrentDays"
        ),
        "Expiration": _named(rule.get("expiration") or {}, expiredObjectDeleteMarker="ExpiredObjectDeleteMarker"),
        "AbortIncompleteMultipartUpload": _named(
            rule.get("abortIncompleteMultipartUpload") or {}, daysAfterInitiation="DaysAfterInitiation"
        ),
    }
    return {name: value for name, value in found.items() if value or name == "Filter"}


def _replication_rule(plan: Plan, rule: dict[str, Any]) -> dict[str, Any]:
    markers = (rule.get("deleteMarkerReplication") or {}).get("status", "Disabled")
    return {
        "ID": rule["id"],
        "Priority": rule.get("priority", 0),
        "Status": rule["status"],
        "Filter": {"Prefix": (rule.get("filter") or {}).get("prefix", "")},
        "DeleteMarkerReplication": {"Status": markers},
        "Destination": {"Bucket": ARN + _name(plan, rule["destination"]["bucket"]).removeprefix(ARN)},
    }


def _named(declared: dict[str, Any], **names: str) -> dict[str, Any]:
    """The declared fields, by S3's own names."""
    return {names[name]: value for name, value in declared.items() if name in names and value is not None}


def _name_of(bucket: Resource) -> str:
    name = bucket.inputs.get("bucket")
    if not isinstance(name, str):
        raise LocalError(f"{bucket.name}: its name is known only after deployment; give it one (`bucket`)")
    return name


def _name(plan: Plan, value: Any) -> str:
    """Name of the bucket that another resource names, be it by a reference."""
    found = value.reference if isinstance(value, Computed) else None
    return _name_of(plan.by_urn[found[0]]) if found else str(value)


def _region(plan: Plan, bucket: Resource) -> str:
    """The resource's own region, or else its provider's."""
    provider = plan.by_urn.get(bucket.provider or "")
    region = bucket.inputs.get("region") or (provider.inputs.get("region") if provider else None)
    if not isinstance(region, str):
        raise LocalError(f"{bucket.name}: its region is not declared, neither at itself nor at its provider")
    return region


# Nobody takes on a role here.
ROLE = "arn:aws:iam::000000000000:role/replication"
ABSENT = (
    "ObjectLockConfigurationNotFoundError",
    "NoSuchLifecycleConfiguration",
    "ReplicationConfigurationNotFoundError",
)


def ensure_buckets(client_of: Callable[[str], Any], buckets: Sequence[Bucket]) -> int:
    """Makes buckets in order; returns how many had to be changed. `client_of` makes a boto3 client for a region."""
    clients = {region: client_of(region) for region in {bucket.region for bucket in buckets}}
    there = {found["Name"] for client in [*clients.values()][:1] for found in client.list_buckets()["Buckets"]}
    return sum(_ensure(clients[bucket.region], bucket, is_new=bucket.name not in there) for bucket in buckets)


def _ensure(client: Any, bucket: Bucket, *, is_new: bool) -> bool:
    """Makes or changes the bucket; whether that changed anything. A lock, once on, stays, as in S3."""
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
