"""Differences between plans."""

from dataclasses import replace
from typing import Any

from plan.diff import Kind, diff, text
from plan.model import Computed, Options, Plan, Resource, Secret


def bucket(name: str = "a", type_token: str = "cloudflare:index/r2Bucket:R2Bucket", **changes: Any) -> Resource:
    resource = Resource(urn=f"urn:pulumi:dev::p::{type_token}::{name}", type=type_token, name=name, custom=True)
    return replace(resource, **changes)


def plan(*resources: Resource) -> Plan:
    return Plan(project="p", stack="dev", resources=resources)


def test_equal_plans_do_not_differ() -> None:
    assert diff(plan(bucket(inputs={"name": "x"})), plan(bucket(inputs={"name": "x"}))) == []


def test_added_and_removed_resources_are_found() -> None:
    changes = diff(plan(bucket("old")), plan(bucket("new")))
    assert {(change.kind, change.resource.name) for change in changes} == {(Kind.ADDED, "new"), (Kind.REMOVED, "old")}


def test_a_change_names_the_nested_property() -> None:
    old, new = (bucket(inputs={"rules": [{"id": "r", "days": days}]}) for days in (1, 2))
    (change,) = diff(plan(old), plan(new))
    assert change.kind is Kind.CHANGED
    assert [(found.path, found.old, found.new) for found in change.properties] == [("rules[0].days", 1, 2)]


def test_a_longer_list_shows_only_what_is_new() -> None:
    (change,) = diff(plan(bucket(inputs={"b": ["x"]})), plan(bucket(inputs={"b": ["x", "y"]})))
    assert [(found.path, found.old, found.new) for found in change.properties] == [("b[1]", None, "y")]


def test_another_name_replaces() -> None:
    (change,) = diff(plan(bucket(inputs={"name": "x"})), plan(bucket(inputs={"name": "y"})))
    assert change.kind is Kind.REPLACED


def test_replace_on_changes_replaces() -> None:
    options = Options(replace_on_changes=("jurisdiction",))
    old, new = (bucket(inputs={"jurisdiction": place}, options=options) for place in ("eu", "us"))
    (change,) = diff(plan(old), plan(new))
    assert change.kind is Kind.REPLACED


def test_tags_never_replace() -> None:
    disk = "aws:lightsail/disk:Disk"
    old, new = (bucket(type_token=disk, inputs={"tags": {"owner": name}}) for name in "ab")
    (change,) = diff(plan(old), plan(new))
    assert change.kind is Kind.CHANGED


def test_what_refers_to_a_replaced_resource_changes_with_it() -> None:
    version = "cloudflare:index/workerVersion:WorkerVersion"
    old, new = (bucket("v", version, inputs={"mainModule": name}) for name in "ab")
    follower = bucket("d", inputs={"versions": [{"versionId": Computed(f"${{{old.urn}#id}}")}]})
    changes = diff(plan(old, follower), plan(new, follower))
    assert [(change.resource.name, change.kind) for change in changes] == [
        ("d", Kind.CHANGED),
        ("v", Kind.REPLACED),
    ]


def test_ignored_properties_are_left_out() -> None:
    options = Options(ignore_changes=("userData",))
    old, new = (bucket(inputs={"userData": script}, options=options) for script in "ab")
    assert diff(plan(old), plan(new)) == []


def test_a_secret_that_stops_being_one_is_a_change() -> None:
    (change,) = diff(plan(bucket(inputs={"p": Secret("x")})), plan(bucket(inputs={"p": "x"})))
    assert change.document()["properties"][0]["old"] == {"$secret": "[secret]"}


def test_values_are_written_for_people() -> None:
    value = {"a": [True, None, Secret("x")], "b": Computed("${urn:pulumi:dev::p::t::web#id}/*")}
    assert text(value) == "{a: [true, none, [secret]], b: <web.id>/*}"
    assert text(Computed()) == "<known after deployment>"


def test_a_changed_setting_changes_only_its_part(dev_plan: Plan) -> None:
    disk = next(found for found in dev_plan.resources if found.name == "postgres-data")
    larger = replace(disk, inputs={**disk.inputs, "sizeInGb": 128})
    resources = tuple(larger if found is disk else found for found in dev_plan.resources)
    (change,) = diff(dev_plan, replace(dev_plan, resources=resources))
    assert (change.kind, change.resource.name) == (Kind.REPLACED, "postgres-data")
