"""The outcome for people: a terminal, the summary of a workflow's run, annotations of a pull request."""

from collections.abc import Iterator, Sequence

from policies.gate.rules import REPOSITORY_RULE
from policies.rules.findings import Exempted, Finding, Origin, Outcome, Verdict

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}


def as_text(outcome: Outcome) -> str:
    """One line a stack, and two a finding. Of what waits only the number; the other formats list it."""
    lines = [line for verdict in outcome.verdicts for line in _of_stack(verdict)]
    lines += _of_repository(outcome)
    of_repository = _found_there(outcome)
    others = [finding for finding in outcome.elsewhere if finding not in of_repository]
    if others:
        lines.append(f"outside the stacks: {_violations(len(others))}")
        lines += [line for finding in others for line in _of_finding(finding)]
    lines += _exemption_lines(outcome)
    return "\n".join(_printable(line) for line in lines)


def _of_stack(verdict: Verdict) -> Iterator[str]:
    """The lines of one stack."""
    result = _violations(len(verdict.findings)) if verdict.findings else "passed"
    origin = "" if verdict.origin is Origin.RECORDED else f"{verdict.origin}, "
    waiting = f", {_waits(len(verdict.waiting))}" if verdict.waiting else ""
    yield f"{verdict.stack}: {result} ({origin}{verdict.rules} rules, {verdict.resources} resources{waiting})"
    for finding in verdict.findings:
        yield from _of_finding(finding)
    for exempted in verdict.exempted:
        yield _of_exempted(exempted)


def _repository_line(outcome: Outcome) -> str:
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
    return f"repository: {_violations(len(found)) if found else 'passed'} ({parts})"


def _of_repository(outcome: Outcome) -> Iterator[str]:
    if outcome.searched is None:
        return
    yield _repository_line(outcome)
    found = _found_there(outcome)
    for finding in found:
        yield from _of_finding(finding)


def _found_there(outcome: Outcome) -> list[Finding]:
    return [finding for finding in outcome.elsewhere if outcome.searched and finding.rule == REPOSITORY_RULE]


def _exemption_lines(outcome: Outcome) -> Iterator[str]:
    """A line each."""
    for one in outcome.exemptions:
        yield f"exemption of {one.rule} for {one.resource}: {one.summary}{outcome.note(one)}"


def _violations(number: int) -> str:
    return f"{number} violation{'s' if number != 1 else ''}"


def _waits(number: int) -> str:
    return f"{number} check{'s wait' if number != 1 else ' waits'} for the deployment"


def _of_finding(finding: Finding) -> Iterator[str]:
    state = "can't be checked" if finding.is_unchecked else finding.severity
    yield f"  {finding.pack}/{finding.rule} [{state}] {finding.titled}  {finding.place}".rstrip()
    yield f"    {finding.message}"


def _of_exempted(exempted: Exempted) -> str:
    # The owner is named with the exemption, which may be for several resources.
    finding = exempted.finding
    return f"  {finding.pack}/{finding.rule} [exempted] {finding.titled}  {finding.place}".rstrip()


def _printable(line: str) -> str:
    # A name may hold anything, such as what moves a terminal's cursor.
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def as_markdown(outcome: Outcome) -> str:
    """A report for a summary or a comment: a table of the stacks, then what is wrong, then what is let pass."""
    lines = [
        f"## Policy gate: {_violations(len(outcome.findings)) if outcome.findings else 'passed'}",
        "",
        "| Stack | From | Result | Rules | Resources | Exempted | Waiting |",
        "|---|---|---|--:|--:|--:|--:|",
        *(_row(verdict) for verdict in outcome.verdicts),
    ]
    if outcome.searched:
        lines += ["", _repository_line(outcome).capitalize()]
    for verdict in outcome.verdicts:
        if verdict.findings:
            lines += ["", f"### {verdict.stack}", "", *_table(verdict.findings)]
    if outcome.elsewhere:
        lines += ["", "### Outside the stacks", "", *_table(outcome.elsewhere)]
    lines += _folded("Exemptions", list(_exemption_items(outcome)))
    lines += _folded("Known lines let pass", [f"* {_cell(one)}" for one in outcome.known_lines])
    waiting = [finding for verdict in outcome.verdicts for finding in verdict.waiting]
    lines += _folded(
        "Waits for the deployment", [f"* {_cell(f.stack)}: {_cell(f.subject)}: {_cell(f.message)}" for f in waiting]
    )
    return "\n".join(lines)


def _row(verdict: Verdict) -> str:
    result = f"**{_violations(len(verdict.findings))}**" if verdict.findings else "passed"
    numbers = (verdict.rules, verdict.resources, len(verdict.exempted), len(verdict.waiting))
    return f"| {_cell(verdict.stack)} | {verdict.origin} | {result} | {' | '.join(map(str, numbers))} |"


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    yield "| Severity | Rule | Resource | Declared | What is wrong |"
    yield "|---|---|---|---|---|"
    for finding in findings:
        severity = f"{finding.severity}, can't be checked" if finding.is_unchecked else finding.severity
        cells = (severity, f"`{finding.rule}`", finding.titled, finding.place, finding.message)
        yield f"| {' | '.join(_cell(text) for text in cells)} |"


def _exemption_items(outcome: Outcome) -> Iterator[str]:
    used = [exempted for verdict in outcome.verdicts for exempted in verdict.exempted]
    for one in outcome.exemptions:
        resources = ", ".join(_name(found) for found in used if found.exemption == one) or "no resource here"
        yield f"* `{one.rule}` for {_cell(resources)}: {_cell(one.summary + outcome.note(one))}"


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


def as_github(outcome: Outcome) -> str:
    """Workflow commands (GitHub, Workflow commands): one a finding and exemption, one for all checks that wait."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    for finding in outcome.findings:
        level = _LEVELS.get(finding.severity, "error")
        yield _command(level, f"{finding.rule}: {finding.titled}", finding.message, finding)
    for verdict in outcome.verdicts:
        for exempted in verdict.exempted:
            # The owner is named below, once for all that it exempts.
            message = f"{exempted.finding.subject}: exempted until {exempted.exemption.expires.isoformat()}"
            yield _command("notice", f"{exempted.finding.rule}: exempted", message, exempted.finding)
        if verdict.waiting:
            # One, because there are some on every change; the summary lists them.
            names = ", ".join(
                sorted({f"{found.subject} ({found.message.partition(':')[0]})" for found in verdict.waiting})
            )
            message = f"{verdict.stack}: {_waits(len(verdict.waiting))}: {names}"
            yield f"::notice title={_property('waits for the deployment')}::{_data(message)}"
    yield from _exemption_lines(outcome)
    for verdict in outcome.verdicts:
        yield f"{verdict.stack}: {_violations(len(verdict.findings)) if verdict.findings else 'passed'}"
    if outcome.searched:
        yield _repository_line(outcome)


def _command(level: str, title: str, message: str, finding: Finding) -> str:
    path, _, line = finding.place.rpartition(":")
    place = f"file={_property(path)},line={line}," if path else ""
    where = f"{finding.stack}: " if finding.stack else ""
    return f"::{level} {place}title={_property(title)}::{_data(where + message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
