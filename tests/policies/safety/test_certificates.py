"""Host names that Universal SSL covers, and those that something else has to."""

from plan.model import Computed, Plan
from tests.policies.changes import Change, both, made_of, plus
from tests.policies.safety.cases import Case, expected, judged

RECORD, PACK = "cloudflare:index/dnsRecord:DnsRecord", "cloudflare:index/certificatePack:CertificatePack"
TOTAL, ZONE = "cloudflare:index/totalTls:TotalTls", "cloudflare:index/zone:Zone"
BARE = {"hosts-have-a-certificate"}
DEEP = "api.dev.automatonicai.com"


def record(name: str = DEEP, *, proxied: object = True, zone: object = "z") -> Change:
    return plus(RECORD, name=name, proxied=proxied, zoneId=zone, type="AAAA", content="100::", ttl=1)


def in_a_zone(name: str) -> Change:
    """A record in a zone of its own, which the stack declares."""
    return both(
        plus(ZONE, "zone", name="dev.automatonicai.com"),
        record(name, zone=Computed()),
        made_of("extra", "zoneId", "zone"),
    )


CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "the zone itself": (record("automatonicai.com"), set()),
    "one label": (record("api-dev.automatonicai.com"), set()),
    "one label, any": (record("*.automatonicai.com"), set()),
    "two labels": (record(), BARE),
    "two labels, capitals and a dot": (record("API.DEV.automatonicai.com."), BARE),
    "three labels": (record("a.b.c.automatonicai.com"), BARE),
    "two labels, any": (record("*.dev.automatonicai.com"), BARE),
    "two labels of a shared suffix": (record("www.clinic.qc.ca"), set()),
    "two labels, past Cloudflare": (record(proxied=False), set()),
    "proxied if somebody knows": (record(proxied=Computed()), BARE),
    "a load balancer": (plus("cloudflare:index/loadBalancer:LoadBalancer", name=DEEP), BARE),
    "a certificate of its own": (both(record(), plus(PACK, "pack", hosts=[DEEP])), set()),
    "a certificate with a star": (both(record(), plus(PACK, "pack", hosts=["*.dev.automatonicai.com"])), set()),
    "a certificate of another": (both(record(), plus(PACK, "pack", hosts=["*.automatonicai.com", f"x{DEEP}"])), BARE),
    "Total TLS": (both(record(), plus(TOTAL, "total", enabled=True)), set()),
    "Total TLS, switched off": (both(record(), plus(TOTAL, "total", enabled=False)), BARE),
    "a zone of its own": (in_a_zone(DEEP), set()),
    "a zone of its own, two labels below": (in_a_zone("a.b.dev.automatonicai.com"), BARE),
}


def test_a_proxied_host_has_a_certificate(dev_plan: Plan) -> None:
    found = judged(dev_plan, CASES)

    assert {case: names & BARE for case, names in found.items()} == expected(CASES)


def test_the_stacks_own_hosts_are_covered(dev_plan: Plan, prod_plan: Plan) -> None:
    for plan in (dev_plan, prod_plan):
        names = [found.inputs["name"] for found in plan.of_type(RECORD) if found.inputs["proxied"] is True]
        assert names
        assert {name.count(".") for name in names} == {2}
