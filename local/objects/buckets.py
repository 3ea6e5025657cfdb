"""The S3 buckets that a plan declares, for the local S3."""

from dataclasses import dataclass
from typing import Any

from local.common.errors import LocalError
from plan.model import Computed, Plan, Resource

BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
ARN = "arn:aws:s3:::"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What of a bucket has a counterpart in the local S3; its parts are in the shapes of boto3."""

    name: str
    region: str
    is_versioned: bool
    retention: dict[str, Any] | None = None
    """`DefaultRetention` of its Object Lock; None where it has no lock."""
    lifecycle: tuple[dict[str, Any], ...] = ()
    replication: tuple[dict[str, Any], ...] = ()
    """Rules; each names its copies' bucket by ARN."""


def declared_buckets(plan: Plan) -> list[Bucket]:
    """By name, those that others are replicated to first. Raises LocalError for what only the cloud would know."""
    versioned = {
        _name(plan, versioning.inputs["bucket"])
        for versioning in plan.of_type(VERSIONING)
        if versioning.inputs["versioningConfiguration"]["status"] == "Enabled"
    }
    locks, lifecycles, replications = (_inputs(plan, kind) for kind in (LOCK, LIFECYCLE, REPLICATION))
    found = [
        Bucket(
            name=name,
            region=_region(plan, resource),
            is_versioned=name in versioned,
            retention=_retention(locks[name]) if name in locks else None,
            lifecycle=tuple(_lifecycle_rule(rule) for rule in lifecycles.get(name, {}).get("rules", [])),
            replication=tuple(_replication_rule(plan, rule) for rule in replications.get(name, {}).get("rules", [])),
        )
        for resource in plan.of_type(BUCKET)
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
    """Of the actions those that the local S3 takes; see local/object_store/expiry.py."""
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
    """What of it is declared, by S3's own names."""
    return {names[name]: value for name, value in declared.items() if name in names and value is not None}


def _name_of(bucket: Resource) -> str:
    name = bucket.inputs.get("bucket")
    if not isinstance(name, str):
        raise LocalError(f"{bucket.name}: its name is known only to the cloud; give it one (`bucket`)")
    return name


def _name(plan: Plan, value: Any) -> str:
    """Name of the bucket that another resource names, be it by a reference."""
    found = value.reference if isinstance(value, Computed) else None
    return _name_of(plan.by_urn[found[0]]) if found else str(value)


def _region(plan: Plan, bucket: Resource) -> str:
    """Its own, or else its provider's."""
    provider = plan.by_urn.get(bucket.provider or "")
    region = bucket.inputs.get("region") or (provider.inputs.get("region") if provider else None)
    if not isinstance(region, str):
        raise LocalError(f"{bucket.name}: its region is not declared, neither at itself nor at its provider")
    return region
