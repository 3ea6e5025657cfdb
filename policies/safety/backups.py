"""Whether backups, and old versions of what is in buckets, can be brought back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from components.resource_types import tokens
from policies.rules.pairing import by_bucket
from policies.rules.reading import each, entries, has, is_below, is_prod, known, of_type, parents, value
from policies.rules.rule import Rule, StackRule

REPOSITORY = "hybrid:backup:BackupRepository"
# What the backups' buckets must have, each a resource of its own that names its bucket.
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
DAYS_A_YEAR = 365
# Long enough to notice over a long weekend what somebody deleted, or encrypted, on its eve.
LEAST_LOCK_DAYS = 7
# As the settings allow (components/settings/stack.py).
LEAST_VERSION_DAYS = 7
LEAST_FULL_BACKUPS = 2
MOST_ARCHIVE_TIMEOUT_SECONDS = 300


def _buckets_keep_versions(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    versioned = by_bucket(args.resources, tokens.BUCKET_VERSIONING)

    def check(bucket: PolicyResource) -> Iterator[str]:
        # Those of backups are judged with all else that they need.
        if not is_below(bucket, REPOSITORY) and not _keeps_versions(bucket, versioned[bucket.urn]):
            yield "This bucket keeps no versions."

    yield from each(of_type(args.resources, tokens.BUCKET), check)


def _keeps_versions(bucket: PolicyResource, own: Sequence[Mapping[str, Any]]) -> bool:
    if not own:
        # The bucket's own property is the older way, which the provider still takes.
        return value(bucket.props, "versioning", "enabled") is True
    return all(value(found, "versioningConfiguration", "status") == "Enabled" for found in own)


def _backups_can_be_brought_back(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    versioned, locks, encryptions = (
        by_bucket(args.resources, kind) for kind in (tokens.BUCKET_VERSIONING, tokens.OBJECT_LOCK, ENCRYPTION)
    )

    def check(bucket: PolicyResource) -> Iterator[str]:
        if not _keeps_versions(bucket, versioned[bucket.urn]):
            yield "This bucket of backups keeps no versions."
        own = locks[bucket.urn]
        if not own or any(_lock_days(lock) < _least_lock_days(bucket) for lock in own):
            yield "This bucket of backups locks no versions, or not for long enough."
        if not encryptions[bucket.urn] or not all(map(_has_a_key_of_its_own, encryptions[bucket.urn])):
            yield "This bucket of backups is not encrypted with a key of one's own."

    yield from each(_repositories(args), check)


def _repositories(args: StackValidationArgs) -> list[PolicyResource]:
    return [found for found in of_type(args.resources, tokens.BUCKET) if is_below(found, REPOSITORY)]


def _least_lock_days(bucket: PolicyResource) -> int:
    return LEAST_LOCK_DAYS if is_prod(bucket.urn) else 1


def _lock_days(lock: Mapping[str, Any]) -> float:
    retention = value(lock, "rule", "defaultRetention") or {}
    if value(retention, "mode") not in ("GOVERNANCE", "COMPLIANCE"):
        return 0
    return (value(retention, "days") or 0) + DAYS_A_YEAR * (value(retention, "years") or 0)


def _has_a_key_of_its_own(encryption: Mapping[str, Any]) -> bool:
    default = value(encryption, "rules", 0, "applyServerSideEncryptionByDefault")
    return value(default, "sseAlgorithm") in ("aws:kms", "aws:kms:dsse") and has(default, "kmsMasterKeyId")


def _backups_are_copied(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    """Which bucket a rule copies to is judged by the rules of residency."""
    copied = by_bucket(args.resources, tokens.REPLICATION)
    for repository in (found for found in args.resources if found.resource_type == REPOSITORY):
        buckets = [found for found in _repositories(args) if repository in parents(found)]
        if len(buckets) < 2 or not any(_is_on(found) for bucket in buckets for found in copied[bucket.urn]):
            yield "These backups are in one place only.", repository.urn


def _is_on(replication: Mapping[str, Any]) -> bool:
    rules = known(replication, "rules")
    return any(known(rules, index, "status") == "Enabled" for index in range(len(rules or ())))


def _old_versions_are_kept(args: ResourceValidationArgs) -> Iterator[str]:
    for index in range(entries(args.props, "rules")):
        rule = value(args.props, "rules", index)
        if value(rule, "status") == "Disabled":
            continue
        days = value(rule, "noncurrentVersionExpiration", "noncurrentDays")
        if days is not None and days < LEAST_VERSION_DAYS:
            yield f"Rule {index} of this bucket deletes old versions within days."
        if value(rule, "expiration", "days") or value(rule, "expiration", "date"):
            yield f"Rule {index} of this bucket deletes what is in use by its age."


def _host_backs_up(args: ResourceValidationArgs) -> Iterator[str]:
    backup = value(args.props, "specification", "backup") or {}
    if (value(backup, "retention_full") or 0) < LEAST_FULL_BACKUPS:
        yield "This host keeps fewer than two full backups."
    timeout = value(backup, "archive_timeout_seconds") or 0
    if not 0 < timeout <= MOST_ARCHIVE_TIMEOUT_SECONDS:
        yield "This host archives its write-ahead log too seldom, or when a file is full."
    if not all(value(backup, "schedule", key) for key in ("time", "full_day", "verify_day")):
        yield "This host's schedule leaves out the daily backup, the full one, or looking at them."


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="buckets-keep-versions",
        description="Every S3 bucket keeps the versions of what is overwritten or deleted.",
        reason=(
            "Without versions a wrong write, or a thief's, is final; locks and replication need them, too "
            "(AWS, Retaining multiple versions of objects with S3 Versioning)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateBucket.",
        check=_buckets_keep_versions,
    ),
    StackRule(
        name="backups-can-be-brought-back",
        description="Buckets of backups lock versions, in production for a week or more, and have a key of one's own.",
        reason=(
            "Whoever holds the host's credentials can delete and overwrite backups, but not a locked version: "
            "pgBackRest reads the repository as it was before (pgBackRest, repo-target-time; AWS, S3 Object Lock)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with PrivateBucket, its key_arn and its lock_days.",
        check=_backups_can_be_brought_back,
    ),
    StackRule(
        name="backups-are-copied",
        description="Backups have a copy in a second bucket.",
        reason="One region, one bucket and one key are one fault away from no backup (AWS, S3 replication).",
        severity=Severity.HIGH,
        remediation="Declare them with BackupRepository.",
        check=_backups_are_copied,
    ),
    Rule(
        name="old-versions-are-kept",
        description="No bucket deletes old versions within a week, nor what is in use by its age.",
        reason=(
            "pgBackRest itself deletes what is past its retention; a bucket that does so by age takes parts out of "
            "backups that are still needed (pgBackRest user guide, retention)."
        ),
        severity=Severity.HIGH,
        remediation="Set noncurrentDays to 7 or more, and leave expiration's days and date out.",
        types=(tokens.BUCKET_LIFECYCLE, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2"),
        check=_old_versions_are_kept,
    ),
    Rule(
        name="hosts-back-up-often-enough",
        description="Every database host archives within five minutes, keeps two full backups and has a schedule.",
        reason=(
            "A log file that waits to be full may wait for days, and with one full backup there is none while the "
            "next one replaces it (PostgreSQL, archive_timeout; pgBackRest, repo-retention-full)."
        ),
        severity=Severity.HIGH,
        remediation="Set backupRetentionFull to 2 or more and archiveTimeoutSeconds to 300 or less.",
        types=(tokens.POSTGRES_HOST,),
        check=_host_backs_up,
    ),
)
