"""The residency map says where data is, by what the plan declares, and leaves nothing out."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from components.host.postgres_database import BEHIND_HYPERDRIVE, PUBLIC_READ
from components.resource_types.row import Role
from components.resource_types.table import RESOURCE_TYPES
from database.access import POOLED
from plan import codec
from plan.model import Computed, Plan, Secret
from policies.map import residency
from policies.map.locations import Ground
from policies.map.residency import Entry, ResidencyMap, residency_map, state
from policies.residency import edge
from policies.rules.rule import gathered
from scripts.options import planned
from tests.changed_stack import record_each
from tests.commands import hybrid
from tests.plan.engine_files import everything, exported
from tests.policies import running
from tests.policies.changes import Inputs, added, broken, having, origin, removed, without


def entry(found: ResidencyMap, what: str, part: str) -> Entry:
    (one,) = [one for one in found.entries if one.what == what and part in one.parts]
    return one


@pytest.fixture(scope="module")
def found(prod_plan: Plan) -> ResidencyMap:
    return residency_map(prod_plan)


def test_every_stack_keeps_its_data_in_canada(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, prod_plan, direct_plan):
        mapped = residency_map(plan)
        assert mapped.faults == []
        assert mapped.summary.startswith("Regulated and personal data rests in Montreal and Calgary only.")


def test_no_resource_is_left_out(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, prod_plan, direct_plan):
        mapped = residency_map(plan)
        named = {proof.urn for one in mapped.entries for proof in one.evidence}
        assert {one.urn for one in plan.resources if one.custom} - named == set()


def test_every_rule_that_the_map_names_exists(found: ResidencyMap) -> None:
    named = {one.rule for one in found.entries} | {flow.rule for flow in found.flows}
    named |= {row.shown.rule for row in RESOURCE_TYPES.values() if row.shown}
    assert named - {rule.name for rule in gathered("policies.residency", "policies.safety")} == {""}


def test_only_the_state_has_no_rule(found: ResidencyMap) -> None:
    assert [one.what for one in found.entries if not one.rule] == ["Pulumi state"]


@pytest.mark.parametrize(
    ("what", "part", "ground", "data_class"),
    [
        ("Lightsail disk", "postgres-a", Ground.CANADA, "regulated"),
        ("Lightsail snapshots", "postgres-a", Ground.CANADA, "regulated"),
        ("Parameter Store", "parameters", Ground.CANADA, "regulated"),
        ("S3 buckets", "backups", Ground.CANADA, "regulated"),
        ("S3 buckets", "bundles", Ground.CANADA, "none"),
        ("Hyperdrive, no cache", "hyperdrive", Ground.EDGE, "regulated"),
        ("Hyperdrive cache", "hyperdrive", Ground.EDGE, "public"),
        ("R2 bucket", "media-media", Ground.EDGE, "public"),
        ("Workers Logs", "api", Ground.EDGE, "none"),
        ("IAM roles", "deploy", Ground.GLOBAL, "none"),
        ("Mailbox that alarms go to", "alarms", Ground.THIRD_PARTY, "none"),
        ("Vercel, standing by", "site", Ground.THIRD_PARTY, "none"),
    ],
)
def test_a_place_has_its_ground_and_class(
    found: ResidencyMap, what: str, part: str, ground: Ground, data_class: str
) -> None:
    one = entry(found, what, part)
    assert (one.where.ground, one.data_class) == (ground, data_class)


def test_the_copy_is_in_calgary(found: ResidencyMap) -> None:
    assert entry(found, "S3 buckets", "backups-copy").where.label == "Calgary, Canada (ca-west-1)"


def test_evidence_names_the_property_and_its_line(found: ResidencyMap) -> None:
    (zone, _) = entry(found, "Lightsail disk", "postgres-a").evidence
    assert (zone.path, zone.value) == ("availabilityZone", "ca-central-1a")
    assert zone.source.startswith("components/host/postgres_host.py:")


def test_the_state_is_where_the_key_is_that_encrypts_it(prod_plan: Plan) -> None:
    one = state(prod_plan)
    assert one is not None
    assert one.where.city == "Montreal"
    assert one.evidence[-1].value == "arn:aws:kms:ca-central-1"


def test_what_only_the_state_holds_is_where_the_state_is(found: ResidencyMap) -> None:
    assert entry(found, "generated passwords", "database").where.city == "Montreal"


def test_flows_go_from_the_edge_to_montreal_and_on_to_calgary(found: ResidencyMap) -> None:
    said = {(flow.source.label, flow.target.city, flow.what, flow.data_class) for flow in found.flows}
    assert said == {
        ("everywhere (Cloudflare)", "Montreal", "queries", "public"),
        ("everywhere (Cloudflare)", "Montreal", "queries", "regulated"),
        ("Montreal, Canada (ca-central-1)", "Montreal", "backups", "regulated"),
        ("Montreal, Canada (ca-central-1)", "Calgary", "copies", "regulated"),
    }


FAULTS: dict[str, tuple[str, Callable[[Inputs], Inputs], str, str]] = {
    "bucket abroad": (
        "documents-bucket",
        having(region="us-east-1"),
        "S3 buckets",
        "Northern Virginia, United States (us-east-1)",
    ),
    "region that nobody has named": ("documents-bucket", having(region="xx-new-9"), "S3 buckets", "xx-new-9"),
    "region unknown": ("documents-bucket", having(region=Computed()), "S3 buckets", "not known"),
    "region secret": ("documents-bucket", having(region=Secret("ca-central-1")), "S3 buckets", "not known"),
    "zone against region": ("postgres-a-data", having(availabilityZone="us-east-1a"), "Lightsail disk", "not known"),
    "cache of regulated rows": (
        "hyperdrive-regulated",
        having(caching={"disabled": False}),
        "Hyperdrive cache",
        "everywhere (Cloudflare)",
    ),
    "cache by default": ("hyperdrive-regulated", without("caching"), "Hyperdrive cache", "everywhere (Cloudflare)"),
    "user of the cache unknown": (
        "hyperdrive-public",
        origin(user=Computed()),
        "Hyperdrive cache",
        "everywhere (Cloudflare)",
    ),
    "logs of invocations": (
        "api-worker",
        having(observability={"enabled": True}),
        "Workers Logs",
        "everywhere (Cloudflare)",
    ),
}


@pytest.mark.parametrize(("name", "change", "what", "where"), FAULTS.values(), ids=FAULTS.keys())
def test_data_outside_canada_is_at_fault(
    prod_plan: Plan, name: str, change: Callable[[Inputs], Inputs], what: str, where: str
) -> None:
    mapped = residency_map(broken(prod_plan, name, change))
    assert [(one.what, one.where.label) for one in mapped.faults] == [(what, where)]
    assert mapped.summary.startswith("1 place keeps")


@pytest.mark.parametrize(
    ("type_token", "where"),
    [
        ("cloudflare:index/d1Database:D1Database", "everywhere (Cloudflare)"),
        ("aws:dynamodb/table:Table", "not known"),
        ("aws:lightsail/distribution:Distribution", "outside Canada"),
    ],
)
def test_a_type_without_words_is_taken_for_a_holder(prod_plan: Plan, type_token: str, where: str) -> None:
    (fault,) = residency_map(added(prod_plan, type_token, region="ca-central-1")).faults
    assert (fault.role, fault.where.label, fault.data_class) == (Role.HOLDS, where, "not declared")


def test_a_region_comes_from_the_provider_where_the_resource_names_none(prod_plan: Plan) -> None:
    plan = broken(prod_plan, "documents-bucket", without("region"))
    assert residency_map(plan).faults == []
    (fault, *_) = residency_map(broken(plan, "montreal", having(region="eu-west-1"))).faults
    assert (fault.parts, fault.where.city) == (("documents",), "Dublin")


ANSWERING: dict[str, dict[str, Any]] = {
    "vercel": {"failoverActive": "vercel"},
    "vercel-dns": {"failoverActive": "vercel-dns"},
    "vercel, of Pages too": {"failoverActive": "vercel", "pagesHostnames": ["docs-dev.automatonicai.com"]},
}


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ResidencyMap]:
    """While the stand-by answers."""
    plans = record_each(tmp_path_factory.mktemp("answering"), [("dev", settings) for settings in ANSWERING.values()])
    return dict(zip(ANSWERING, map(residency_map, plans), strict=True))


@pytest.mark.parametrize("active", ["vercel", "vercel-dns"])
def test_a_stand_by_that_answers_lets_pass_what_the_site_does(answering: dict[str, ResidencyMap], active: str) -> None:
    one = entry(answering[active], "Vercel, answering", "site")
    assert (one.role, one.data_class) == (Role.PASSES, "regulated")


def test_a_stand_by_of_pages_lets_pass_what_they_do(answering: dict[str, ResidencyMap]) -> None:
    mapped = answering["vercel, of Pages too"]
    assert entry(mapped, "Vercel, answering", "pages-docs-dev-automatonicai-com").data_class == "public"
    assert mapped.faults == []


def test_an_empty_plan_has_an_empty_map() -> None:
    mapped = residency_map(Plan(project="hybrid", stack="dev", resources=()))
    assert (mapped.entries, mapped.flows) == ((), ())
    assert mapped.summary == "No regulated or personal data is kept."


def test_without_a_deploy_role_the_state_is_not_known_to_be_in_canada(prod_plan: Plan) -> None:
    mapped = residency_map(removed(removed(prod_plan, "deploy-deploy-policy"), "deploy-preview-policy"))
    assert "Pulumi state" in {one.what for one in mapped.faults}


def texts(value: object) -> Sequence[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def test_no_secret_is_in_the_map(prod_plan: Plan) -> None:
    plan = broken(prod_plan, "api-version", having(placement=Secret({"region": "hidden-value"})))
    plan = broken(plan, "hyperdrive-public", origin(user=Secret("hidden-value")))
    assert not [text for text in texts(residency_map(plan).document()) if "hidden-value" in text]


LOGS = "worker-logs-are-not-handed-on"


@pytest.mark.parametrize(
    "observed",
    [
        None,
        {"enabled": False, "logs": {"enabled": True}},
        {"enabled": True, "logs": {"enabled": False}},
        {"enabled": True, "logs": {"invocationLogs": False}},
        {"enabled": True, "logs": {"invocationLogs": True}},
        {"enabled": True, "logs": {"invocationLogs": False}, "traces": {"enabled": True}},
        {"logs": {"enabled": True}},
        {"logs": {"enabled": True, "invocationLogs": False}},
    ],
)
def test_the_map_and_the_gate_agree_on_a_workers_logs(prod_plan: Plan, observed: Inputs | None) -> None:
    plan = broken(
        prod_plan, "api-worker", without("observability") if observed is None else having(observability=observed)
    )
    (found,) = running.judge([plan], "residency")
    assert bool(residency_map(plan).faults) == (LOGS in {one.rule for one in found.findings})


@pytest.mark.slow
def test_the_command_fails_where_a_place_is_outside_canada(prod_plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(codec.dumps(broken(prod_plan, "documents-bucket", having(region="us-east-1"))))
    for form in ("table", "json", "svg"):
        refused = hybrid("residency", "--from", str(path), "--format", form)
        assert (refused.code, refused.err.count("\n")) == (1, 1)
        assert refused.err.startswith("prod: 1 place keeps regulated or personal data outside Canada")
        assert refused.out


@pytest.mark.slow
def test_the_command_writes_a_table_json_and_a_picture(tmp_path: Path) -> None:
    table = hybrid("residency", "dev")
    assert table.code == 0
    assert "Montreal, Canada (ca-central-1)" in table.out
    document = json.loads(hybrid("residency", "dev", "--format", "json").out)
    assert {place["where"]["ground"] for place in document["places"]} >= {"canada", "edge", "global"}
    picture = tmp_path / "map.svg"
    assert hybrid("residency", "dev", "--format", "svg", "--output", str(picture)).code == 0
    assert picture.read_text().startswith("<svg ")


def test_the_map_of_a_saved_plan_is_the_map_of_the_plan(prod_plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(codec.dumps(prod_plan))
    assert residency_map(planned(None, path)) == residency_map(prod_plan)


def test_a_deployed_bucket_is_where_its_provider_is(tmp_path: Path) -> None:
    mapped = residency_map(planned(None, exported(tmp_path, *everything())))
    one = entry(mapped, "S3 buckets", "holder")
    assert (one.where.city, one.data_class, one.evidence[0].name) == ("Montreal", "none", "montreal")


def test_a_stack_or_a_file_is_named_and_not_both() -> None:
    for stack, file in ((None, None), ("dev", Path("plan.json"))):
        with pytest.raises(typer.BadParameter, match="name a stack, or give --from"):
            planned(stack, file)


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    refused = hybrid("residency", "dev", "--format", "json", "--output", str(tmp_path / "missing" / "map.json"))
    assert refused.code == 1
    assert refused.err.count("\n") == 1


def test_the_role_that_sees_public_data_only_is_the_declared_one() -> None:
    assert residency.PUBLIC_ROLE == edge.PUBLIC_ROLE == PUBLIC_READ.name
    assert {role.name for role in BEHIND_HYPERDRIVE} == {*POOLED}
