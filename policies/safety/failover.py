"""Whether a rollback works: a route to blank, a record behind it, and both kept until their day."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pulumi_policy import PolicyResource, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.resource_types import tokens
from components.resource_types.table import CLOUDFLARE_RECORDS
from policies.exemptions.exemption import current_day
from policies.rules.pairing import is_same
from policies.rules.reading import each, host, is_below, is_prod, of_type, parents, text, value
from policies.rules.rule import Rule, StackRule

# Written out, as in components/edge/failover_host.py: importing that takes seconds of every start of the pack.
CHALLENGE_PATHS = ("/.well-known/acme-challenge/*", "/.well-known/vercel/*")
DNS_ONLY_TTL = 60
CUSTOM_DOMAINS = (
    tokens.CUSTOM_DOMAIN,
    "cloudflare:index/workersDomain:WorkersDomain",
    tokens.OLD_WORKER_DOMAIN,
)
R2_DOMAIN = "cloudflare:index/r2CustomDomain:R2CustomDomain"
# What takes a host name for itself, and by which property.
TAKES_HOST: dict[str, str] = {
    **dict.fromkeys(CUSTOM_DOMAINS, "hostname"),
    tokens.LOAD_BALANCER: "name",
    tokens.PAGES_DOMAIN: "name",
    R2_DOMAIN: "domain",
}
# Vercel's names for custom domains, and its address for the top of a zone (Vercel, Setting up a custom domain).
VERCEL_NAME = re.compile(r"([a-z0-9-]+\.)+vercel-dns(-\d+)?\.com")
VERCEL_ADDRESS = "76.76.21.21"
# As components/edge/failover_host.py writes it.
UNTIL = re.compile(r"\buntil (\d{4}-\d{2}-\d{2})\b")


def standbys(args: StackValidationArgs) -> list[PolicyResource]:
    """Records behind a route that a rollback blanks: those of the component, and any that leads to Vercel."""
    return [found for found in args.resources if found.resource_type in CLOUDFLARE_RECORDS and _is_standby(found)]


def pages_records(args: StackValidationArgs) -> list[PolicyResource]:
    """Records of Pages hosts, which a rollback changes."""
    return [
        found
        for found in args.resources
        if found.resource_type in CLOUDFLARE_RECORDS and is_below(found, tokens.FAILOVER_PAGES_HOST)
    ]


def _is_standby(record: PolicyResource) -> bool:
    # Its record is the switch, so none of the rules about a route in front of it is for it.
    if is_below(record, tokens.FAILOVER_PAGES_HOST):
        return False
    return is_below(record, tokens.FAILOVER_HOST) or _leads_to_vercel(_known(record.props))


def _known(props: Mapping[str, Any]) -> dict[str, Any]:
    """A record's type and content, as far as known; a tunnel's host name is not, and it is not a stand-by's."""
    try:
        return {"type": value(props, "type"), "content": value(props, "content") or value(props, "value")}
    except UnknownValueError:
        return {}


def _leads_to_vercel(props: Mapping[str, Any]) -> bool:
    target = host(props, "content")
    if text(props, "type") == "a":
        return target == VERCEL_ADDRESS
    return text(props, "type") == "cname" and VERCEL_NAME.fullmatch(target) is not None


def _is_led_past(record: PolicyResource) -> bool:
    """Whether plan B of a rollback is in force, as failoverActive: vercel-dns declares it; by mistake the TTL is 1."""
    props = record.props
    return (
        is_below(record, tokens.FAILOVER_HOST)
        and value(props, "proxied") is False
        and value(props, "ttl") == DNS_ONLY_TTL
    )


def _record_is_proxied(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    def check(record: PolicyResource) -> Iterator[str]:
        if value(record.props, "proxied") is not True and not _is_led_past(record):
            yield "This stand-by's record is not proxied, so no route stands in front of it."
        if not _leads_to_vercel({"type": value(record.props, "type"), "content": value(record.props, "content")}):
            yield "This stand-by's record does not lead to Vercel."

    records = standbys(args)
    yield from each(records, check)
    for component in (found for found in args.resources if found.resource_type == tokens.FAILOVER_HOST):
        if not any(component in parents(record) for record in records):
            yield "This host has no stand-by's record to fall back to.", component.urn


def _host_has_a_switch(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    routes = [found for found in args.resources if found.resource_type == tokens.ROUTE]

    def check(record: PolicyResource) -> Iterator[str]:
        name = host(record.props, "name")
        own = [found for found in routes if _covers(found, name) and is_same(found, record, "zoneId")]
        switches = [found for found in own if (_host_of(found), _path_of(found)) == (name, "/*")]
        if len(switches) != 1:
            yield "This host has not one route to blank for all of its paths."
        for route in own:
            # One for all paths of several hosts is less specific, so the blanked one takes this host from it.
            if _path_of(route) != "/*" and value(route.props, "script"):
                yield "A rollback would leave one of this host's paths with a Worker."

    yield from each(standbys(args), check)


def _covers(route: PolicyResource, name: str) -> bool:
    pattern = _host_of(route)
    return pattern == name or (pattern.startswith("*") and name.endswith(pattern[1:]))


def _host_of(route: PolicyResource) -> str:
    return _pattern(route).partition("/")[0]


def _path_of(route: PolicyResource) -> str:
    return "/" + _pattern(route).partition("/")[2]


def _pattern(route: PolicyResource) -> str:
    return text(route.props, "pattern").removeprefix("https://").removeprefix("http://")


def _challenges_reach_the_standby(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    routes = [found for found in args.resources if found.resource_type == tokens.ROUTE]

    def check(record: PolicyResource) -> Iterator[str]:
        name = host(record.props, "name")
        own = {_path_of(found): value(found.props, "script") for found in routes if _host_of(found) == name}
        for path in CHALLENGE_PATHS:
            if own.get(path, "none") not in (None, ""):
                yield "A Worker answers what Vercel asks this host before it renews the certificate."

    yield from each(standbys(args), check)


def _host_is_nobody_elses(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    hosts = {host(found.props, "name") for found in standbys(args)}

    def check(resource: PolicyResource) -> Iterator[str]:
        if host(resource.props, TAKES_HOST[resource.resource_type]) in hosts:
            yield "This takes a host name for itself that a rollback must be able to hand over."

    yield from each((found for found in args.resources if found.resource_type in TAKES_HOST), check)


def _standby_is_kept(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    today = current_day()

    def check(record: PolicyResource) -> Iterator[str]:
        until = _day(value(record.props, "comment"))
        if until is None:
            yield "This stand-by's record does not say in its comment until which day it has to stay."
        elif until < today:
            yield "The day until which this stand-by has to stay is past, so nothing keeps it any more."
        elif is_prod(record.urn):
            component = next((found for found in parents(record) if found.resource_type == tokens.FAILOVER_HOST), None)
            routes = [
                found for found in of_type(args.resources, tokens.ROUTE) if component and component in parents(found)
            ]
            if not all(found.opts.protect for found in (record, *routes)):
                yield "The engine would delete this host's stand-by before its day."

    yield from each([*standbys(args), *pages_records(args)], check)


def _day(comment: object) -> date | None:
    found = UNTIL.search(str(comment))
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="standby-record-is-proxied",
        description="The record of a host that falls back is proxied, unless plan B is in force, and leads to Vercel.",
        reason=(
            "A route works in front of a proxied record only; behind it the stand-by answers at once when the route is "
            "blanked, where a change of DNS takes up to 300 s (Cloudflare, Workers routes; DNS TTL reference)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with FailoverHost, and set standbyHostname to the name that Vercel gives.",
        check=_record_is_proxied,
    ),
    StackRule(
        name="failover-host-has-one-switch",
        description="A host that falls back has one route with a Worker, over all of its paths.",
        reason=(
            "A rollback blanks one route; the most specific pattern wins, so any other route with a Worker would go on "
            "answering (Cloudflare, Workers routes)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with FailoverHost, and tell paths apart in the Worker.",
        check=_host_has_a_switch,
    ),
    StackRule(
        name="certificate-challenges-reach-the-standby",
        description="No Worker answers the paths by which Vercel renews its certificate.",
        reason=(
            "Behind the Worker the stand-by's certificate would expire, and nobody would notice until the day it is "
            "needed (Vercel, Working with SSL; Cloudflare, Workers routes: a route without a Worker negates others)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with FailoverHost, which has script-less routes for both paths.",
        check=_challenges_reach_the_standby,
    ),
    StackRule(
        name="failover-host-uses-routes",
        description="No custom domain, load balancer or project takes a host name that falls back.",
        reason=(
            "A custom domain owns a read-only record and shuts out the stand-by's (Cloudflare, Workers custom domains; "
            "error 9059); a load balancer's name beats the record's (Cloudflare, Load Balancing)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare the host with FailoverHost and nothing else.",
        check=_host_is_nobody_elses,
    ),
    StackRule(
        name="standby-is-kept-until-its-day",
        description="A stand-by's record says until when it stays; till then the engine refuses to take it away.",
        reason=(
            "In the first weeks after a cut-over the stand-by is the only remedy for a fault that nobody foresaw. What "
            "is protected the engine does not delete, and the gate refuses to see it go (protected-data-is-kept)."
        ),
        severity=Severity.CRITICAL,
        remediation="Set standbyKeepUntil to a coming day, 30 days after the cut-over or later; leave protectData on.",
        check=_standby_is_kept,
    ),
)
