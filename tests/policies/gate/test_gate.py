"""The gate itself: it closes when a pack can't do its work."""

from pathlib import Path

import pytest

from plan.model import Plan
from policies.errors import GateError
from policies.gate.gate import assess, judge
from policies.packs.answers import folders
from policies.reports.rules_page import groups
from policies.rules.findings import EXEMPTED, WAITING, Subject
from tests.policies import running

NAMES = [rule.name for group in groups() for rule in group.rules]


def test_dev_and_prod_pass(dev_plan: Plan, prod_plan: Plan) -> None:
    outcome = assess([Subject(plan=dev_plan), Subject(plan=prod_plan)])
    assert [verdict.findings for verdict in outcome.verdicts] == [(), ()]
    assert outcome.is_passed
    # Neither piece of advice is a rule.
    assert [verdict.rules for verdict in outcome.verdicts] == [len(NAMES)] * 2
    assert sorted(rule.name for rule in outcome.rules) == sorted(NAMES)
    assert {EXEMPTED, WAITING}.isdisjoint(NAMES)


def test_every_rule_has_a_name_of_its_own() -> None:
    assert len({*NAMES}) == len(NAMES)


def test_what_waits_says_why_and_is_no_violation(dev_plan: Plan) -> None:
    (verdict,) = running.judge([dev_plan])
    assert verdict.waiting
    for finding in verdict.waiting:
        name, _, reason = finding.message.partition(": ")
        assert name in NAMES
        assert " is not known yet: " in reason


def pack(folder: Path, source: str) -> Path:
    folder.mkdir()
    (folder / "__main__.py").write_text(source)
    return folder


def test_a_pack_that_does_not_start_closes_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    with pytest.raises(GateError, match="policy pack bad: did not start: RuntimeError: no"):
        judge([dev_plan], [pack(tmp_path / "bad", "raise RuntimeError('no')")])


def test_a_rule_that_fails_closes_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    source = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
def check(args, report):
    raise KeyError("oops")
PolicyPack("failing", [ResourceValidationPolicy("r", "d", check)], enforcement_level=EnforcementLevel.MANDATORY)
"""
    with pytest.raises(GateError, match=r"policy pack failing: failed: .*oops"):
        judge([dev_plan], [pack(tmp_path / "failing", source)])


def test_the_packs_are_found() -> None:
    assert [folder.name for folder in folders()] == ["residency", "safety", "secrets"]


UNKNOWING = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
def check(args, report):
    args.props["userData"] == "x"
PolicyPack("unknowing", [ResourceValidationPolicy("r", "d", check)], enforcement_level=EnforcementLevel.MANDATORY)
"""


def test_a_rule_that_the_sdk_turns_into_advice_closes_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    plan = Plan(project="p", stack="dev", resources=tuple(dev_plan.of_type("aws:lightsail/instance:Instance")))
    (verdict,) = judge([plan], [pack(tmp_path / "unknowing", UNKNOWING)])
    assert [(found.rule, found.is_unchecked) for found in verdict.findings if found.pack == "unknowing"] == [
        ("r", True)
    ]


EXEMPTING = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
import os
def check(args, report):
    if not os.environ.get("HYBRID_EXEMPTIONS_LEFT_TO_THE_GATE"):
        report("the pack would let something pass by itself")
PolicyPack("exempting", [ResourceValidationPolicy("r", "d", check)], enforcement_level=EnforcementLevel.MANDATORY)
"""


def test_packs_leave_exemptions_to_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    (verdict,) = judge([dev_plan], [pack(tmp_path / "exempting", EXEMPTING)])
    assert verdict.findings == ()


WAITING_IN_ANY_ORDER = """
from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy
def wait(args, report):
    for resource in reversed(args.resources):
        report("r: x is not known yet: it may wait", resource.urn)
def check(args, report):
    pass
PolicyPack("waiting", [
    StackValidationPolicy("r", "d", check),
    StackValidationPolicy("waiting-checks-are-listed", "d", wait, EnforcementLevel.ADVISORY),
], enforcement_level=EnforcementLevel.MANDATORY)
"""


def test_what_waits_is_listed_in_the_same_order_each_time(tmp_path: Path, dev_plan: Plan) -> None:
    (verdict,) = judge([dev_plan], [pack(tmp_path / "waiting", WAITING_IN_ANY_ORDER)])
    urns = [finding.urn for finding in verdict.waiting if finding.pack == "waiting"]
    assert sorted(urns) == sorted(dev_plan.by_urn)
    assert urns == [found.urn for found in sorted(verdict.waiting, key=lambda found: found.turn) if found.urn in urns]
    assert [found.turn for found in verdict.findings] == sorted(found.turn for found in verdict.findings)


def test_no_packs_close_the_gate(dev_plan: Plan) -> None:
    with pytest.raises(GateError, match="there are none"):
        judge([dev_plan], [])


def test_a_pack_without_rules_closes_the_gate(tmp_path: Path, dev_plan: Plan) -> None:
    # The SDK refuses an empty list, but a pack may get past that.
    source = """
from pulumi_policy import PolicyPack
class Rules(list):
    def __bool__(self):
        return True
PolicyPack("empty", Rules())
"""
    with pytest.raises(GateError, match="policy pack empty: has no rules"):
        judge([dev_plan], [pack(tmp_path / "empty", source)])


TALKATIVE = """
import sys
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
def check(args, report):
    sys.stderr.write("x" * 100_000)
    sys.stdout.write("x" * 100_000)
sys.stderr.write("x" * 1_000_000)
PolicyPack("talkative", [ResourceValidationPolicy("r", "d", check)], enforcement_level=EnforcementLevel.MANDATORY)
"""


def test_a_pack_that_says_much_does_not_stand_still(tmp_path: Path, dev_plan: Plan) -> None:
    (verdict,) = judge([dev_plan], [pack(tmp_path / "talkative", TALKATIVE)])
    assert verdict.findings == ()


def test_a_failing_pack_that_says_much_is_quoted_by_its_last_line(tmp_path: Path, dev_plan: Plan) -> None:
    source = "import sys\nsys.stderr.write('x' * 1_000_000 + '\\n')\nraise RuntimeError('no')"
    with pytest.raises(GateError, match=r"did not start: RuntimeError: no$"):
        judge([dev_plan], [pack(tmp_path / "bad", source)])
