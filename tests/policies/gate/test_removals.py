"""What a change takes away, when the plan before it is given."""

from dataclasses import replace
from typing import Any

from plan.model import Computed, Options, Plan, Resource, Secret
from plan.project import ROOT
from policies.gate.gate import assess
from policies.gate.rules import (
    HOSTNAMES_RULE,
    KEPT_RULE,
    RECORDS_RULE,
    VERSIONS_RULE,
    changed_versions,
    removed_hostnames,
    removed_protected,
    removed_records,
)
from policies.rules.findings import Subject
from tests.policies import running
from tests.policies.changes import broken, having, removed

RECORD = "cloudflare:index/dnsRecord:DnsRecord"
BUCKET = "aws:s3/bucket:Bucket"


def resource(type_token: str, name: str, *, protect: bool = False, **inputs: Any) -> Resource:
    urn = f"urn:pulumi:dev::hybrid::{type_token}::{name}"
    options = Options(protect=protect)
    return Resource(urn=urn, type=type_token, name=name, custom=True, inputs=inputs, options=options)


def plan(*resources: Resource) -> Plan:
    return Plan(project="hybrid", stack="dev", resources=resources)


def records(number: int, zone: str = "a") -> list[Resource]:
    return [resource(RECORD, f"r{index}", zoneId=zone, type="CNAME") for index in range(number)]


def kept(old: Plan, new: Plan) -> list[tuple[str, str]]:
    return [(found.name, message) for found, message in removed_protected(old, new)]


def test_protected_data_that_goes_is_told() -> None:
    old = plan(resource(BUCKET, "b", protect=True, bucket="x"), resource(BUCKET, "free", bucket="y"))
    assert kept(old, old) == []
    assert kept(old, plan()) == [("b", "This resource is protected, and is deleted.")]
    replaced = plan(resource(BUCKET, "b", protect=True, bucket="z"), resource(BUCKET, "free", bucket="z"))
    assert kept(old, replaced) == [("b", "This resource is protected, and is replaced because of bucket.")]
    assert kept(old, plan(resource(BUCKET, "b", bucket="z"))) == [
        ("b", "This resource is protected, and is replaced because of bucket.")
    ]
    assert kept(old, plan(resource(BUCKET, "b", bucket="x"))) == [("b", "This resource loses its protection.")]


def test_what_is_renamed_with_an_alias_stays() -> None:
    old_one = resource(BUCKET, "old", protect=True, bucket="x")
    holder = resource("aws:s3/bucketPolicy:BucketPolicy", "p", protect=True, bucket=Computed(f"${{{old_one.urn}#id}}"))
    old = plan(old_one, holder)
    for alias in (old_one.urn, "old"):
        new_one = resource(BUCKET, "new", protect=True, bucket="x")
        new_one = replace(new_one, options=replace(new_one.options, aliases=(alias,)))
        moved = replace(holder, inputs={"bucket": Computed(f"${{{new_one.urn}#id}}")})
        assert kept(old, plan(new_one, moved)) == []
        assert kept(old, plan(replace(new_one, inputs={"bucket": "y"}), moved))[0][0] == "new"
    assert kept(old, plan(replace(new_one, options=Options(protect=True)), moved))[0][0] == "old"


def test_another_tag_takes_nothing_away() -> None:
    old = plan(resource(BUCKET, "b", protect=True, bucket="x"))
    assert kept(old, plan(resource(BUCKET, "b", protect=True, bucket="x", tags={"a": "b"}))) == []


def test_a_value_that_one_side_does_not_know_is_no_change() -> None:
    for before, after in (("x", Computed()), (Computed("t"), "x"), (Secret("x"), "x"), (Computed(), Secret("x"))):
        old, new = (plan(resource(BUCKET, "b", protect=True, bucket=value)) for value in (before, after))
        assert kept(old, new) == []


def test_one_record_may_go_and_two_may_not() -> None:
    old = plan(*records(4))
    assert list(removed_records(old, plan(*records(3)))) == []
    found = list(removed_records(old, plan(*records(2))))
    message = "This DNS record is deleted. 2 of 4 records go at once; allowed: 1."
    assert [(gone.name, said) for gone, said in found] == [("r2", message), ("r3", message)]
    moved = list(removed_records(old, plan(*records(4, zone="b"))))
    assert len(moved) == 4
    assert moved[0][1] == "This DNS record is replaced. 4 of 4 records go at once; allowed: 1."


def test_the_gate_says_so_of_the_declared_stack(dev_plan: Plan) -> None:
    gone = removed(dev_plan, "documents-bucket")
    moved = broken(dev_plan, "postgres-a-instance", having(availabilityZone="ca-central-1b"))
    names = [found.name for found in dev_plan.of_type(RECORD)]
    no_records = removed(removed(dev_plan, names[0]), names[1])
    same, *verdicts = assess(
        [Subject(plan=new, previous=dev_plan) for new in (dev_plan, gone, moved, no_records)],
        running.kept(),
        stacks=["dev"],
    ).verdicts
    assert same.findings == ()
    found = [{(one.rule, one.subject) for one in verdict.findings} for verdict in verdicts]
    assert (KEPT_RULE, "documents-bucket") in found[0]
    assert (KEPT_RULE, "postgres-a-instance") in found[1]
    assert {(RECORDS_RULE, name) for name in names[:2]} <= found[2]


def test_a_deployed_stack_compares_with_the_declared_one(dev_plan: Plan) -> None:
    """What deployment makes known is no change."""

    def known(value: Any) -> Any:
        match value:
            case Computed():
                return "known"
            case dict():
                return {key: known(item) for key, item in value.items()}
            case list():
                return [known(item) for item in value]
            case _:
                return value

    deployed = replace(
        dev_plan, resources=tuple(replace(found, inputs=known(found.inputs)) for found in dev_plan.resources)
    )
    for old, new in ((deployed, dev_plan), (dev_plan, deployed)):
        assert list(removed_protected(old, new)) == []
        assert list(removed_records(old, new)) == []


def route(name: str, pattern: Any) -> Resource:
    return resource("cloudflare:index/workersRoute:WorkersRoute", name, pattern=pattern, script="api")


def test_a_public_host_name_that_goes_is_told_once() -> None:
    old = plan(
        route("a", "app.example.com/*"), route("b", "https://app.example.com/x/*"), route("c", "www.example.com/*")
    )

    assert list(removed_hostnames(old, old)) == []
    assert list(removed_hostnames(old, plan(route("c", "www.example.com/*"), route("d", "APP.example.com/*")))) == []
    changed = plan(route("a", "new.example.com/*"), route("c", "www.example.com/*"))
    assert [(found.name, message) for found, message, _ in removed_hostnames(old, changed)] == [
        ("a", "app.example.com was public, and nobody would answer it.")
    ]
    assert list(removed_hostnames(plan(route("a", Computed())), plan())) == []


def test_a_changed_host_name_is_found_at_its_setting(dev_plan: Plan) -> None:
    before = replace(
        dev_plan,
        resources=tuple(
            replace(found, inputs={**found.inputs, "pattern": found.inputs["pattern"].replace("app-dev", "old")})
            if "pattern" in found.inputs
            else found
            for found in dev_plan.resources
        ),
    )
    outcome = assess([Subject(plan=dev_plan, previous=before)], running.kept())

    (found,) = [one for one in outcome.findings if one.rule == HOSTNAMES_RULE]
    assert found.place.startswith("Pulumi.dev.yaml:")
    assert "siteHostname" in (ROOT / "Pulumi.dev.yaml").read_text().splitlines()[int(found.place.split(":")[1]) - 1]


def host(major: int) -> Resource:
    found = resource("hybrid:postgres:PostgresHost", "a", specification={"postgres": {"major": major}})
    return replace(found, custom=False)


def test_another_major_version_on_a_host_is_told() -> None:
    assert list(changed_versions(plan(host(17)), plan(host(17)))) == []
    assert list(changed_versions(plan(), plan(host(17)))) == []
    ((_, message, setting),) = changed_versions(plan(host(17)), plan(host(16)))
    assert (message, setting) == ("This host's PostgreSQL is 17, and would be 16.", "postgresHosts")
    outcome = assess([Subject(plan=plan(host(16)), previous=plan(host(17)))], running.kept())
    assert [one.place for one in outcome.findings if one.rule == VERSIONS_RULE] != []
