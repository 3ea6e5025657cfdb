"""The gate itself: it closes when a pack can't do its work."""

from pathlib import Path

import pytest

from plan.model import Plan
from policies import analyzer, sensitive
from policies.errors import GateError
from policies.gate import judge
from policies.residency.rules import RULES as RESIDENCY
from policies.secrets.rules import RULES as SECRETS

NAMES = [*(rule.name for rule in (*RESIDENCY, *SECRETS)), *sensitive.RULES]


def test_dev_and_prod_pass(dev_plan: Plan, prod_plan: Plan) -> None:
    verdicts = judge([dev_plan, prod_plan])
    assert [verdict.findings for verdict in verdicts] == [(), ()]
    assert all(verdict.rules == len(NAMES) for verdict in verdicts)


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
    assert [folder.name for folder in analyzer.folders()] == ["residency", "secrets"]


def test_every_rule_is_documented() -> None:
    document = (Path(__file__).resolve().parents[2] / "docs/policies.md").read_text()
    assert [name for name in NAMES if f"| `{name}` |" not in document] == []
    assert document.count("\n| `") == len(NAMES)


def test_the_documented_severities_are_true() -> None:
    document = (Path(__file__).resolve().parents[2] / "docs/policies.md").read_text()
    rows = {row.split("|")[1].strip(" `"): row.split("|")[3].strip() for row in document.splitlines() if "| `" in row}
    assert {rule.name: rule.severity.value for rule in (*RESIDENCY, *SECRETS)}.items() <= rows.items()


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
