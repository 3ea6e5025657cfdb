"""Markdown, for the summary of a workflow's run and for a comment."""

from collections.abc import Iterator, Sequence

from policies.findings import Exempted, Finding, Outcome, Verdict
from policies.reports.text_report import repository, violations


def written(outcome: Outcome) -> str:
    """A table of the stacks, then what is wrong, then what is let pass."""
    lines = [
        f"## Policy gate: {violations(len(outcome.findings)) if outcome.findings else 'passed'}",
        "",
        "| Stack | From | Result | Rules | Resources | Exempted | Waiting |",
        "|---|---|---|--:|--:|--:|--:|",
        *(_row(verdict) for verdict in outcome.verdicts),
    ]
    if outcome.searched:
        lines += ["", repository(outcome).capitalize()]
    for verdict in outcome.verdicts:
        if verdict.findings:
            lines += ["", f"### {verdict.stack}", "", *_table(verdict.findings)]
    if outcome.elsewhere:
        lines += ["", "### Outside the stacks", "", *_table(outcome.elsewhere)]
    lines += _folded("Exemptions", list(_exemptions(outcome)))
    lines += _folded("Known lines let pass", [f"* {_cell(one)}" for one in outcome.known_lines])
    waiting = [finding for verdict in outcome.verdicts for finding in verdict.waiting]
    lines += _folded(
        "Waits for the deployment", [f"* {_cell(f.stack)}: {_cell(f.subject)}: {_cell(f.message)}" for f in waiting]
    )
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    result = f"**{violations(len(verdict.findings))}**" if verdict.findings else "passed"
    numbers = (verdict.rules, verdict.resources, len(verdict.exempted), len(verdict.waiting))
    return f"| {_cell(verdict.stack)} | {verdict.origin} | {result} | {' | '.join(map(str, numbers))} |"


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    yield "| Severity | Rule | Resource | Declared | What is wrong |"
    yield "|---|---|---|---|---|"
    for finding in findings:
        severity = f"{finding.severity}, can't be checked" if finding.is_unchecked else finding.severity
        cells = (severity, f"`{finding.rule}`", finding.subject, finding.place, finding.message)
        yield f"| {' | '.join(_cell(text) for text in cells)} |"


def _exemptions(outcome: Outcome) -> Iterator[str]:
    used = [exempted for verdict in outcome.verdicts for exempted in verdict.exempted]
    for one in outcome.exemptions:
        resources = ", ".join(_name(found) for found in used if found.exemption == one) or "no resource here"
        yield f"* `{one.rule}` for {_cell(resources)}: {_cell(one.words + outcome.note(one))}"


def _name(exempted: Exempted) -> str:
    return f"{exempted.finding.stack}: {exempted.finding.subject}"


def _folded(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    return ["", f"<details><summary>{title}: {len(items)}</summary>", "", *items, "", "</details>"]


def _cell(text: str) -> str:
    """Text that can't end its cell, or begin markup."""
    # A name is somebody's writing and may hold anything.
    for mark, written_as in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        text = text.replace(mark, written_as)
    return " ".join(text.split())
