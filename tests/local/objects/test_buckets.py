"""The buckets that the local S3 gets for a plan."""

from typing import Any

import pytest

from components.resource_types import tokens
from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.state import State
from local.host import database_certificates
from local.host.spec import Machine, host_spec
from local.objects.buckets import Bucket, declared_buckets
from local.processes.generated_secrets import GeneratedSecrets
from plan.model import Computed, Plan, Resource, reference

PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:aws::montreal"


def resource(kind: str, name: str, **inputs: Any) -> Resource:
    urn = f"urn:pulumi:dev::shop::{kind}::{name}"
    return Resource(urn=urn, type=kind, name=name, custom=True, provider=PROVIDER, inputs=inputs)


def plan(*resources: Resource) -> Plan:
    provider = Resource(
        urn=PROVIDER, type="pulumi:providers:aws", name="montreal", custom=True, inputs={"region": "ca-central-1"}
    )
    return Plan(project="shop", stack="dev", resources=(provider, *resources))


def versioning(bucket: Any, status: str = "Enabled") -> Resource:
    return resource(tokens.BUCKET_VERSIONING, "versioning", bucket=bucket, versioningConfiguration={"status": status})


def declared_bucket(plan: Plan, name: str) -> Bucket:
    (found,) = [bucket for bucket in declared_buckets(plan) if bucket.name == name]
    return found


def test_every_declared_bucket_of_the_dev_stack_is_had(dev_plan: Plan) -> None:
    found = declared_buckets(dev_plan)
    assert [bucket.name.split("-", 2)[2].rpartition("-")[0] for bucket in found] == [
        "backups-copy",
        "bundles",
        "documents",
        "backups",
    ]
    assert [bucket.region for bucket in found] == ["ca-west-1", "ca-central-1", "ca-central-1", "ca-central-1"]
    assert all(bucket.is_versioned and bucket.lifecycle for bucket in found)


def test_the_backups_are_locked_and_replicated(dev_plan: Plan) -> None:
    *_, backups = declared_buckets(dev_plan)
    (rule,) = backups.replication
    copies = declared_bucket(dev_plan, rule["Destination"]["Bucket"].rpartition(":")[2])
    assert rule["DeleteMarkerReplication"] == {"Status": "Enabled"}
    assert backups.retention == copies.retention
    assert backups.retention is not None
    assert backups.retention["Mode"] == "GOVERNANCE"


def test_the_backups_region_is_their_buckets(dev_plan: Plan, state: State) -> None:
    secrets = GeneratedSecrets(state)
    ports = Ports()
    tls = database_certificates.ensure(state, ["2026"])
    machine = Machine(
        ports=ports, password=lambda name: secrets.password(name, 32), tls=tls, objects_port=ports.objects
    )
    backup = host_spec(dev_plan, machine).backup
    assert backup.region == declared_bucket(dev_plan, backup.bucket).region
    copy = backup.replica
    assert copy is not None
    assert copy.region == declared_bucket(dev_plan, copy.bucket).region
    assert copy.endpoint == backup.endpoint == f"localhost:{ports.objects}"
    assert (backup.alarm_namespace, backup.alarm_host) == (None, None)


def test_a_bucket_has_its_own_region_or_its_providers() -> None:
    found = declared_buckets(
        plan(resource(tokens.BUCKET, "b", bucket="b"), resource(tokens.BUCKET, "a", bucket="a", region="ca-west-1"))
    )
    assert [(bucket.name, bucket.region) for bucket in found] == [("a", "ca-west-1"), ("b", "ca-central-1")]


def test_versioning_follows_the_name_or_the_reference() -> None:
    bucket = resource(tokens.BUCKET, "b", bucket="b")
    for named in ("b", Computed(reference(bucket.urn, "id"))):
        expected = [Bucket(name="b", region="ca-central-1", is_versioned=True)]
        assert declared_buckets(plan(bucket, versioning(named))) == expected
    assert not declared_buckets(plan(bucket, versioning("b", "Suspended")))[0].is_versioned


def test_a_bucket_has_no_more_than_is_declared() -> None:
    bucket = resource(tokens.BUCKET, "b", bucket="b")
    assert declared_buckets(plan(bucket)) == [Bucket(name="b", region="ca-central-1", is_versioned=False)]
    retention = {"mode": "GOVERNANCE", "days": 3}
    lock = resource(tokens.OBJECT_LOCK, "lock", bucket="b", rule={"defaultRetention": retention})
    (found,) = declared_buckets(plan(bucket, lock))
    assert found.retention == {"Mode": "GOVERNANCE", "Days": 3}


def test_copies_are_named_by_reference_and_made_first() -> None:
    source, copies = resource(tokens.BUCKET, "a", bucket="a"), resource(tokens.BUCKET, "z", bucket="z")
    rule = {"id": "r", "status": "Enabled", "destination": {"bucket": Computed(reference(copies.urn, "arn"))}}
    first, second = declared_buckets(plan(source, copies, resource(tokens.REPLICATION, "r", bucket="a", rules=[rule])))
    assert (first.name, second.name) == ("z", "a")
    assert second.replication[0]["Destination"] == {"Bucket": "arn:aws:s3:::z"}
    assert second.replication[0]["DeleteMarkerReplication"] == {"Status": "Disabled"}


def test_a_bucket_without_a_name_or_region_is_refused() -> None:
    with pytest.raises(LocalError, match="unnamed: its name is known only after deployment"):
        declared_buckets(plan(resource(tokens.BUCKET, "unnamed")))
    nowhere = Resource(urn="urn", type=tokens.BUCKET, name="nowhere", custom=True, inputs={"bucket": "b"})
    with pytest.raises(LocalError, match="nowhere: its region is not declared"):
        declared_buckets(plan(nowhere))
