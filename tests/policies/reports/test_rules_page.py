"""The page of the rules is what the rules say."""

from policies.reports import rules_page

AGAIN = "write it again: python -m policies.reports.rules_page"


def test_the_page_is_made_from_the_rules() -> None:
    assert rules_page.PAGE.read_text() == rules_page.text(), AGAIN


def test_the_page_has_a_section_for_every_rule_where_reports_link_to() -> None:
    rules = [rule for group in rules_page.groups() for rule in group.rules]
    # GitHub makes a heading's anchor of its words, in lower case and with hyphens: a rule's name is its own.
    anchors = [line.removeprefix("### ") for line in rules_page.text().splitlines() if line.startswith("### ")]
    assert anchors == [rule.name for rule in rules]
    assert [rule.page for rule in rules] == [f"docs/policies/README.md#{name}" for name in anchors]
    assert [name for name in anchors if f"| [`{name}`](#{name}) |" not in rules_page.text()] == []


def test_a_section_says_all_of_its_rule() -> None:
    sections = rules_page.text().split("\n### ")[1:]
    for rule, section in zip((rule for group in rules_page.groups() for rule in group.rules), sections, strict=True):
        said = (rule.description, rule.reason, rule.remediation, getattr(rule, "may_wait", ""))
        assert [text for text in (*said, getattr(rule, "passes_unknown", "")) if text not in section] == [], rule.name
