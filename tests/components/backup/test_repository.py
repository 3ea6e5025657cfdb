"""Backups as they are declared: two closed, locked buckets with keys of their own, and a copy between them."""

import json
from typing import Any

from plan.model import Computed, Plan, reveal
from tests.components.declared import named
from tests.components.grants import grants, unknown_actions
from tests.components.host.test_policies import ACCOUNT, keys, of_replication, resolved


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


def test_the_exports_say_where_backups_are_and_how_they_are_asked_for(dev_plan: Plan) -> None:
    def plain(value: Any) -> Any:
        assert not isinstance(reveal(value), Computed)
        return value

    assert plain(dev_plan.outputs["backupCopyBucket"]) == f"automatonicai-dev-backups-copy-{ACCOUNT}"
    assert plain(dev_plan.outputs["recoveryDocument"]) == "automatonicai-dev-postgres-recovery"
