"""Hosts, records and routes that are in order, beside their nearest fault."""

import pytest

from components.resource_types import tokens
from plan.model import Computed, Secret, reference
from tests.policies.changes import Change, bindings, both, having, made_of, minus, on, plus, put
from tests.policies.residency.cases import case

JUDGED, ROUTED, WRITTEN = "destinations-are-judged", "routes-lead-to-own-workers", "written-regions-are-canadian"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
DOMAIN = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
POLICY = "cloudflare:index/notificationPolicy:NotificationPolicy"
HOOK = "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks"
FUNCTION = "aws:lambda/function:Function"
TO_COME = reference("urn:pulumi:dev::hybrid::aws:s3/bucket:Bucket::documents-bucket", "id")
STATIC_IP = "postgres-a-address"


def record(kind: str, content: object = None, **more: object) -> Change:
    given = {"type": kind, "name": "x-dev.automatonicai.com", **({} if content is None else {"content": content})}
    return plus(tokens.DNS_RECORD, **{**given, **more})


def told(text: str, name: str = "NOTE") -> Change:
    return on("api-version", bindings({"type": "plain_text", "name": name, "text": text}))


def route(pattern: object, script: object = "automatonicai-dev-api") -> Change:
    return plus(ROUTE, pattern=pattern, script=script)


def set_to(template: str) -> Change:
    """A setting of which a part is known."""
    return plus("aws:ssm/parameter:Parameter", name="/a/b", type="String", value=Computed(template))


CASES = {
    "the zone's own name": case(told("https://dev.automatonicai.com")),
    "origins in a list": case(told("https://app-dev.automatonicai.com,https://automatonicai.com")),
    "one's own host in any variable": case(told("api-dev.automatonicai.com:443", "NEXT")),
    "the name of a format": case(told("http://www.w3.org/2000/svg")),
    "the name of another format": case(told("http://www.w3.org/1999/xhtml")),
    "a JSON schema": case(told('{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}')),
    "a page of a manual": case(told("https://docs.github.com/en/actions")),
    "GitHub itself": case(told("https://gist.github.com/x"), JUDGED),
    "an office's number": case(told("Serves the north-east 1 office and us east 2 endpoint")),
    "a region with a number": case(told("runs in US East 2"), WRITTEN),
    "a region with a number, before a comma": case(told("us east 1, us west 2"), WRITTEN),
    "per cent": case(told("limit=100%25&region=ca%2Dcentral%2D1")),
    "a mailbox": case(told("ops@vendor-example.net")),
    "a version of four parts": case(told("3.80.1.1")),
    "identity of AWS": case(told("https://sts.amazonaws.com/")),
    "queues of AWS in Montreal": case(told("https://sqs.ca-central-1.amazonaws.com/111111111111/q")),
    "a function's address in Montreal": case(told("https://abc.lambda-url.ca-central-1.on.aws/")),
    "a database in Calgary": case(told("db.x.ca-west-1.rds.amazonaws.com:5432")),
    "the stand-by's address": case(record("A", "76.76.21.21", proxied=True)),
    "the address beside the stand-by's": case(record("A", "76.76.21.22", proxied=True), JUDGED),
    "an address for no origin": case(record("AAAA", "100::", proxied=True)),
    "an address in a text": case(record("TXT", "v=spf1 ip4:3.80.1.1 include:vendor-example.net -all")),
    "who may issue certificates": case(record("CAA", data={"flags": 0, "tag": "issue", "value": "letsencrypt.org"})),
    "mail to one's own": case(record("MX", "mail-dev.automatonicai.com", priority=1)),
    "no mail": case(record("MX", ".", priority=0)),
    "a service of one's own": case(record("SRV", data={"target": "db-dev.automatonicai.com.", "port": 5432})),
    "an address of one's own": case(
        both(on(STATIC_IP, having(ipAddress="15.222.1.2")), record("A", "15.222.1.2", proxied=False))
    ),
    "an address to come": case(both(record("A", Computed()), made_of("extra", "content", STATIC_IP))),
    "an address to come from nowhere": case(record("A", Computed()), JUDGED),
    "a kind to come": case(record(Computed(), "mail-dev.automatonicai.com"), JUDGED),  # type: ignore[arg-type]
    "a function that asks its database": case(
        plus(FUNCTION, region="ca-central-1", environment={"variables": {"DB_HOST": "postgres-dev.automatonicai.com"}})
    ),
    "a stranger before what is to come": case(set_to(f"https://logs.vendor-example.net/{TO_COME}"), JUDGED),
    "a stranger after what is to come": case(set_to(f"https://{TO_COME}.vendor-example.net/x"), JUDGED),
    "a stranger with a user to come": case(set_to(f"postgres://{TO_COME}:x@db.vendor-example.net/app"), JUDGED),
    "one's own before what is to come": case(set_to(f"https://api-dev.automatonicai.com/{TO_COME}")),
    "one's own after what is to come": case(set_to(f"https://{TO_COME}-dev.automatonicai.com:{TO_COME}/x")),
    "a host of which the end is to come": case(set_to(f"https://api.{TO_COME}/v1 https://{TO_COME}-a.b{TO_COME}:5/")),
    "a webhook of this stack": case(
        both(
            plus(HOOK, "hook", name="w", url="https://app-dev.automatonicai.com/hook"),
            plus(POLICY, "policy", name="n", mechanisms={"webhooks": [{"id": Computed()}]}),
            made_of("policy", "mechanisms", "hook"),
        )
    ),
    "mail to people": case(plus(POLICY, name="n", mechanisms={"emails": [{"id": "ops@automatonicai.com"}]})),
    "a pool of this stack": case(
        both(
            plus(POOL, "pool", name="p", origins=[{"name": "o", "address": "app-dev.automatonicai.com"}]),
            plus(BALANCER, "balancer", name="x-dev.automatonicai.com", defaultPools=[Computed()]),
            made_of("balancer", "defaultPools", "pool"),
        )
    ),
    "a pool to come from nowhere": case(plus(POOL, name="p", origins=[{"name": "o", "address": Computed()}]), JUDGED),
    "a further route": case(route("x-dev.automatonicai.com/*")),
    "a route past the Worker": case(plus(ROUTE, pattern="app-dev.automatonicai.com/static/*")),
    "a route to a Worker to come": case(
        both(route("x-dev.automatonicai.com/*", Computed()), made_of("extra", "script", "api-deployment"))
    ),
    "a route to a Worker from nowhere": case(route("x-dev.automatonicai.com/*", Computed()), ROUTED),
    "a route to somebody's Worker": case(route("x-dev.automatonicai.com/*", "other"), ROUTED),
    "a route of a star": case(route("*.automatonicai.com/*"), ROUTED),
    "a route of a star, of one scheme": case(route("https://*.automatonicai.com/*"), ROUTED),
    "a route of one scheme": case(route("https://x-dev.automatonicai.com/*")),
    "a route to come": case(route(Computed()), ROUTED),
    "a host of a Worker of this stack": case(
        plus(DOMAIN, hostname="x-dev.automatonicai.com", service="automatonicai-dev-api")
    ),
    "a host of somebody's Worker": case(plus(DOMAIN, hostname="x-dev.automatonicai.com", service="other"), ROUTED),
    "another domain everywhere": case(
        both(
            *(on(f"{name}-route", put("pattern", f"{name}.clinic.qc.ca/*")) for name in ("api", "site")),
            *(minus(f"site-challenge-{name}") for name in ("acme", "vercel")),
            told("https://db.clinic.qc.ca"),
            on("hyperdrive-regulated", put("origin.host", "postgres.clinic.qc.ca")),
            on("hyperdrive-public", put("origin.host", "postgres.clinic.qc.ca")),
            on("media-media-cors", put("rules.0.allowed.origins", ["https://site.clinic.qc.ca"])),
            on("api-version", put("bindings.4.text", "https://site.clinic.qc.ca")),
            on("api-version", put("bindings.11.text", Secret("https://pooler.clinic.qc.ca/"))),
            on(
                "sign-in-site",
                having(callbackUrls=["https://site.clinic.qc.ca/a"], logoutUrls=["https://site.clinic.qc.ca/"]),
            ),
        )
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_breaks_its_rules_and_no_other(name: str, rules_broken: dict[str, set[str]]) -> None:
    assert rules_broken[name] == CASES[name].rules
