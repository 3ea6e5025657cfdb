"""What a pack says does not change when it reads each resource once, and what it reads is read once."""

from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy
from pulumi_policy import policy as sdk

from plan.model import Computed, Plan
from policies.packs.analyzer import Requests
from policies.rules import sdk_reading
from policies.rules.rule import Notes, Rule, StackRule, gathered
from tests.policies.changes import broken, having, port_rule, removed

SDK: Any = sdk._PolicyAnalyzerServicer
OURS: Any = sdk_reading._ReadingOnce


def servicer(kind: Any, rules: tuple[Rule | StackRule, ...]) -> Any:
    notes = Notes(())
    policies = [*(rule.policy(notes) for rule in rules), *notes.policies()]
    return kind("trial", "1", policies, EnforcementLevel.MANDATORY)


def said(servicer: Any, plan: Plan) -> list[str]:
    questions = Requests.about(plan)
    answers = [servicer.Analyze(request, None) for request in questions.each]
    answers.append(servicer.AnalyzeStack(questions.together, None))
    return [str(diagnostic) for answer in answers for diagnostic in answer.diagnostics]


def test_a_pack_says_the_same_as_by_the_sdks_own_reading(dev_plan: Plan) -> None:
    plan = broken(removed(dev_plan, "tunnel-application"), "postgres-a-data", having(region="us-east-1"))
    plan = broken(plan, "postgres-a-ports", port_rule(fromPort=Computed(), cidrs=["0.0.0.0/0"]))
    rules = gathered("policies.residency", "policies.safety")
    own = said(servicer(OURS, rules), plan)
    assert own == said(servicer(SDK, rules), plan)
    assert len(own) > 2


def test_a_resource_is_read_once_for_all_rules(dev_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    proxy = vars(sdk)["unknown_checking_proxy"]

    def counted(props: Any) -> Any:
        read.append(props)
        return proxy(props)

    monkeypatch.setitem(vars(sdk), "unknown_checking_proxy", counted)
    request = next(found for found in Requests.about(dev_plan).each if found.type.startswith("random:"))
    servicer(OURS, gathered("policies.residency")).Analyze(request, None)
    assert len(read) == 1


def test_an_unknown_value_that_escapes_ends_the_run(dev_plan: Plan) -> None:
    def check(args: Any, _: Any) -> None:
        assert args.props["bucket"]

    pack = OURS("trial", "1", [ResourceValidationPolicy("r", "d", check)], EnforcementLevel.MANDATORY)
    plan = broken(dev_plan, "backups-bucket", having(bucket=Computed()))
    request = next(found for found in Requests.about(plan).each if found.name == "backups-bucket")
    with pytest.raises(RuntimeError, match="escape"):
        pack.Analyze(request, None)
