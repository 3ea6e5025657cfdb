"""What would keep a rollback from working, and whether the stand-by stays for as long as it may be needed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.edge.failover_host import CHALLENGE_PATHS, DNS_ONLY_TTL
from failover.operation import changes
from plan.model import Computed, Plan, Resource
from policies.safety import failover
from tests.policies.changes import having, minus, on, plus, without
from tests.policies.safety.cases import Case, expected, findings, judged

RECORD, SWITCH = {"standby-record-is-proxied"}, {"failover-host-has-one-switch"}
CHALLENGES, ROUTES = {"certificate-challenges-reach-the-standby"}, {"failover-host-uses-routes"}
KEPT = {"standby-is-kept-until-its-day"}
DOMAIN = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
NEW_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
ZONE = "fedcba9876543210fedcba9876543210"
HOST = "app-dev.automatonicai.com"
RULE = "standby-is-kept-until-its-day"


def route(pattern: str, script: str | None = "web", zone: str = ZONE) -> dict[str, str]:
    given = {"pattern": pattern, "script": script, "zoneId": zone}
    return {key: value for key, value in given.items() if value is not None}


CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "rolled back": (on("site-route", without("script")), set()),
    "rolled back, as the cloud says it": (on("site-route", having(script="")), set()),
    "record not proxied": (on("site-record", having(proxied=False)), RECORD),
    "led past the edge by plan B": (on("site-record", having(proxied=False, ttl=60)), set()),
    "led past the edge to nowhere": (
        on("site-record", having(proxied=False, ttl=60, type="AAAA", content="100::")),
        RECORD,
    ),
    "led past the edge without the component": (
        plus(NEW_RECORD, name=HOST, type="CNAME", content="cname.vercel-dns.com", proxied=False, ttl=60, zoneId=ZONE),
        RECORD | KEPT,
    ),
    "record's proxy unsaid": (on("site-record", without("proxied")), RECORD),
    "record's proxy unknown": (on("site-record", having(proxied=Computed())), RECORD),
    "record to nowhere": (on("site-record", having(type="AAAA", content="100::")), RECORD),
    "record to somebody like Vercel": (
        on("site-record", having(content="cname.vercel-dns-0.com.example.org")),
        RECORD,
    ),
    "record to a name that ends like Vercel's": (on("site-record", having(content="cname.notvercel-dns.com")), RECORD),
    "record to an unknown target": (on("site-record", having(content=Computed())), RECORD),
    "record to Vercel's address": (on("site-record", having(type="A", content="76.76.21.21")), set()),
    "record to the project's own name": (
        on("site-record", having(content="d1d4fc829fe7bc7c.Vercel-DNS-017.com.")),
        set(),
    ),
    "no record": (minus("site-record"), RECORD),
    "a second stand-by without routes": (
        plus(NEW_RECORD, name="b.example.com", type="CNAME", content="cname.vercel-dns.com", proxied=True, zoneId=ZONE),
        SWITCH | CHALLENGES | KEPT,
    ),
    "no route": (minus("site-route"), SWITCH),
    "route of another zone": (on("site-route", having(zoneId="0" * 32)), SWITCH),
    "route over some paths": (on("site-route", having(pattern=f"{HOST}/shop/*")), SWITCH),
    "route unknown": (on("site-route", having(pattern=Computed())), SWITCH | CHALLENGES),
    "route with a scheme": (on("site-route", having(pattern=f"https://{HOST.upper()}/*")), set()),
    "a second switch": (plus(ROUTE, **route(f"{HOST}/*")), SWITCH),
    "a path that stays": (plus(ROUTE, **route(f"{HOST}/account/*")), SWITCH),
    "a path of every host that stays": (plus(ROUTE, **route("*.automatonicai.com/account/*")), SWITCH),
    "a path without a Worker": (plus(ROUTE, **route(f"{HOST}/plain/*", None)), set()),
    "all paths of every host": (plus(ROUTE, **route("*.automatonicai.com/*")), set()),
    "challenge to the Worker": (on("site-challenge-acme", having(script="web")), SWITCH | CHALLENGES),
    "challenge's script unknown": (on("site-challenge-acme", having(script=Computed())), SWITCH | CHALLENGES),
    "no challenge of Vercel's": (minus("site-challenge-vercel"), CHALLENGES),
    "custom domain": (plus(DOMAIN, hostname=HOST), ROUTES),
    "custom domain in capitals": (plus(DOMAIN, hostname=f"{HOST.upper()}."), ROUTES),
    "custom domain unknown": (plus(DOMAIN, hostname=Computed()), ROUTES),
    "custom domain by its older name": (plus("cloudflare:index/workerDomain:WorkerDomain", hostname=HOST), ROUTES),
    "custom domain of another host": (plus(DOMAIN, hostname="other.example.com"), set()),
    "load balancer": (plus("cloudflare:index/loadBalancer:LoadBalancer", name=HOST), ROUTES),
    "domain of Pages": (plus("cloudflare:index/pagesDomain:PagesDomain", name=HOST), ROUTES),
}


def test_what_would_keep_a_rollback_from_working_is_refused(dev_plan: Plan) -> None:
    assert judged(dev_plan, CASES) == expected(CASES)


def test_the_paths_are_those_that_are_declared() -> None:
    assert set(failover.CHALLENGE_PATHS) == set(CHALLENGE_PATHS.values())
    # The rule, the component and the script each start without the others.
    assert failover.DNS_ONLY_TTL == DNS_ONLY_TTL == changes.DNS_ONLY_TTL


def changed(plan: Plan, is_it: Callable[[Resource], bool], change: Callable[[Resource], Resource]) -> Plan:
    return replace(plan, resources=tuple(change(found) if is_it(found) else found for found in plan.resources))


def until(plan: Plan, comment: Any) -> Plan:
    def change(found: Resource) -> Resource:
        given = {key: value for key, value in found.inputs.items() if key != "comment"}
        return replace(found, inputs=given if comment is None else {**given, "comment": comment})

    return changed(plan, lambda found: found.name == "site-record", change)


def open_to_deletion(plan: Plan, name: str) -> Plan:
    def change(found: Resource) -> Resource:
        return replace(found, options=replace(found.options, protect=False))

    return changed(plan, lambda found: found.name == name and found.custom, change)


def broken(*plans: Plan) -> list[bool]:
    return [RULE in {one.rule for one in found} for found in findings(plans)]


@pytest.mark.parametrize("name", ["site-record", "site-route", "site-challenge-acme"])
def test_in_production_the_engine_must_refuse_to_delete_it_until_then(name: str, prod_plan: Plan) -> None:
    bare = open_to_deletion(prod_plan, name)
    assert broken(prod_plan, bare, until(bare, "until 2100-01-01"), until(bare, "until 2020-01-01")) == [
        False,
        True,
        True,
        # That day is past.
        True,
    ]


@pytest.mark.parametrize("day", [None, "until soon", "until 2027-02-30", Computed()])
def test_a_host_says_until_when(day: Any, dev_plan: Plan) -> None:
    assert broken(until(dev_plan, day)) == [True]


def test_dev_may_be_taken_down(dev_plan: Plan) -> None:
    assert broken(open_to_deletion(dev_plan, "site-record")) == [False]


def test_a_day_that_is_past_is_told(dev_plan: Plan) -> None:
    assert broken(until(dev_plan, "until 2026-11-30"), until(dev_plan, "until 2026-12-01")) == [True, False]
