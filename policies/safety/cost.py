"""What the declared stack costs a month, whether it is used or not, and the most that it may.

Prices here are of what is computed from properties, by the month and in US dollars. What costs the same whatever its
properties are has its price in its row of components/resource_types/. List prices of us-east-1 as published; Montreal's
may differ a little (`aws lightsail get-bundles --region ca-central-1` has them). What is paid by use, as requests,
traffic, stored objects and snapshots, is left out.
"""

from collections.abc import Callable, Iterator

from pulumi_policy import PolicyResource, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.resource_types import tokens
from components.resource_types.row import Price
from components.resource_types.table import file, of
from policies.rules.reading import each, is_prod, of_type, text, value
from policies.rules.rule import Rule, StackRule

DISK = "aws:lightsail/disk:Disk"
ADDRESS_ATTACHMENT = "aws:lightsail/staticIpAttachment:StaticIpAttachment"
WORKERS = (tokens.WORKER, tokens.WORKERS_SCRIPT)

SOURCE = "AWS and Cloudflare price pages, Lightsail's plan table of 2026-09-17"
HOURS_A_MONTH = 730

CEILINGS_USD: dict[str, float] = {"prod": 100.0, "dev": 60.0}
"""Ceilings by environment. The budget is $100 a month; a stack that needs more for a while, as with two hosts while one
takes over from the other, has an exemption with an end."""

# AWS, Lightsail pricing: Linux with a public IPv4 address.
BUNDLES_USD: dict[str, float] = {
    "nano_3_0": 5.0,
    "micro_3_0": 7.0,
    "small_3_0": 12.0,
    "medium_3_0": 24.0,
    "large_3_0": 44.0,
    "xlarge_3_0": 84.0,
    "2xlarge_3_0": 164.0,
    "4xlarge_3_0": 384.0,
}
# AWS, Lightsail pricing, block storage.
DISK_GB_USD = 0.10
# AWS, Lightsail pricing: an address costs while it is attached to nothing.
LOOSE_ADDRESS_USD = 0.005 * HOURS_A_MONTH
# AWS, Systems Manager pricing, advanced on-premises instance management: an hour of each machine.
ADVANCED_NODE_USD = 0.00695 * HOURS_A_MONTH
# Cloudflare, Workers pricing: the paid plan, once an account. Hyperdrive is in the free plan, too, with 10
# configurations and about 20 connections each; that plan ends at 100,000 requests a day, so the paid one is counted.
WORKERS_PLAN_USD = 5.0
# Cloudflare, plans: Pro, billed by the month, once a zone. The free plan has no standalone health checks (Cloudflare,
# Health Checks). Not seen on a bill.
PRO_PLAN_USD = 25.0
# Cloudflare, Advanced Certificate Manager: by the zone and month.
ADVANCED_CERTIFICATES_USD = 10.0
# AWS, Systems Manager pricing, advanced parameters: each, by the month. Not looked up for Montreal.
ADVANCED_PARAMETER_USD = 0.05


class PriceError(LookupError):
    """Nobody has looked up what it costs."""


def _cost_stays_below_the_ceiling(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    spent: dict[str, float] = {}

    def check(resource: PolicyResource) -> Iterator[str]:
        try:
            spent[resource.urn] = _monthly_usd(resource, args)
        except PriceError as error:
            yield f"Its cost is unknown: {error}."

    yield from each(args.resources, check)
    for worker in of_type(args.resources, *WORKERS)[:1]:
        # The plan is the account's. It stands with a resource, because the ceiling is told by the dearest one's stack.
        spent[worker.urn] = WORKERS_PLAN_USD
    for check_of_zone in of_type(args.resources, tokens.HEALTHCHECK)[:1]:
        # The plan is the zone's; further checks cost nothing more.
        spent[check_of_zone.urn] = PRO_PLAN_USD
    for certificates in of_type(args.resources, tokens.CERTIFICATE_PACK, tokens.TOTAL_TLS)[:1]:
        # The zone's as well.
        spent[certificates.urn] = ADVANCED_CERTIFICATES_USD
    total, dearest = sum(spent.values()), max(spent, key=lambda urn: spent[urn], default="")
    ceiling = CEILINGS_USD["prod" if is_prod(dearest) else "dev"]
    if total > ceiling:
        yield (
            f"This stack costs ${total:,.2f} a month before use, and ${ceiling:,.2f} is allowed; "
            "this resource is the dearest.",
            dearest,
        )


def _monthly_usd(resource: PolicyResource, args: StackValidationArgs) -> float:
    """Raises PriceError, and UnknownValueError where the price depends on what is not known."""
    kind = resource.resource_type
    if kind in COMPUTED:
        return COMPUTED[kind](resource, args)
    usd = of(kind).usd
    if usd is None or usd is Price.COMPUTED:
        raise PriceError(f"{file(kind)} has no price of {kind}: `usd` in its row, 0 where it is free or paid by use")
    return usd


def _instance_usd(instance: PolicyResource, _args: StackValidationArgs) -> float:
    bundle = text(instance.props, "bundleId")
    if bundle not in BUNDLES_USD:
        raise PriceError("its bundle is not in policies/safety/cost.py")
    return BUNDLES_USD[bundle]


def _disk_usd(disk: PolicyResource, _args: StackValidationArgs) -> float:
    return _count(value(disk.props, "sizeInGb")) * DISK_GB_USD


def _address_usd(address: PolicyResource, args: StackValidationArgs) -> float:
    return 0.0 if _is_attached(address, args) else LOOSE_ADDRESS_USD


def _tier_usd(tier: PolicyResource, args: StackValidationArgs) -> float:
    return ADVANCED_NODE_USD * _nodes(args) if text(tier.props, "settingValue") != "standard" else 0.0


def _parameter_usd(parameter: PolicyResource, _args: StackValidationArgs) -> float:
    # One that may become an advanced one counts as such; left out, the account's setting decides.
    return 0.0 if text(parameter.props, "tier") in ("", "standard") else ADVANCED_PARAMETER_USD


def _logpush_usd(job: PolicyResource, _args: StackValidationArgs) -> float:
    # Cloudflare, Workers pricing: of Workers' logs it is in the paid plan and by use, $0.05 a million beyond the first
    # ten. Of a zone's logs nobody has looked it up.
    if text(job.props, "dataset") != "workers_trace_events":
        raise PriceError("only of the dataset workers_trace_events the price of Logpush has been looked up")
    return 0.0


# Functions of the resources, which a row can't name: the table is below the rules.
COMPUTED: dict[str, Callable[[PolicyResource, StackValidationArgs], float]] = {
    tokens.INSTANCE: _instance_usd,
    DISK: _disk_usd,
    tokens.STATIC_IP: _address_usd,
    tokens.NODE_TIER: _tier_usd,
    tokens.PARAMETER: _parameter_usd,
    tokens.LOGPUSH: _logpush_usd,
}
"""Prices of the types whose row says that they are computed."""


def _nodes(args: StackValidationArgs) -> float:
    """Machines that the stack's activations let in; one each, unless they say otherwise."""
    limits = (value(found.props, "registrationLimit") for found in of_type(args.resources, tokens.ACTIVATION))
    return sum(1 if limit is None else _count(limit) for limit in limits)


def _count(number: object) -> float:
    # What is not a number would count as nothing.
    if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
        raise PriceError("how much it is, or how many they are, is not a number")
    return float(number)


def _is_attached(address: PolicyResource, args: StackValidationArgs) -> bool:
    """An attachment whose address is not known yet counts: it is to be made together with it."""
    name = text(address.props, "name")
    for attachment in of_type(args.resources, ADDRESS_ATTACHMENT):
        try:
            if text(attachment.props, "staticIpName") == name:
                return True
        except UnknownValueError:
            return True
    return False


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="cost-stays-below-the-ceiling",
        description="What the stack costs a month before anybody uses it is known, and below the ceiling.",
        reason=(
            "A size too large, or a service that is paid by the hour, is noticed on the next bill, a month late. "
            f"Prices: {SOURCE}."
        ),
        severity=Severity.MEDIUM,
        remediation="Choose a smaller one, or change a price in policies/safety/cost.py and say why.",
        check=_cost_stays_below_the_ceiling,
    ),
)
