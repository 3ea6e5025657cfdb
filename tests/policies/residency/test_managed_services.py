"""Services that are in Canada by their region, and what may be sent to them then."""

from plan.model import Computed, Plan
from tests.policies.changes import Change, both, plus
from tests.policies.compliant import plain
from tests.policies.residency.cases import case, judged, names

ATLAS, UPSTASH = "mongodbatlas:index/advancedCluster:AdvancedCluster", "upstash:index/redisDatabase:RedisDatabase"
AUTH0 = "pulumi:providers:auth0"
ABROAD, SENT = {"managed-services-are-in-canada"}, {"destinations-are-judged"}
TO_ATLAS, TO_UPSTASH = plain("NEXT", "mongodb+srv://c0.ab12.mongodb.net/x"), plain("NEXT", "https://x.upstash.io")


def atlas(*regions: object) -> Change:
    return plus(ATLAS, replicationSpecs=[{"regionConfigs": [{"regionName": region} for region in regions]}])


def upstash(**inputs: object) -> Change:
    return plus(UPSTASH, "redis", databaseName="x", **inputs)


CASES: dict[str, tuple[Change, set[str]]] = {
    "Atlas in Montreal": (atlas("CA_CENTRAL_1"), set()),
    "Atlas in Virginia": (atlas("US_EAST_1"), ABROAD),
    "Atlas in both": (atlas("CA_CENTRAL_1", "US_EAST_1"), ABROAD),
    "Atlas somewhere": (plus(ATLAS, replicationSpecs=[]), ABROAD),
    "Atlas in a region to come": (atlas(Computed()), ABROAD),
    "Upstash in Montreal": (upstash(region="ca-central-1"), set()),
    "Upstash, global, in Montreal": (upstash(region="global", primaryRegion="ca-central-1"), set()),
    "Upstash, global": (upstash(region="global"), ABROAD),
    "Upstash, read in Ireland": (
        upstash(region="global", primaryRegion="ca-central-1", readRegions=["eu-west-1"]),
        ABROAD,
    ),
    "Upstash in Virginia": (upstash(region="us-east-1"), ABROAD),
    "a tenant in Canada": (plus(AUTH0, "auth0", domain="clinic.ca.auth0.com"), set()),
    "a tenant in the United States": (plus(AUTH0, "auth0", domain="clinic.us.auth0.com"), ABROAD),
    "Atlas that nobody declares": (TO_ATLAS, SENT),
    "Atlas that is declared in Montreal": (both(atlas("CA_CENTRAL_1"), TO_ATLAS), set()),
    "Atlas that is declared in Virginia": (both(atlas("US_EAST_1"), TO_ATLAS), ABROAD | SENT),
    "Upstash beside a declared Atlas": (both(atlas("CA_CENTRAL_1"), TO_UPSTASH), SENT),
    "Upstash that is declared in Montreal": (both(upstash(region="ca-central-1"), TO_UPSTASH), set()),
}


def test_a_managed_service_is_judged_by_its_region(dev_plan: Plan) -> None:
    found = judged(dev_plan, {name: case(change) for name, (change, _) in CASES.items()})

    assert {name: names(one) & (ABROAD | SENT) for name, one in found.items()} == {
        name: rules for name, (_, rules) in CASES.items()
    }
