"""For a terminal: one line a stack, and two a finding. Of what waits only the number; the other formats list it."""

from collections.abc import Iterator

from policies.findings import Exempted, Finding, Origin, Outcome, Verdict


def written(outcome: Outcome) -> str:
    """Everything of a run."""
    lines = [line for verdict in outcome.verdicts for line in of_stack(verdict)]
    if outcome.elsewhere:
        lines.append(f"outside the stacks: {violations(len(outcome.elsewhere))}")
        lines += [line for finding in outcome.elsewhere for line in _of_finding(finding)]
    lines += exemptions(outcome)
    if outcome.known_lines:
        number = len(outcome.known_lines)
        lines.append(f"{number} line{'s' if number != 1 else ''} let pass by policies/known_lines.yaml")
        lines += [f"  {one}" for one in outcome.known_lines]
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
