"""What belongs to a bucket, a host or a tunnel does so however its name is given, and what does not, does not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import PolicyCustomTimeouts, PolicyResource, PolicyResourceOptions
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from plan.model import Computed, Plan, Resource, reference
from policies.rules.pairing import belonging
from tests.policies.changes import swapped
from tests.policies.safety.cases import findings

# Property that names the owner, and which rules fail where a part is nobody's.
PARTS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("bucket", "buckets-are-closed-to-the-public"),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket", "buckets-refuse-plain-http"),
    "aws:s3/bucketVersioning:BucketVersioning": ("bucket", "buckets-keep-versions"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": ("bucket", "backups-can-be-brought-back"),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": ("bucket", "backups-are-copied"),
    "aws:lightsail/instancePublicPorts:InstancePublicPorts": ("instanceName", "firewall-is-declared"),
    "aws:lightsail/disk_attachment:Disk_attachment": ("instanceName", "data-has-a-disk-of-its-own"),
}
OWNERS = ("aws:s3/bucket:Bucket", "aws:lightsail/instance:Instance")


def owner(plan: Plan, part: Resource, key: str) -> Resource:
    """By the property's dependencies or, where its name is known text, by that."""
    urns = part.property_dependencies.get(key, ())
    return next(
        found
        for found in plan.resources
        if found.type in OWNERS
        and (found.urn in urns or found.inputs.get(key, found.inputs.get("name")) == part.inputs[key])
    )


def renamed(plan: Plan, *, by: str) -> Plan:
    """Every part refers to its owner in another way."""
    for part in plan.resources:
        if part.type not in PARTS:
            continue
        key, _ = PARTS[part.type]
        mine = owner(plan, part, key)
        given = Computed(reference(mine.urn, "id")) if by == "its ID" else Computed()
        depends = {name: urns for name, urns in part.property_dependencies.items() if name != key}
        if by in ("its ID", "what it is made of"):
            depends[key] = (mine.urn,)
        dependencies = (mine.urn,) if by == "what it depends on" else ()
        plan = swapped(
            plan,
            part,
            replace(part, inputs={**part.inputs, key: given}, property_dependencies=depends, dependencies=dependencies),
        )
    return plan


@pytest.mark.parametrize("by", ["its ID", "what it is made of", "what it depends on"])
def test_a_part_whose_owner_is_not_known_yet_belongs_to_what_it_is_made_of(dev_plan: Plan, by: str) -> None:
    assert findings([renamed(dev_plan, by=by)]) == [()]


def test_a_part_that_is_made_of_nothing_belongs_to_nobody(dev_plan: Plan) -> None:
    (found,) = findings([renamed(dev_plan, by="nothing")])

    assert {rule for _, rule in PARTS.values()} <= {one.rule for one in found}


class Props(dict[str, Any]):
    """As the SDK hands them over: reading what is not known raises."""

    def __getitem__(self, key: str) -> Any:
        if (found := super().__getitem__(key)) is None:
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [key])
        return found


def resource(kind: str, name: str, made_of: tuple[PolicyResource, ...] = (), **props: Any) -> PolicyResource:
    """Each of its properties is made of the same resources; None is not known yet."""
    options = PolicyResourceOptions(False, [], False, [], PolicyCustomTimeouts(0, 0, 0), [])
    depends = {key: [*made_of] for key in props}
    return PolicyResource(kind, Props(props), f"{kind}::{name}", name, options, None, None, [*made_of], depends)


RANDOM = resource("random", "r")


def owner_and_part(number: int, way: str) -> tuple[PolicyResource, PolicyResource]:
    """A bucket and what belongs to it, by one of the ways to say so."""
    name = f"bucket-{number}"
    if way == "a third resource":
        own = resource("random", name)
        return resource("bucket", name, (own,), bucket=None), resource("part", name, (own,), bucket=None)
    owner = resource(
        "bucket", name, **({"bucket": name} if way == "name" else {"id": name} if way == "ID" else {"bucket": None})
    )
    known = way in ("name", "ID")
    return owner, resource("part", name, () if known else (owner,), bucket=name if known else None)


@given(
    ways=st.lists(st.sampled_from(["name", "ID", "made of it", "a third resource"]), max_size=6),
    lacking=st.sets(st.integers(0, 5)),
    order=st.randoms(use_true_random=False),
)
def test_each_owner_has_its_own_parts_and_no_other(ways: list[str], lacking: set[int], order: Any) -> None:
    pairs = [owner_and_part(number, way) for number, way in enumerate(ways)]
    parts = [part for number, (_, part) in enumerate(pairs) if number not in lacking]
    strange = [
        resource("part", "x", bucket="another"),
        resource("part", "y", (RANDOM,), bucket=None),
        resource("part", "z"),
    ]
    order.shuffle(parts)

    found = belonging([owner for owner, _ in pairs], [*strange, *parts], "bucket", name="bucket")

    assert found == {owner.urn: [] if number in lacking else [part] for number, (owner, part) in enumerate(pairs)}


def test_what_is_made_of_two_owners_belongs_to_neither() -> None:
    one, other = (resource("bucket", name, bucket=None) for name in ("one", "other"))

    assert belonging([one, other], [resource("part", "x", (one, other), bucket=None)], "bucket", name="bucket") == {
        one.urn: [],
        other.urn: [],
    }


def test_owners_named_after_one_resource_need_a_part_each() -> None:
    owners = [resource("bucket", name, (RANDOM,), bucket=None) for name in ("one", "other")]
    parts = [resource("part", name, (RANDOM,), bucket=None) for name in ("one", "other")]

    assert belonging(owners, parts, "bucket", name="bucket") == {owner.urn: parts for owner in owners}
    assert belonging(owners, parts[:1], "bucket", name="bucket") == {owner.urn: [] for owner in owners}
