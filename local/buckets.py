"""The S3 buckets that a plan declares, for the local S3."""

from dataclasses import dataclass
from typing import Any

from local.errors import LocalError
from plan.model import Computed, Plan, Resource

BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What of a bucket has a counterpart in the local S3."""

    name: str
    region: str
    is_versioned: bool


def declared_buckets(plan: Plan) -> list[Bucket]:
    """By name. Raises LocalError for one whose name or region only the cloud would know."""
    versioned = {
        _name(plan, versioning.inputs["bucket"])
        for versioning in plan.of_type(VERSIONING)
        if versioning.inputs["versioningConfiguration"]["status"] == "Enabled"
    }
    found = [(_name_of(resource), resource) for resource in plan.of_type(BUCKET)]
    return [
        Bucket(name=name, region=_region(plan, resource), is_versioned=name in versioned)
        for name, resource in sorted(found, key=lambda pair: pair[0])
    ]


def declared_bucket(plan: Plan, name: str) -> Bucket:
    """The one of that name. Raises LocalError."""
    for bucket in declared_buckets(plan):
        if bucket.name == name:
            return bucket
    raise LocalError(f"{name}: no such S3 bucket is declared")


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
