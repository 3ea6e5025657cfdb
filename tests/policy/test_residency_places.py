"""Every type of resource has a place, and one that has none is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.common.labels import DataClass
from plan.model import Plan
from policies.residency import aws_places, cloudflare_places, other_places, place
from policies.residency.place import Kind, Place
from policies.residency.places import PLACES, line
from policies.residency.rules import RULES
from tests.policy import (
    test_residency_destinations,
    test_residency_edge,
    test_residency_hosts,
    test_residency_logs,
    test_residency_regions,
    test_storage_rules,
)
from tests.policy.breaking import having, without
from tests.policy.changes import on, plus
from tests.policy.residency_cases import case, inside, judged

ROOT = Path(__file__).resolve().parents[2]
JUDGED, FITS = "services-are-judged", "data-fits-its-place"
TOKEN = re.compile(r'"((?:aws|cloudflare|random|tls|vercel):[A-Za-z0-9_]+/[A-Za-z0-9_]+:[A-Za-z0-9_]+)"')

CASES = {
    "type that nobody judged": case(plus("aws:kinesis/stream:Stream", region="ca-central-1"), JUDGED),
    "neighbour of a judged type": case(plus("aws:s3/vectorsIndex:VectorsIndex", region="ca-central-1"), JUDGED),
    "type in other capitals": case(plus("cloudflare:index/DnsRecord:DnsRecord"), JUDGED),
    "another cloud": case(plus("gcp:storage/bucket:Bucket"), JUDGED),
    "another provider": case(plus("pulumi:providers:gcp"), JUDGED),
    "a component that nobody judged": case(
        inside("random:index/randomId:RandomId", "hybrid:storage:Attic", {}), JUDGED
    ),
    "key of one region in another": case(plus("aws:kms/replicaKey:ReplicaKey", region="ca-central-1"), JUDGED),
    "content network": case(plus("aws:lightsail/distribution:Distribution", region="ca-central-1"), JUDGED),
    "regulated role": case(on("identity-role", having(tags={"data-class": "regulated"})), FITS),
    "personal data on a user": case(on("documents-user", having(tags={"data-class": "personal"})), FITS),
    "no such class": case(on("backups-bucket", having(tags={"data-class": "Regulated"})), FITS),
    "no such class in a word": case(on("api-worker", having(tags=["data-class:secret"])), FITS),
    "judged types": case(plus("aws:cloudwatch/logGroup:LogGroup", region="ca-central-1", name="l")),
    "no tags": case(on("backups-bucket", without("tags"))),
    "other words of a Worker": case(on("api-worker", having(tags=["a:b"]))),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_breaks_its_rules_and_no_other(name: str, rules_broken: dict[str, set[str]]) -> None:
    assert rules_broken[name] == CASES[name].rules


def test_every_declared_type_has_a_place(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    declared = {resource.type for plan in (dev_plan, prod_plan, direct_plan) for resource in plan.resources}
    assert declared - PLACES.keys() == set()


def test_every_type_that_a_rule_knows_has_a_place() -> None:
    modules = [path for path in ROOT.glob("policies/residency/**/*.py") if not path.name.endswith("_places.py")]
    known = {token for module in modules for token in TOKEN.findall(module.read_text())}
    assert len(known) > 20
    assert known - PLACES.keys() == set()


def test_every_component_has_a_place() -> None:
    sources = "".join(source.read_text() for source in ROOT.glob("components/**/*.py"))
    tokens = set(re.findall(r'"(hybrid:[a-z]+:[A-Za-z]+)"', sources))
    assert tokens == {token for token in PLACES if token.startswith("hybrid:")}


def test_no_type_has_two_places() -> None:
    assert len(PLACES) == len(aws_places.AWS) + len(cloudflare_places.CLOUDFLARE) + len(other_places.OTHERS)


@pytest.mark.parametrize("token", sorted(token for token, found in PLACES.items() if found.kind is Kind.GLOBAL))
def test_what_is_everywhere_says_why_and_holds_no_data(token: str) -> None:
    assert PLACES[token].most is DataClass.NONE
    assert re.fullmatch(r"[A-Z].{10,}\.", PLACES[token].why)


def test_the_table_is_read_without_the_packs_library() -> None:
    program = "import sys; import policies.residency.places; print('pulumi_policy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.stdout.strip() == "False"


def test_a_message_holds_the_line_to_add(dev_plan: Plan) -> None:
    (finding,) = judged(dev_plan, {"new": CASES["type that nobody judged"]})["new"]
    assert line("aws:kinesis/stream:Stream") in finding.message
    assert '"aws:kinesis/stream:Stream": regional(' in finding.message
    assert "policies/residency/aws_places.py" in finding.message


@pytest.mark.parametrize("token", ["aws:a/b:C", "cloudflare:index/a:A", "hybrid:a:A", "gcp:a/b:C"])
def test_the_line_to_add_is_code_of_a_file_that_exists(token: str) -> None:
    code, _, file = line(token).partition(", to ")
    assert isinstance(eval(f"{{{code}}}", vars(place))[token], Place)
    assert (ROOT / file).exists()


def test_every_rule_of_the_pack_has_a_case() -> None:
    modules = (
        test_residency_destinations,
        test_residency_edge,
        test_residency_hosts,
        test_residency_logs,
        test_residency_regions,
    )
    cases = [*CASES.values(), *(one for module in modules for one in module.CASES.values())]
    broken = set().union(*(one.rules for one in cases), *(rules for _, _, rules in test_storage_rules.CASES.values()))
    assert {rule.name for rule in RULES} <= broken


def test_every_rule_of_the_pack_gives_its_reason_and_source() -> None:
    assert [rule.name for rule in RULES if not re.search(r"\(.+, .+\)|places\.py", rule.reason)] == []


def test_a_place_admits_what_is_less_delicate() -> None:
    stores = Place(kind=Kind.EDGE, most=DataClass.PUBLIC, why="")
    assert [stores.admits(one) for one in DataClass] == [False, False, True, True]
