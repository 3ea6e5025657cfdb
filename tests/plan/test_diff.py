"""Differences between plans."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from plan.diff import Change, Kind, diff, replaces, text
from plan.model import Computed, Options, Plan, Resource, Secret
from plan.tree import change_list


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


VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"


def output(resource: Resource, name: str = "id") -> Computed:
    return Computed(f"${{{resource.urn}#{name}}}")


def kinds(*changes: Change) -> dict[str, Kind]:
    return {change.resource.name: change.kind for change in changes}


def versions() -> tuple[Resource, Resource]:
    """A Worker version before and after it is replaced."""
    old, new = (bucket("v", VERSION, inputs={"mainModule": name}) for name in "ab")
    return old, new


def test_what_refers_to_a_replaced_resource_changes_with_it() -> None:
    old, new = versions()
    route = bucket("r", ROUTE, inputs={"script": output(old)})
    assert kinds(*diff(plan(old, route), plan(new, route))) == {"r": Kind.CHANGED, "v": Kind.REPLACED}


def test_what_follows_a_follower_is_found() -> None:
    old, new = versions()
    deployment = bucket("d", DEPLOYMENT, inputs={"versions": [{"versionId": output(old)}]})
    route = bucket("a", ROUTE, inputs={"script": output(deployment)})
    changes = diff(plan(route, old, deployment), plan(route, new, deployment))
    assert kinds(*changes) == {"a": Kind.CHANGED, "d": Kind.REPLACED, "v": Kind.REPLACED}


def test_a_follower_with_a_change_of_its_own_follows_too() -> None:
    old, new = versions()
    before, after = (
        bucket("d", DEPLOYMENT, inputs={"tags": tag, "versions": [{"versionId": output(old)}]}) for tag in "ab"
    )
    changes = {change.resource.name: change for change in diff(plan(old, before), plan(new, after))}
    assert changes["d"].kind is Kind.REPLACED
    assert [row.path for row in changes["d"].properties] == ["tags", "versions"]


def test_a_name_that_stays_the_same_is_no_change() -> None:
    old, new = versions()
    route = bucket("r", ROUTE, inputs={"script": "api"}, property_dependencies={"script": (old.urn,)})
    assert kinds(*diff(plan(old, route), plan(new, route))) == {"v": Kind.REPLACED}


@pytest.mark.parametrize("value", [Secret("x"), Computed()])
def test_what_cannot_be_seen_follows_its_dependencies(value: Secret | Computed) -> None:
    old, new = versions()
    route = bucket("r", ROUTE, inputs={"script": value}, property_dependencies={"script": (old.urn,)})
    other = bucket("s", ROUTE, inputs={"script": value}, property_dependencies={"script": (route.urn,)})
    assert set(kinds(*diff(plan(old, route, other), plan(new, route, other)))) == {"r", "v"}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("protect", False, True),
        ("retain_on_delete", True, False),
        ("delete_before_replace", True, False),
        ("ignore_changes", ("userData",), ()),
        ("replace_on_changes", (), ("name",)),
        ("additional_secret_outputs", ("key",), ()),
    ],
)
def test_a_changed_option_is_found(name: str, before: Any, after: Any) -> None:
    old, new = (bucket(options=Options(**{name: value})) for value in (before, after))
    (change,) = diff(plan(old), plan(new))
    assert (change.kind, [row.path for row in change.properties]) == (Kind.CHANGED, [f"options.{name}"])
    json.dumps(change.document())


def test_lost_protection_is_shown() -> None:
    old, new = (bucket(options=Options(protect=protect)) for protect in (True, False))
    (change,) = diff(plan(old), plan(new))
    assert change.document()["loses_protection"] is True
    console = Console(file=io.StringIO(), width=200)
    console.print(change_list([change]))
    assert "loses its protection" in console.file.getvalue()  # type: ignore[attr-defined]
    (gained,) = diff(plan(new), plan(old))
    assert not gained.loses_protection


def test_another_parent_is_a_change_and_another_provider_replaces() -> None:
    (moved,) = diff(plan(bucket(parent="urn:a")), plan(bucket(parent="urn:b")))
    assert (moved.kind, moved.properties[0].path) == (Kind.CHANGED, "parent")
    (replaced,) = diff(plan(bucket(provider="urn:a")), plan(bucket(provider="urn:b")))
    assert (replaced.kind, replaced.properties[0].path) == (Kind.REPLACED, "provider")


def test_what_a_replaced_provider_made_is_replaced() -> None:
    old, new = (bucket("p", "pulumi:providers:aws", inputs={"region": region}) for region in "ab")
    made = bucket("m", provider=old.urn)
    assert kinds(*diff(plan(old, made), plan(new, made))) == {"m": Kind.REPLACED, "p": Kind.REPLACED}


def test_exports_belong_to_the_stack() -> None:
    old, new = versions()
    before = replace(plan(old), outputs={"gone": 1, "kept": "x", "names": {"a": "b"}, "version": output(old)})
    after = replace(plan(new), outputs={"kept": "x", "names": {"a": "c"}, "version": output(old)})
    *_, change = diff(before, after)
    assert [row.path for row in change.properties] == ["exports.gone", "exports.names.a", "exports.version"]
    assert (change.document()["type"], change.document()["name"]) == ("pulumi:pulumi:Stack", "p-dev")


@pytest.mark.parametrize(
    ("type_token", "name", "is_replaced"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", "bucket", True),
        ("aws:s3/bucketPolicy:BucketPolicy", "policy", False),
        ("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration", False),
        ("aws:ssm/activation:Activation", "tags", True),
        ("aws:ssm/parameter:Parameter", "value", False),
        ("aws:ssm/parameter:Parameter", "tags", False),
        ("aws:ssm/association:Association", "parameters", False),
        ("aws:ssm/association:Association", "name", True),
        ("aws:s3/bucketObjectv2:BucketObjectv2", "contentBase64", False),
        ("aws:s3/bucketObjectv2:BucketObjectv2", "key", True),
        (DEPLOYMENT, "strategy", True),
        (ROUTE, "script", False),
        ("cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared", "configSrc", True),
        ("cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared", "tunnelSecret", False),
        ("aws:iam/user:User", "name", False),
        ("cloudflare:index/dnsRecord:DnsRecord", "type", True),
    ],
)
def test_the_table_has_what_the_providers_say(type_token: str, name: str, is_replaced: bool) -> None:
    assert replaces(bucket(type_token=type_token), name) is is_replaced


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


def test_a_text_that_nobody_reads_is_shown_by_its_length_and_hash() -> None:
    policy = "p" * 10_240
    assert text(policy) == policy
    assert text(policy + "p") == "<10,241 characters, SHA-256 17b327f7ede99664>"
    assert text({"a": [policy + "q"]}) != text({"a": [policy + "p"]})


def test_a_changed_setting_changes_only_its_part(dev_plan: Plan) -> None:
    disk = next(found for found in dev_plan.resources if found.name == "postgres-a-data")
    larger = replace(disk, inputs={**disk.inputs, "sizeInGb": 128})
    resources = tuple(larger if found is disk else found for found in dev_plan.resources)
    (change,) = diff(dev_plan, replace(dev_plan, resources=resources))
    assert (change.kind, change.resource.name) == (Kind.REPLACED, "postgres-a-data")
