"""Buckets as they are declared: closed, with versions, and those of backups locked and with a key of their own."""

import json

import pytest

from plan.diff import replaces
from plan.model import Plan
from tests.components.declared import named
from tests.components.host.test_policies import ACCOUNT

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
