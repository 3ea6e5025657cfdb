"""The rule about what the stack costs, and its table of prices."""

from dataclasses import replace

import pytest

from components.resource_types import tokens
from components.settings.lightsail_bundles import BUNDLES
from plan.model import Computed, Plan
from policies.safety import cost
from tests.policies.changes import Change, added, both, having, minus, on, plus, without
from tests.policies.safety.cases import Case, expected, findings, judged

HOST, DISK = "postgres-a-instance", "postgres-a-data"
COST = {"cost-stays-below-the-ceiling"}


def tier(limit: object) -> Change:
    """The tier paid by the hour, for the machines of one more activation."""
    return both(
        plus("aws:ssm/serviceSetting:ServiceSetting", "tier", settingValue="advanced", settingId="tier"),
        plus(tokens.ACTIVATION, "more", iamRole="r", registrationLimit=limit),
    )


CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "a larger host": (on(HOST, having(bundleId="large_3_0")), set()),
    "far too large a host": (on(HOST, having(bundleId="4xlarge_3_0")), COST),
    "a host of unknown price": (on(HOST, having(bundleId="gpu_nano_9_9")), COST),
    "a host without a size": (on(HOST, without("bundleId")), COST),
    "a host of unknown size": (on(HOST, having(bundleId=Computed())), COST),
    "far too large a disk": (on(DISK, having(sizeInGb=16384)), COST),
    "a disk of text": (on(DISK, having(sizeInGb="64")), COST),
    "a disk of less than nothing": (on(DISK, having(sizeInGb=-16384)), COST),
    "a disk of unknown size": (on(DISK, having(sizeInGb=Computed())), COST),
    "a loose address": (minus("postgres-a-address-attachment"), set()),
    "a database that nobody priced": (plus("aws:rds/instance:Instance", instanceClass="db.m5.large"), COST),
    "a service by the hour": (plus("aws:lightsail/containerService:ContainerService", power="xlarge"), COST),
    "one more bucket list": (plus("aws:s3/bucketLogging:BucketLogging", bucket="b"), set()),
    "a load balancer": (plus("cloudflare:index/loadBalancer:LoadBalancer", name="lb.example.com"), set()),
    "Workers' logs pushed": (plus(tokens.LOGPUSH, dataset="workers_trace_events"), set()),
    "a zone's logs pushed": (plus(tokens.LOGPUSH, dataset="http_requests"), COST),
    "nobody knows which logs pushed": (plus(tokens.LOGPUSH, dataset=Computed()), COST),
    "the tier by the hour, for one machine more": (tier(1), set()),
    "the tier by the hour, for a hundred machines more": (tier(100), COST),
    "the tier by the hour, for machines of text": (tier("1"), COST),
    "the tier by the hour": (
        plus("aws:ssm/serviceSetting:ServiceSetting", settingValue="advanced", settingId="tier"),
        set(),
    ),
}


def parameters(number: int) -> Change:
    """So many of the dearer tier."""

    def change(plan: Plan) -> Plan:
        for index in range(number):
            plan = added(plan, tokens.PARAMETER, f"more-{index}", name=f"/a/{index}", type="String", tier="Advanced")
        return plan

    return change


def many(plan: Plan, number: int) -> Plan:
    """So many disks of $20."""
    for index in range(number):
        plan = added(plan, "aws:lightsail/disk:Disk", f"disk-{index}", sizeInGb=200)
    return plan


def test_a_stack_that_costs_too_much_is_refused(dev_plan: Plan) -> None:
    assert judged(dev_plan, CASES) == expected(CASES)


def test_the_ceiling_is_of_the_whole_stack(dev_plan: Plan, prod_plan: Plan) -> None:
    (within, above, twice) = findings([many(dev_plan, 1), many(dev_plan, 2), many(prod_plan, 2)])
    assert within == ()
    assert [one.rule for one in above] == [*COST]
    assert "and $60.00 is allowed" in above[0].message
    # Production may cost more; there the disks lack protection, too.
    assert COST.isdisjoint(one.rule for one in twice)


def test_what_is_paid_by_the_month_and_looks_free_is_counted(dev_plan: Plan) -> None:
    checks = [plus(tokens.HEALTHCHECK, f"h{index}", name="h", address="app-dev.automatonicai.com") for index in (1, 2)]
    disk = plus("aws:lightsail/disk:Disk", "d", sizeInGb=100)
    (few, many_more, two, dear) = findings(
        [parameters(10)(dev_plan), parameters(900)(dev_plan), both(*checks)(dev_plan), both(*checks, disk)(dev_plan)]
    )
    assert (few, two) == ((), ())
    assert [one.rule for one in many_more] == [one.rule for one in dear] == [*COST]


def test_a_stack_whose_dearest_is_the_workers_plan_keeps_its_own_ceiling(dev_plan: Plan, prod_plan: Plan) -> None:
    def small(plan: Plan) -> Plan:
        """Workers for $5, and dashboards for $60."""
        kept = tuple(one for one in plan.resources if one.type in (*cost.WORKERS, "pulumi:providers:aws"))
        plan = replace(plan, resources=kept)
        for index in range(20):
            plan = added(plan, "aws:cloudwatch/dashboard:Dashboard", f"d-{index}", dashboardBody="{}")
        return plan

    dev, prod = ([one for one in found if one.rule in COST] for found in findings([small(dev_plan), small(prod_plan)]))
    (above,) = dev
    assert "costs $65.00 a month before use, and $60.00 is allowed" in above.message
    assert above.urn in {one.urn for one in dev_plan.resources if one.type in cost.WORKERS}
    assert prod == []


def test_a_type_without_a_price_is_named_with_the_file_to_write_it_in(dev_plan: Plan) -> None:
    ((found,),) = findings([CASES["a service by the hour"][0](dev_plan)])
    assert "aws.py has no price of aws:lightsail/containerService:ContainerService: `usd` in its row" in found.message


def test_every_bundle_that_may_be_chosen_has_a_price() -> None:
    assert set(BUNDLES) <= set(cost.BUNDLES_USD)


@pytest.mark.parametrize("size", [True, None, "64", 0, -1])
def test_a_size_that_is_no_number_has_no_price(size: object) -> None:
    with pytest.raises(cost.PriceError):
        cost._count(size)
