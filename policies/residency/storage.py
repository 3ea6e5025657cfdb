"""Where copies of data go, and whether backups can be brought back."""

from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from policies.residency.regions import CANADIAN_REGIONS
from policies.rule import Rule, StackRule

BUCKET = "aws:s3/bucket:Bucket"
# With the type's older name.
BUCKETS = ("aws:s3/bucket:", "aws:s3/bucketV2:")
REPLICATION_INPUTS = {"replicationConfiguration", "replicationConfigurations"}
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
REPOSITORY = "hybrid:backup:BackupRepository"
ARN = "arn:aws:s3:::"
# What the backups' buckets must have, each a resource of its own that names its bucket.
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
PUBLIC_ACCESS = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _replication_stays(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    known = {_get(found.props, "bucket"): found for found in args.resources if found.resource_type == BUCKET}
    for resource in args.resources:
        if resource.resource_type == REPLICATION:
            for destination in _destinations(resource.props):
                copy = known.get(destination.removeprefix(ARN)) if destination else None
                if copy is None:
                    yield "This replication goes to a bucket that this stack does not declare.", resource.urn
                elif _get(copy.props, "region") not in CANADIAN_REGIONS:
                    yield "This replication goes to a bucket that does not say it is in Canada.", resource.urn


def _destinations(replication: Mapping[str, Any]) -> list[str | None]:
    """Where each rule goes, by ARN; None where that is not known."""
    rules = _get(replication, "rules")
    if not rules:
        return [None]
    return [_get(_get(rules, index), "destination", "bucket") for index in range(len(rules))]


def _replication_is_in_sight(args: ResourceValidationArgs) -> Iterator[str]:
    # Of what was declared: the provider reads a replication back into the bucket's outputs.
    if args.resource_type.startswith(BUCKETS) and REPLICATION_INPUTS & set(args.props):
        yield "This bucket is replicated by a property of its own, which no rule looks at."


def _backups_can_be_brought_back(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for bucket in args.resources:
        if bucket.resource_type != BUCKET or not _is_below(bucket, REPOSITORY):
            continue
        name = _get(bucket.props, "bucket")
        own = {
            found.resource_type: found.props
            for found in args.resources
            if name is not None and _get(found.props, "bucket") == name
        }
        for fault in _faults_of_a_repository(own):
            yield f"This bucket of backups {fault}.", bucket.urn


def _faults_of_a_repository(own: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """`own`: properties of what belongs to the bucket, by type."""
    if _get(own, VERSIONING, "versioningConfiguration", "status") != "Enabled":
        yield "keeps no versions"
    if not _get(own, LOCK, "rule", "defaultRetention", "days") and not _get(
        own, LOCK, "rule", "defaultRetention", "years"
    ):
        yield "locks no versions"
    default = _get(own, ENCRYPTION, "rules", 0, "applyServerSideEncryptionByDefault")
    if _get(default, "sseAlgorithm") not in ("aws:kms", "aws:kms:dsse") or not _has(default, "kmsMasterKeyId"):
        yield "is not encrypted with a key of one's own"
    if not all(_get(own, PUBLIC_ACCESS, block) is True for block in BLOCKS):
        yield "is not closed to the public"


def _key_stays_in_its_region(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != "aws:kms/key:Key":
        return
    if args.props.get("multiRegion"):
        yield "This key can be replicated to any region."
    if args.props.get("customKeyStoreId") or args.props.get("xksKeyId"):
        yield "This key is kept in a store that nobody has judged."


def _topic_tells_people(args: ResourceValidationArgs) -> Iterator[str]:
    is_subscription = args.resource_type == "aws:sns/topicSubscription:TopicSubscription"
    if is_subscription and args.props.get("protocol") != "email":
        yield "This subscription hands messages to a machine, wherever that is."


def _is_below(resource: PolicyResource, type_token: str) -> bool:
    parent = resource.parent
    while parent is not None:
        if parent.resource_type == type_token:
            return True
        parent = parent.parent
    return False


def _get(values: Any, *steps: str | int) -> Any:
    """What is at the end of the path; None where there is nothing, and where only the cloud knows."""
    for step in steps:
        try:
            values = values[step]
        except (UnknownValueError, KeyError, IndexError, TypeError):
            return None
    return values


def _has(values: Any, key: str) -> bool:
    """Whether there is a value; one that a cloud will make up is one."""
    try:
        return bool(values[key])
    except UnknownValueError:
        return True
    except (KeyError, TypeError):
        return False


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="replication-stays-in-the-stack",
        description="S3 copies only to a bucket that the stack itself declares in Canada.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Name the other bucket's ARN as text, and declare that bucket with a Canadian region.",
        check=_replication_stays,
    ),
    Rule(
        name="replication-is-in-sight",
        description="What S3 copies is declared apart from the bucket, where it can be judged.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Declare it as BucketReplicationConfig.",
        check=_replication_is_in_sight,
    ),
    StackRule(
        name="backups-can-be-brought-back",
        description="Backups are in buckets that keep and lock versions, have a key of their own and are not public.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateBucket, its key_arn and its lock_days.",
        check=_backups_can_be_brought_back,
    ),
    Rule(
        name="keys-stay-in-their-region",
        description="Every key is of one region and kept by AWS itself.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Declare it with EncryptionKey.",
        check=_key_stays_in_its_region,
    ),
    Rule(
        name="topics-tell-people",
        description="Topics of SNS are subscribed to by e-mail only.",
        reason="",
        severity=Severity.HIGH,
        remediation="Set its protocol to email.",
        check=_topic_tells_people,
    ),
)
