"""The rules' pages are what the rules say."""

import re
from pathlib import Path

import pytest

from policies import pages
from policies.gate_rules import GateRule
from policies.rule import Rule, StackRule

RULES = [rule for group in pages.groups() for rule in group.rules]
AGAIN = "write them anew: python -m policies.pages"


def test_the_pages_are_made_from_the_rules() -> None:
    written = {path.name: path.read_text() for path in pages.FOLDER.glob("*.md")}
    expected = pages.pages()
    assert sorted(written) == sorted(expected), AGAIN
    assert [name for name, text in expected.items() if written[name] != text] == [], AGAIN


def test_every_rule_is_in_the_index() -> None:
    index = pages.pages()[pages.INDEX]
    assert [rule.name for rule in RULES if f"[`{rule.name}`]({rule.name}.md)" not in index] == []
    assert index.count("\n| [`") == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_explains_itself(rule: Rule | StackRule | GateRule) -> None:
    assert rule.description.endswith(".")
    assert rule.remediation.endswith(".")
    assert rule.reason.endswith((".", ")"))
    # It stands within sentences of a page and of a report.
    assert isinstance(rule, GateRule) or re.fullmatch(r"([a-z].*[^.])?", rule.may_wait)
    assert rule.page == f"docs/policies/{rule.name}.md"


def test_writing_leaves_nothing_of_a_rule_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "gone.md").write_text("x")
    pages.write(folder)
    assert {path.name for path in folder.iterdir()} == set(pages.pages())
