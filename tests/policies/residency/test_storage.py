"""The rules about copies of data and about backups, broken one way at a time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from plan.model import Computed, Plan
from policies.rules.rule import gathered
from tests.policies.changes import Inputs, added, broken, custom, having, removed, swapped, without
from tests.policies.running import judge, rules

ELSEWHERE = "arn:aws:s3:::automatonicai-prod-backups-222222222222"
REPLICATION = "backups-replication-rules"
REPLICATED = "replication-stays-in-the-stack"
KEPT, CLOSED = "backups-can-be-brought-back", "buckets-are-closed-to-the-public"
# Other packs may have something to say of the same case.
JUDGED = {KEPT, CLOSED, *(rule.name for rule in gathered("policies.residency"))}


def destination(bucket: Any) -> Callable[[Inputs], Inputs]:
    """The one rule of the replication, gone to another bucket."""

    def change(inputs: Inputs) -> Inputs:
        (rule,) = inputs["rules"]
        return {**inputs, "rules": [{**rule, "destination": {**rule["destination"], "bucket": bucket}}]}

    return change


def encryption(**changes: Any) -> Callable[[Inputs], Inputs]:
    """None takes a part out."""

    def change(inputs: Inputs) -> Inputs:
        default = {**inputs["rules"][0]["applyServerSideEncryptionByDefault"], **changes}
        kept = {key: value for key, value in default.items() if value is not None}
        return {**inputs, "rules": [{"applyServerSideEncryptionByDefault": kept}]}

    return change


CASES: dict[str, tuple[str, Callable[[Inputs], Inputs], set[str]]] = {
    "another stack's bucket": (REPLICATION, destination(ELSEWHERE), {REPLICATED}),
    "destination unknown": (REPLICATION, destination(Computed()), {REPLICATED}),
    "no destination": (REPLICATION, destination(None), {REPLICATED}),
    "no rules": (REPLICATION, having(rules=[]), {REPLICATED}),
    "rules unknown": (REPLICATION, having(rules=Computed()), {REPLICATED}),
    "a second rule to elsewhere": (
        REPLICATION,
        lambda inputs: {**inputs, "rules": [*inputs["rules"], {"destination": {"bucket": ELSEWHERE}}]},
        {REPLICATED},
    ),
    "copy elsewhere": ("backups-copy-bucket", having(region="us-east-1"), {REPLICATED, "resources-are-in-canada"}),
    "copy does not say where": ("backups-copy-bucket", without("region"), {REPLICATED}),
    "copy's name unknown": ("backups-copy-bucket", having(bucket=Computed()), {REPLICATED, KEPT, CLOSED}),
    "copied by the bucket itself": (
        "documents-bucket",
        having(replicationConfiguration={"role": "r"}),
        {"replication-is-in-sight"},
    ),
    "copied by the bucket itself, unknown": (
        "documents-bucket",
        having(replicationConfiguration=Computed()),
        {"replication-is-in-sight"},
    ),
    "versions suspended": ("backups-versioning", having(versioningConfiguration={"status": "Suspended"}), {KEPT}),
    "versions of another bucket": ("backups-versioning", having(bucket="other"), {KEPT}),
    "versions unknown": ("backups-versioning", having(versioningConfiguration=Computed()), {KEPT}),
    "lock without days": ("backups-lock", without("rule"), {KEPT}),
    "lock unknown": ("backups-copy-lock", having(rule=Computed()), {KEPT}),
    "S3's own keys": ("backups-encryption", encryption(sseAlgorithm="AES256"), {KEPT}),
    "AWS's key": ("backups-encryption", encryption(kmsMasterKeyId=None), {KEPT}),
    "open to policies": ("backups-public-access", having(blockPublicPolicy=False), {CLOSED}),
    "openness unknown": ("backups-copy-public-access", having(blockPublicAcls=Computed()), {CLOSED}),
    "key of all regions": ("backups-key", having(multiRegion=True), {"keys-stay-in-their-region"}),
    "key of unknown regions": ("backups-key", having(multiRegion=Computed()), {"keys-stay-in-their-region"}),
    "key in another store": ("backups-copy-key", having(customKeyStoreId="cks-1"), {"keys-stay-in-their-region"}),
    "key held outside": ("backups-copy-key", having(xksKeyId="1"), {"keys-stay-in-their-region"}),
    "a machine is told": ("alarms-email", having(protocol="https"), {"topics-tell-people"}),
    "told who knows how": ("alarms-email", having(protocol=Computed()), {"topics-tell-people"}),
    "key elsewhere": ("backups-copy-key", having(region="us-west-2"), {"resources-are-in-canada"}),
    "topic elsewhere": ("alarms-topic", having(region="us-east-1"), {"resources-are-in-canada"}),
    "alarm elsewhere": ("alarms-verify", having(region="eu-west-1"), {"resources-are-in-canada"}),
}


@pytest.fixture(scope="module")
def found(dev_plan: Plan) -> dict[str, set[str]]:
    plans = [broken(dev_plan, name, change) for name, change, _ in CASES.values()]
    return dict(zip(CASES, rules(plans), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_broken_stack_is_refused(case: str, found: dict[str, set[str]]) -> None:
    assert found[case] & JUDGED == CASES[case][2]


@pytest.mark.parametrize("part", ["versioning", "lock", "encryption", "public-access"])
@pytest.mark.parametrize("bucket", ["backups", "backups-copy"])
def test_what_a_bucket_of_backups_lacks_is_refused(bucket: str, part: str, dev_plan: Plan) -> None:
    (found,) = rules([removed(dev_plan, f"{bucket}-{part}")])
    assert found & JUDGED == {CLOSED if part == "public-access" else KEPT}


def test_an_old_types_replication_is_refused(dev_plan: Plan) -> None:
    inputs = {"region": "ca-central-1", "replicationConfigurations": [{}]}
    (found,) = rules([added(dev_plan, "aws:s3/bucketV2:BucketV2", **inputs)])
    assert found & JUDGED - {CLOSED} == {"replication-is-in-sight"}


def test_buckets_of_other_data_need_no_lock(dev_plan: Plan) -> None:
    (found,) = rules([removed(dev_plan, "documents-encryption")])
    assert found & JUDGED == set()


@pytest.mark.parametrize(
    ("sources", "is_own"),
    [
        (("backups-copy-bucket", "backups-copy-key"), True),
        (("backups-copy-key",), False),
        (("backups-copy-bucket", "elsewhere"), False),
    ],
)
def test_a_copys_bucket_that_is_to_come_is_known_by_what_the_rules_are_made_of(
    dev_plan: Plan, sources: tuple[str, ...], is_own: bool
) -> None:
    plan = added(broken(dev_plan, REPLICATION, destination(Computed())), "pulumi:pulumi:StackReference", "elsewhere")
    old = custom(plan, REPLICATION)
    made_of = {**old.property_dependencies, "rules": tuple(custom(plan, name).urn for name in sources)}

    (found,) = judge([swapped(plan, old, replace(old, property_dependencies=made_of))], "residency")

    assert (REPLICATED in {one.rule for one in found.findings}) is not is_own
