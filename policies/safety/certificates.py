"""Whether every host that Cloudflare answers has a certificate."""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import PolicyResource, Severity, StackValidationArgs

from components.resource_types import tokens
from components.resource_types.table import CLOUDFLARE_RECORDS
from policies.rules.domains import domain
from policies.rules.reading import each, has, host, items, known, of_type, value
from policies.rules.rule import Rule, StackRule
from policies.safety.cost import ADVANCED_CERTIFICATES_USD


def _hosts_have_a_certificate(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    zones = of_type(args.resources, tokens.ZONE)
    packs = of_type(args.resources, tokens.CERTIFICATE_PACK)
    covered = {str(name).lower() for pack in packs for name in items(pack.props, "hosts")}
    has_total = any(value(found.props, "enabled") is True for found in of_type(args.resources, tokens.TOTAL_TLS))

    def check(resource: PolicyResource) -> Iterator[str]:
        if resource.resource_type in CLOUDFLARE_RECORDS and not has(resource.props, "proxied"):
            return
        name = host(resource.props, "name")
        above = name.partition(".")[2]
        zone = _zone(resource, zones) or domain(name.removeprefix("*."))
        if zone and above.endswith(f".{zone}") and not has_total and not {name, f"*.{above}"} & covered:
            yield (
                f"This host is more than one label below its zone, where Universal SSL ends: no client gets a "
                f"certificate for it without Advanced Certificate Manager (${ADVANCED_CERTIFICATES_USD:g} a month)."
            )

    answered = (*CLOUDFLARE_RECORDS, tokens.LOAD_BALANCER)
    yield from each((found for found in args.resources if found.resource_type in answered), check)


def _zone(resource: PolicyResource, zones: list[PolicyResource]) -> str:
    """The name of its zone where the stack declares that: a zone may be below another's domain."""
    made_of = resource.property_dependencies.get("zoneId", [])
    given: Any = known(resource.props, "zoneId")
    mine = [zone for zone in zones if zone in made_of or (given and given == known(zone.props, "id"))]
    return host(mine[0].props, "name") if len(mine) == 1 else ""


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="hosts-have-a-certificate",
        description="A host that Cloudflare answers is one label below its zone, or a declared certificate covers it.",
        reason=(
            "Universal SSL covers the zone and names one label below it; a proxied name further down answers no HTTPS "
            "(Cloudflare, Universal SSL: Limitations). Advanced Certificate Manager is paid for by the zone and month."
        ),
        severity=Severity.HIGH,
        remediation=(
            "Choose a name one label below the zone, such as api-dev.example.com, or declare a CertificatePack or "
            "TotalTls that covers it."
        ),
        check=_hosts_have_a_certificate,
    ),
)
