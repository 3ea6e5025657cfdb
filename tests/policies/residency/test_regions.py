"""Types that nobody judged, and regions that resources, providers and texts name, broken one way at a time."""

import base64
import gzip
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.resource_types.table import judged as judged_type
from components.resource_types.table import line
from plan.model import Computed, Plan, Resource, Secret
from policies.residency.regions import CANADIAN_REGIONS, foreign
from policies.residency.written import plain, written
from policies.rules.rule import gathered
from tests.commands import ROOT
from tests.policies.changes import Change, having, on, plus, without
from tests.policies.residency.cases import case, inside, judged

PLACED, WRITTEN = "resources-are-in-canada", "written-regions-are-canadian"
UNJUDGED, FITS = "services-are-judged", "data-fits-its-place"
JUDGED = "destinations-are-judged"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
FAR = "eu-west-1"
REGIONS = ("us-east-1", "us-gov-west-1", "eu-central-2", "ap-southeast-7", "mx-central-1", "il-central-1", "cn-north-1")


def unprovided(type_token: str, provider: str | None = None, settings: str = "", **inputs: object) -> Change:
    """One more resource, with no provider or one of this name."""

    def change(plan: Plan) -> Plan:
        more = plus(type_token, **inputs)(plan).resources[-1]
        if provider is None:
            return replace(plan, resources=(*plan.resources, replace(more, provider=None)))
        urn = f"urn:pulumi:dev::hybrid::pulumi:providers:aws::{provider}"
        given = {"region": settings} if settings else {}
        other = Resource(urn=urn, type="pulumi:providers:aws", name=provider, custom=True, inputs=given)
        return replace(plan, resources=(*plan.resources, other, replace(more, provider=urn)))

    return change


def statement(resource: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": [resource]}]})


TOKEN = re.compile(r'"((?:aws|cloudflare|random|tls|vercel):[A-Za-z0-9_]+/[A-Za-z0-9_]+:[A-Za-z0-9_]+)"')


def principal(*services: str) -> str:
    """A document that admits services."""
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"Service": services}}]})


CASES = {
    "type that nobody judged": case(plus("aws:kinesis/stream:Stream", region="ca-central-1"), UNJUDGED),
    "neighbour of a judged type": case(plus("aws:s3/vectorsIndex:VectorsIndex", region="ca-central-1"), UNJUDGED),
    "type in other capitals": case(plus("cloudflare:index/DnsRecord:DnsRecord"), UNJUDGED),
    "another cloud": case(plus("gcp:storage/bucket:Bucket"), UNJUDGED),
    "another provider": case(plus("pulumi:providers:gcp"), UNJUDGED),
    "a component that nobody judged": case(
        inside("random:index/randomId:RandomId", "hybrid:storage:Attic", {}), UNJUDGED
    ),
    "key of one region in another": case(plus("aws:kms/replicaKey:ReplicaKey", region="ca-central-1"), UNJUDGED),
    "content network": case(plus("aws:lightsail/distribution:Distribution", region="ca-central-1"), UNJUDGED),
    "regulated role": case(on("identity-role", having(tags={"data-class": "regulated"})), FITS),
    "personal data on a user": case(on("documents-user", having(tags={"data-class": "personal"})), FITS),
    "no such class": case(on("backups-bucket", having(tags={"data-class": "Regulated"})), FITS),
    "no such class in a word": case(on("api-worker", having(tags=["data-class:secret"])), FITS),
    "judged types": case(plus("aws:cloudwatch/logGroup:LogGroup", region="ca-central-1", name="l")),
    "no tags": case(on("backups-bucket", without("tags"))),
    "other words of a Worker": case(on("api-worker", having(tags=["a:b"]))),
    "no provider and no region": case(unprovided(GROUP), PLACED),
    "a default provider, even a Canadian one": case(unprovided(GROUP, "default_7_51_1", "ca-central-1"), PLACED),
    "no provider and a region of its own": case(unprovided(GROUP, region="ca-west-1")),
    "no provider where there are no regions": case(unprovided("aws:iam/group:Group", name="g")),
    "a second Canadian provider": case(unprovided(GROUP, "calgary", "ca-west-1")),
    "a provider elsewhere, a region of its own": case(unprovided(GROUP, "dublin", FAR, region="ca-central-1"), PLACED),
    "region in capitals": case(on("postgres-a-data", having(region="CA-CENTRAL-1")), PLACED),
    "region unknown": case(on("backups-bucket", having(region=Computed())), PLACED),
    "zone of a region that begins alike": case(
        on("postgres-a-data", having(availabilityZone="ca-central-12a")), PLACED
    ),
    "zone unknown": case(on("postgres-a-data", having(availabilityZone=Computed())), PLACED),
    "zone by its ID": case(on("postgres-a-data", having(availabilityZone="cac1-az1"))),
    "zone elsewhere by its ID": case(on("postgres-a-data", having(availabilityZone="use1-az2")), PLACED),
    "zone left out": case(on("postgres-a-data", without("availabilityZone"))),
    "a list of zones": case(plus(GROUP, availabilityZones=["ca-central-1a", "ca-west-1b"])),
    "a list with a zone elsewhere": case(
        plus(GROUP, availabilityZones=["ca-central-1a", "us-east-1a"]), PLACED, WRITTEN
    ),
    "a nested region": case(plus(GROUP, output=[{"s3Region": "ca-west-1"}])),
    "a nested region elsewhere": case(plus(GROUP, output=[{"s3Region": FAR}]), PLACED, WRITTEN),
    "a nested region unknown": case(plus(GROUP, output=[{"s3Region": Computed()}]), PLACED),
    "a region of a replica": case(plus("aws:secretsmanager/secret:Secret", replicas=[{"region": "US East"}]), PLACED),
    "an ARN elsewhere": case(on("bundles-a", having(kmsKeyId=f"arn:aws:kms:{FAR}:111111111111:key/1")), WRITTEN),
    "a secret that names a region": case(
        on("parameters-host-passwords-app", having(value=Secret("https://s3.us-west-2.amazonaws.com"))), WRITTEN
    ),
    "an ARN in JSON text": case(
        on("documents-user-policy", having(policy=statement(f"arn:aws:sqs:{FAR}:1:q"))), WRITTEN
    ),
    "an ARN in JSON text, unknown": case(on("documents-user-policy", having(policy=Computed()))),
    "an endpoint of all regions": case(plus(GROUP, name="https://s3.amazonaws.com/b"), WRITTEN, JUDGED),
    "a bucket's endpoint of all regions": case(plus(GROUP, name="b.s3.amazonaws.com"), WRITTEN),
    "an endpoint at the edge": case(plus(GROUP, name="b.s3-accelerate.amazonaws.com"), WRITTEN),
    "an access point of several regions": case(plus(GROUP, name="arn:aws:s3::1:accesspoint/x.mrap"), WRITTEN),
    "a key of several regions": case(plus(GROUP, kmsKeyId="mrk-" + "0" * 32), WRITTEN),
    "a region as a key": case(plus(GROUP, buckets={FAR: "b"}), WRITTEN),
    "a region's name in words": case(on("site-record", having(comment="moved to us-east-1")), WRITTEN),
    "a Canadian endpoint": case(plus(GROUP, name="https://s3.ca-west-1.amazonaws.com/b")),
    "a service's name": case(on("documents-user-policy", having(policy=statement("s3.amazonaws.com")))),
    "a service's principal": case(
        on("documents-user-policy", having(policy=principal("logging.s3.amazonaws.com", "s3.amazonaws.com")))
    ),
    "a service's principal in a document": case(
        plus(GROUP, policy={"Statement": [{"Principal": {"Service": ["batchoperations.s3.amazonaws.com"]}}]})
    ),
    "a service's principal of a region": case(
        on("documents-user-policy", having(policy=principal("logs.us-east-1.amazonaws.com"))), WRITTEN
    ),
    "a bucket's endpoint in a policy": case(
        on("documents-user-policy", having(policy=statement("logging.s3.amazonaws.com"))), WRITTEN
    ),
    "code that knows regions": case(on("bundles-a", having(content="REGIONS = ['us-east-1']"))),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_breaks_its_rules_and_no_other(name: str, rules_broken: dict[str, set[str]]) -> None:
    # What a bundle holds has tests of its own.
    assert rules_broken[name] - {"database-sends-no-telemetry"} == CASES[name].rules


def test_every_type_that_a_rule_knows_has_a_place() -> None:
    modules = [*ROOT.glob("policies/residency/*.py"), ROOT / "components/resource_types/tokens.py"]
    known = {token for module in modules for token in TOKEN.findall(module.read_text())}
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


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("form", ["{}", "arn:aws:sqs:{}:1:q", "s3-{}.amazonaws.com", "{}a", "x.{}.rds.amazonaws.com"])
def test_a_region_is_seen_wherever_it_stands(form: str, region: str) -> None:
    assert list(foreign(plain(form.format(region)))) == ["a region outside of Canada"]
    assert list(foreign(plain(form.format(region).upper()))) == ["a region outside of Canada"]


@pytest.mark.parametrize(
    "text",
    [
        "US East (N. Virginia)",
        "us_east_1",
        "USEast1",
        "Europe-West1",
        "use1-az4",
        "arn:aws-us-gov:s3:::b",
        "us\u2011east\u20111",
    ],
)
def test_another_name_of_a_region_is_seen(text: str) -> None:
    assert list(foreign(plain(text)))


@pytest.mark.parametrize(
    "text",
    [
        "ca-central-1",
        "arn:aws:kms:ca-west-1:111111111111:key/1",
        "automatonicai-dev-east-1-of-many",
        "contact us east of the river",
        "northamerica-northeast1",
        "s3.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "2e1f0c1a-8a5b-4c5e-9d0e-1f2a3b4c5d6e",
    ],
)
def test_what_is_no_region_elsewhere_is_left_alone(text: str) -> None:
    assert list(foreign(text)) == []


@given(st.sampled_from(REGIONS), st.lists(st.sampled_from(["json", "list", "base64", "gzip"]), max_size=3))
def test_a_region_is_seen_through_its_wrappings(region: str, wrappings: list[str]) -> None:
    text = f"arn:aws:sqs:{region}:111111111111:q"
    for wrapping in wrappings:
        text = WRAPPINGS[wrapping](text)
    assert any(list(foreign(inner)) for _, inner in written({"a": [{"b": text}]}))


WRAPPINGS = {
    "json": lambda text: json.dumps({"key": text}),
    "list": lambda text: json.dumps([[text]]),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "gzip": lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
}


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for _, inner in written({"a": text, "b": base64.b64encode(text.encode()).decode()}):
        list(foreign(inner))


@given(st.sampled_from(CANADIAN_REGIONS), st.from_regex(r"[a-z0-9.:/]{0,20}", fullmatch=True))
def test_a_canadian_region_alone_is_left_alone(region: str, around: str) -> None:
    assert "a region outside of Canada" not in list(foreign(f"{around}.{region}.{around}"))
