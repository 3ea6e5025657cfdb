"""What every rule has: a place where it is gathered, a stack that breaks it, one that keeps it, and words that hold."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from plan.model import Plan
from plan.project import ROOT
from policies.packs import analyzer
from policies.packs.answers import folders
from policies.reports.rules_page import groups
from policies.rules.findings import EXEMPTED, WAITING
from policies.rules.rule import Rule, StackRule, gathered
from tests.policies.compliant import ADDED

TESTS = Path(__file__).resolve().parents[1]
PACKS = [folder.name for folder in folders()]
RULES = {rule.name: rule for rule in gathered(*(f"policies.{pack}" for pack in PACKS))}
# Of types that another rule refuses whatever they say: no stack with one is compliant.
REFUSED = {
    "edge-logs-go-to-canada": "cost-stays-below-the-ceiling",
    "managed-databases-are-private": "cost-stays-below-the-ceiling",
    "users-have-no-password": "access-keys-are-made-elsewhere",
}
END = {"description": r"\.$", "remediation": r"\.$", "reason": r"[.)]$"}
# `data-is-kept`, not `ca-central-1`: a good state has a verb in it.
NAME = re.compile(
    r"(?<![\w./#:-])[a-z0-9]+-(?:[a-z0-9]+-)*(?:are|ends?|goes|holds?|is|names|stays?)(?:-[a-z0-9]+)+(?![\w:-])"
)


def written() -> Iterator[tuple[str, str, str]]:
    """Name, file and line, and pack of every rule that stands in a pack's files."""
    for folder in folders():
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in ("Rule", "StackRule")
                ):
                    (name,) = [one.value for one in node.keywords if one.arg == "name"]
                    assert isinstance(name, ast.Constant), f"{path}:{node.lineno}: the rule's name is no literal"
                    yield str(name.value), f"{path.relative_to(ROOT)}:{node.lineno}", folder.name


def broken() -> Iterator[str]:
    """Names in the cases and adversaries: in tuples and dataclasses that are values of a module's dictionaries."""
    for path in TESTS.rglob("[!_]*.py"):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for cases in [value for value in vars(module).values() if isinstance(value, dict)]:
            # A text alone, or a rule, is no case.
            yield from (
                text for case in cases.values() if not isinstance(case, str | Rule | StackRule) for text in texts(case)
            )


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | set | frozenset):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from texts(getattr(value, field.name))


def test_every_rule_is_gathered() -> None:
    lost = [f"{place}: {name}: put it into the tuple RULES" for name, place, _ in written() if name not in RULES]
    assert lost == [], "a pack has the RULES of each file that lies directly in its folder"


def test_no_two_rules_share_a_name() -> None:
    names = [rule.name for group in groups() for rule in group.rules]
    assert sorted({*names}) == sorted(names)


def test_every_rule_has_a_stack_that_breaks_it() -> None:
    known = {*broken()}
    assert [
        f'{place}: {name}: add to tests/policies/{pack}/adversaries.py: "HOW": Adversary("{name}", CHANGE)'
        for name, place, pack in written()
        if name not in known
    ] == []


def test_every_rule_has_a_stack_that_keeps_it(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    plans = [dev_plan, prod_plan, direct_plan, *(change(dev_plan) for change in ADDED.values())]
    known = {resource.type for plan in plans for resource in plan.resources}
    assert [
        f'{place}: {name}: add to ADDED in tests/policies/compliant.py: "WHAT": plus("{_types(name)[0]}", INPUTS)'
        for name, place, _ in written()
        if name in RULES and _types(name) and known.isdisjoint(_types(name)) and name not in REFUSED
    ] == []


def _types(name: str) -> tuple[str, ...]:
    rule: Rule | StackRule = RULES[name]
    return rule.types if isinstance(rule, Rule) else ()


def test_what_names_a_rule_names_one_that_exists() -> None:
    known = {rule.name for group in groups() for rule in group.rules} | {EXEMPTED, WAITING}
    sources = [*(ROOT / "policies").rglob("*.py"), *(ROOT / "docs" / "runbooks").glob("*.md")]
    assert [
        f"{path.relative_to(ROOT)}:{number}: there is no rule {name}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for name in NAME.findall(line)
        if name not in known
    ] == []


def test_every_rule_explains_itself() -> None:
    faults = []
    for rule in [rule for group in groups() for rule in group.rules]:
        texts = {"description": rule.description, "remediation": rule.remediation, "reason": rule.reason}
        # A reason may end with its source, in brackets.
        faults += [
            f"{rule.name}: {key}: is no sentence" for key, text in texts.items() if not re.search(END[key], text)
        ]
        # It stands within sentences of the page and of a report.
        if isinstance(rule, Rule | StackRule) and not re.fullmatch(r"([a-z].*[^.])?", rule.may_wait):
            faults.append(f"{rule.name}: may_wait: is no clause")
    assert faults == []


def test_the_pack_of_every_rule_has_those_of_all_packs() -> None:
    rules = []
    for folder in folders():
        with analyzer.running(folder) as pack:
            rules += [policy.name for policy in pack.info.policies]
    with analyzer.running(folders()[0].parent) as pack:
        assert sorted(policy.name for policy in pack.info.policies) == sorted(set(rules))
    assert len(rules) > 80
