"""Every type of resource has a place, and one that has none is refused."""

import re
from pathlib import Path

import pytest

from components.resource_types.table import judged as judged_type
from components.resource_types.table import line
from plan.model import Plan
from policies.rules.rule import gathered
from tests.policies.changes import having, on, plus, without
from tests.policies.residency.cases import case, inside, judged

ROOT = Path(__file__).resolve().parents[3]
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


def test_every_type_that_a_rule_knows_has_a_place() -> None:
    known = {token for module in ROOT.glob("policies/residency/**/*.py") for token in TOKEN.findall(module.read_text())}
    assert len(known) > 20
    assert [token for token in known if judged_type(token) is None] == []


def test_a_message_holds_the_line_to_add(dev_plan: Plan) -> None:
    (finding,) = judged(dev_plan, {"new": CASES["type that nobody judged"]})["new"]
    assert line("aws:kinesis/stream:Stream") in finding.message
    assert '"aws:kinesis/stream:Stream": regional(' in finding.message
    assert "components/resource_types/aws.py" in finding.message


def test_every_rule_of_the_pack_gives_its_reason_and_source() -> None:
    rules = gathered("policies.residency")
    assert [rule.name for rule in rules if not re.search(r"\(.+, .+\)|resource_types/", rule.reason)] == []
