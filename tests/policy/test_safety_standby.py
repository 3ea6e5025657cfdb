"""The rule that keeps the stand-by until its day."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from plan.model import Computed, Plan, Resource
from tests.policy.safety_pack import findings

RULE = "standby-is-kept-until-its-day"


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
        False,
    ]


@pytest.mark.parametrize("day", [None, "until soon", "until 2027-02-30", Computed()])
def test_a_host_says_until_when(day: Any, dev_plan: Plan) -> None:
    assert broken(until(dev_plan, day)) == [True]


def test_dev_may_be_taken_down(dev_plan: Plan) -> None:
    assert broken(open_to_deletion(dev_plan, "site-record")) == [False]
