"""Backups as they are declared: two closed, locked buckets with keys of their own, and a copy between them."""

import json
from typing import Any

import pytest

from plan.diff import replaces
from plan.model import Computed, Plan, Resource, reveal
from tests.components.declared import named
from tests.components.grants import grants, unknown_actions
from tests.components.host.test_policies import ACCOUNT, keys, of_replication, resolved

BUCKETS = {"backups": "ca-central-1", "backups-copy": "ca-west-1"}


@pytest.mark.parametrize(("bucket", "region"), BUCKETS.items())
def test_a_bucket_is_closed_versioned_and_locked(bucket: str, region: str, dev_plan: Plan) -> None:
    parts = ("bucket", "public-access", "versioning", "lock", "lifecycle", "encryption", "ownership", "tls-only")
    declared = {part: named(dev_plan, f"{bucket}-{part}") for part in parts}
    assert {found.inputs["region"] for found in declared.values()} == {region}
    assert {found.inputs["bucket"] for found in declared.values()} == {f"automatonicai-dev-{bucket}-{ACCOUNT}"}
    block = declared["public-access"].inputs
    assert all(block[key] for key in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls"))
    assert block["restrictPublicBuckets"]
    assert declared["versioning"].inputs["versioningConfiguration"] == {"status": "Enabled"}
    assert declared["lock"].inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 14}}
    (rule,) = declared["lifecycle"].inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 35}
    # S3 refuses both before versions are kept.
    for part in ("lock", "lifecycle"):
        assert declared["versioning"].urn in declared[part].dependencies


@pytest.mark.parametrize("bucket", BUCKETS)
def test_only_tls_gets_in(bucket: str, dev_plan: Plan) -> None:
    policy = json.loads(named(dev_plan, f"{bucket}-tls-only").inputs["policy"].resolve(lambda urn, name: "ARN"))
    assert policy["Statement"][0]["Effect"] == "Deny"
    assert policy["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert policy["Statement"][0]["Resource"] == ["ARN", "ARN/*"]


@pytest.mark.parametrize("stack", ["dev_plan", "prod_plan"])
def test_a_lock_replaces_no_bucket_that_exists(stack: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(stack)
    bucket = named(plan, "backups-bucket")
    assert replaces(bucket, "objectLockEnabled")
    assert "objectLockEnabled" not in bucket.inputs
    assert bucket.urn.endswith(
        "hybrid:backup:BackupRepository$hybrid:storage:PrivateBucket$aws:s3/bucket:Bucket::backups-bucket"
    )


@pytest.mark.parametrize(("bucket", "region"), BUCKETS.items())
def test_a_bucket_has_a_key_of_its_own(bucket: str, region: str, dev_plan: Plan) -> None:
    key = named(dev_plan, f"{bucket}-key")
    (rule,) = named(dev_plan, f"{bucket}-encryption").inputs["rules"]
    default = rule["applyServerSideEncryptionByDefault"]
    assert default["kmsMasterKeyId"].reference == (key.urn, "arn")
    assert (default["sseAlgorithm"], rule["bucketKeyEnabled"]) == ("aws:kms", True)
    assert (key.inputs["region"], key.inputs["multiRegion"], key.inputs["enableKeyRotation"]) == (region, False, True)
    assert key.inputs["deletionWindowInDays"] == 30
    assert named(dev_plan, f"{bucket}-alias").inputs["name"] == f"alias/automatonicai-dev-{bucket}"
    (statement,) = json.loads(key.inputs["policy"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


def test_other_buckets_are_as_they_were(dev_plan: Plan) -> None:
    for bucket in ("documents", "bundles"):
        (rule,) = named(dev_plan, f"{bucket}-encryption").inputs["rules"]
        assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
        assert not [found for found in dev_plan.resources if found.name == f"{bucket}-lock"]
        assert named(dev_plan, f"{bucket}-bucket").inputs["region"] == "ca-central-1"


def test_all_is_copied_to_calgary_and_nowhere_else(dev_plan: Plan) -> None:
    (replication,) = dev_plan.of_type("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
    (rule,) = replication.inputs["rules"]
    assert replication.inputs["bucket"] == f"automatonicai-dev-backups-{ACCOUNT}"
    assert rule["destination"]["bucket"] == f"arn:aws:s3:::automatonicai-dev-backups-copy-{ACCOUNT}"
    key = rule["destination"]["encryptionConfiguration"]["replicaKmsKeyId"]
    assert key.reference == (named(dev_plan, "backups-copy-key").urn, "arn")
    assert (rule["status"], rule["filter"], rule["deleteMarkerReplication"]) == (
        "Enabled",
        {"prefix": ""},
        {"status": "Enabled"},
    )
    assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    waits_for = {dev_plan.by_urn[urn].name for urn in replication.dependencies if urn in dev_plan.by_urn}
    assert {"backups-versioning", "backups-copy-versioning", "backups-replication-policy"} <= waits_for


def test_the_replication_has_these_rights_and_no_more(dev_plan: Plan) -> None:
    policy = resolved(dev_plan, named(dev_plan, "backups-replication-policy").inputs["policy"])
    assert grants(policy) == of_replication("automatonicai-dev", *keys("backups-key", "backups-copy-key"))
    assert unknown_actions(policy) == []
    (trust,) = json.loads(named(dev_plan, "backups-replication-role").inputs["assumeRolePolicy"])["Statement"]
    assert (trust["Principal"], trust["Action"]) == ({"Service": "s3.amazonaws.com"}, "sts:AssumeRole")


def alarms(plan: Plan) -> dict[str, Resource]:
    return {found.inputs["metricName"]: found for found in plan.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")}


def test_the_serving_host_alone_is_watched(dev_plan: Plan) -> None:
    found = {name: alarm.inputs for name, alarm in alarms(dev_plan).items()}
    assert {name: (alarm["threshold"], alarm["evaluationPeriods"]) for name, alarm in found.items()} == {
        "ArchiveQueuePercent": (25, 3),
        "BackupAgeHours": (30, 5),
        "VerifyFailed": (1, 1),
    }
    for alarm in found.values():
        assert (alarm["namespace"], alarm["dimensions"]) == ("automatonicai-dev/postgres", {"Host": "a"})
        assert (alarm["statistic"], alarm["period"]) == ("Maximum", 60)
        assert alarm["comparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_a_silent_host_alarms(dev_plan: Plan) -> None:
    missing = {name: alarm.inputs["treatMissingData"] for name, alarm in alarms(dev_plan).items()}
    assert missing == {"ArchiveQueuePercent": "breaching", "BackupAgeHours": "ignore", "VerifyFailed": "ignore"}


def test_alarms_reach_a_mailbox_through_an_encrypted_topic(dev_plan: Plan) -> None:
    topic, email = named(dev_plan, "alarms-topic"), named(dev_plan, "alarms-email").inputs
    assert topic.inputs["kmsMasterKeyId"].reference == (named(dev_plan, "alarms-key").urn, "arn")
    assert (email["protocol"], email["endpoint"]) == ("email", "platform@automatonicai.com")
    for alarm in alarms(dev_plan).values():
        for actions in ("alarmActions", "okActions"):
            assert [target.reference for target in alarm.inputs[actions]] == [(topic.urn, "arn")]
    (publisher,) = json.loads(topic.inputs["policy"])["Statement"]
    assert publisher["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publisher["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert publisher["Resource"].endswith(f":{topic.inputs['name']}")


def test_cloudwatch_may_use_the_topics_key(dev_plan: Plan) -> None:
    _, service = json.loads(named(dev_plan, "alarms-key").inputs["policy"])["Statement"]
    assert service["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert service["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_the_exports_say_where_backups_are_and_how_they_are_asked_for(dev_plan: Plan) -> None:
    def plain(value: Any) -> Any:
        assert not isinstance(reveal(value), Computed)
        return value

    assert plain(dev_plan.outputs["backupCopyBucket"]) == f"automatonicai-dev-backups-copy-{ACCOUNT}"
    assert plain(dev_plan.outputs["recoveryDocument"]) == "automatonicai-dev-postgres-recovery"
