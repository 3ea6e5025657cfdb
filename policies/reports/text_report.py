"""For a terminal: one line a stack, and two a finding. Of what waits only the number; the other formats list it."""

from collections.abc import Iterator

from policies.findings import Exempted, Finding, Origin, Outcome, Verdict
from policies.gate_rules import REPOSITORY_RULE


def written(outcome: Outcome) -> str:
    """Everything of a run."""
    lines = [line for verdict in outcome.verdicts for line in of_stack(verdict)]
    lines += _of_repository(outcome)
    of_repository = _found_there(outcome)
    others = [finding for finding in outcome.elsewhere if finding not in of_repository]
    if others:
        lines.append(f"outside the stacks: {violations(len(others))}")
        lines += [line for finding in others for line in _of_finding(finding)]
    lines += exemptions(outcome)
    return "\n".join(_printable(line) for line in lines)


def of_stack(verdict: Verdict) -> Iterator[str]:
    """The lines of one stack."""
    result = violations(len(verdict.findings)) if verdict.findings else "passed"
    origin = "" if verdict.origin is Origin.RECORDED else f"{verdict.origin}, "
    waiting = f", {waits(len(verdict.waiting))}" if verdict.waiting else ""
    yield f"{verdict.stack}: {result} ({origin}{verdict.rules} rules, {verdict.resources} resources{waiting})"
    for finding in verdict.findings:
        yield from _of_finding(finding)
    for exempted in verdict.exempted:
        yield _of_exempted(exempted)


def repository(outcome: Outcome) -> str:
    """One line; empty where the repository was not searched."""
    if outcome.searched is None:
        return ""
    found = _found_there(outcome)
    numbers = (
        (outcome.searched.files, "file"),
        (outcome.searched.commits, "commit"),
        (len(outcome.known_lines), "known line"),
    )
    parts = ", ".join(f"{number} {what}{'s' if number != 1 else ''}" for number, what in numbers)
    return f"repository: {violations(len(found)) if found else 'passed'} ({parts})"


def _of_repository(outcome: Outcome) -> Iterator[str]:
    if outcome.searched is None:
        return
    yield repository(outcome)
    found = _found_there(outcome)
    for finding in found:
        yield from _of_finding(finding)
    # Each is of use only to whoever has to mend the list.
    if found and outcome.known_lines:
        yield "  let pass by policies/known_lines.yaml:"
        yield from (f"    {one}" for one in outcome.known_lines)


def _found_there(outcome: Outcome) -> list[Finding]:
    return [finding for finding in outcome.elsewhere if outcome.searched and finding.rule == REPOSITORY_RULE]


def exemptions(outcome: Outcome) -> Iterator[str]:
    """A line each."""
    for one in outcome.exemptions:
        yield f"exemption of {one.rule} for {one.resource}: {one.words}{outcome.note(one)}"


def violations(number: int) -> str:
    return f"{number} violation{'s' if number != 1 else ''}"


def waits(number: int) -> str:
    return f"{number} check{'s wait' if number != 1 else ' waits'} for the deployment"


def _of_finding(finding: Finding) -> Iterator[str]:
    state = "can't be checked" if finding.is_unchecked else finding.severity
    yield f"  {finding.pack}/{finding.rule} [{state}] {finding.subject}  {finding.place}".rstrip()
    yield f"    {finding.message}"


def _of_exempted(exempted: Exempted) -> str:
    # On whose word stands with the exemption, which may be for several resources.
    finding = exempted.finding
    return f"  {finding.pack}/{finding.rule} [exempted] {finding.subject}  {finding.place}".rstrip()


def _printable(line: str) -> str:
    # A name may hold anything, such as what moves a terminal's cursor.
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
