"""What the declared stack costs a month, whether it is used or not."""

from collections.abc import Callable, Iterator

from pulumi_policy import PolicyResource, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.resource_types.row import Price
from components.resource_types.table import file, of
from policies.rules.reading import each, is_prod, of_type, text, value
from policies.rules.rule import Rule, StackRule
from policies.safety import prices

INSTANCE = "aws:lightsail/instance:Instance"
DISK = "aws:lightsail/disk:Disk"
ADDRESS = "aws:lightsail/staticIp:StaticIp"
ADDRESS_ATTACHMENT = "aws:lightsail/staticIpAttachment:StaticIpAttachment"
NODE_TIER = "aws:ssm/serviceSetting:ServiceSetting"
ACTIVATION = "aws:ssm/activation:Activation"
PARAMETER = "aws:ssm/parameter:Parameter"
HEALTHCHECK = "cloudflare:index/healthcheck:Healthcheck"
WORKERS = ("cloudflare:index/worker:Worker", "cloudflare:index/workersScript:WorkersScript")


class PriceError(LookupError):
    """Nobody has looked up what it costs."""


def _cost_stays_below_the_ceiling(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    spent: dict[str, float] = {}

    def check(resource: PolicyResource) -> Iterator[str]:
        try:
            spent[resource.urn] = _monthly_usd(resource, args)
        except PriceError as error:
            yield f"This costs nobody knows what: {error}."

    yield from each(args.resources, check)
    for worker in of_type(args.resources, *WORKERS)[:1]:
        # The plan is the account's. It stands with a resource, because the ceiling is told by the dearest one's stack.
        spent[worker.urn] = prices.WORKERS_PLAN_USD
    for check_of_zone in of_type(args.resources, HEALTHCHECK)[:1]:
        # The plan is the zone's; further checks cost nothing more.
        spent[check_of_zone.urn] = prices.PRO_PLAN_USD
    total, dearest = sum(spent.values()), max(spent, key=lambda urn: spent[urn], default="")
    ceiling = prices.CEILINGS_USD["prod" if is_prod(dearest) else "dev"]
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
    if bundle not in prices.BUNDLES_USD:
        raise PriceError("its bundle is not in policies/safety/prices.py")
    return prices.BUNDLES_USD[bundle]


def _disk_usd(disk: PolicyResource, _args: StackValidationArgs) -> float:
    return _count(value(disk.props, "sizeInGb")) * prices.DISK_GB_USD


def _address_usd(address: PolicyResource, args: StackValidationArgs) -> float:
    return 0.0 if _is_attached(address, args) else prices.LOOSE_ADDRESS_USD


def _tier_usd(tier: PolicyResource, args: StackValidationArgs) -> float:
    return prices.ADVANCED_NODE_USD * _nodes(args) if text(tier.props, "settingValue") != "standard" else 0.0


def _parameter_usd(parameter: PolicyResource, _args: StackValidationArgs) -> float:
    # One that may become an advanced one counts as such; left out, the account's setting decides.
    return 0.0 if text(parameter.props, "tier") in ("", "standard") else prices.ADVANCED_PARAMETER_USD


COMPUTED: dict[str, Callable[[PolicyResource, StackValidationArgs], float]] = {
    INSTANCE: _instance_usd,
    DISK: _disk_usd,
    ADDRESS: _address_usd,
    NODE_TIER: _tier_usd,
    PARAMETER: _parameter_usd,
}
"""Prices of the types whose row says that they are computed."""


def _nodes(args: StackValidationArgs) -> float:
    """Machines that the stack's activations let in; one each, unless they say otherwise."""
    limits = (value(found.props, "registrationLimit") for found in of_type(args.resources, ACTIVATION))
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
            f"Prices: {prices.SOURCE}."
        ),
        severity=Severity.MEDIUM,
        remediation="Choose a smaller one, or change prices.py and say why.",
        check=_cost_stays_below_the_ceiling,
    ),
)
