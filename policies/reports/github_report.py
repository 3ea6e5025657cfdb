"""Annotations of a pull request: workflow commands on standard output (GitHub, Workflow commands)."""

from collections.abc import Iterator

from policies.findings import Finding, Outcome
from policies.reports.text_report import exemptions, repository, violations, waits

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}


def written(outcome: Outcome) -> str:
    """One command a finding and exemption, and one for all checks of a stack that wait."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    for finding in outcome.findings:
        level = _LEVELS.get(finding.severity, "error")
        yield _command(level, f"{finding.rule}: {finding.subject}", finding.message, finding)
    for verdict in outcome.verdicts:
        for exempted in verdict.exempted:
            # On whose word stands below, once for all that it exempts.
            words = f"{exempted.finding.subject}: exempted until {exempted.exemption.expires.isoformat()}"
            yield _command("notice", f"{exempted.finding.rule}: exempted", words, exempted.finding)
        if verdict.waiting:
            # One, because there are some on every change; the summary lists them.
            names = ", ".join(
                sorted({f"{found.subject} ({found.message.partition(':')[0]})" for found in verdict.waiting})
            )
            words = f"{verdict.stack}: {waits(len(verdict.waiting))}: {names}"
            yield f"::notice title={_property('waits for the deployment')}::{_data(words)}"
    yield from exemptions(outcome)
    yield from (f"known line {one}" for one in outcome.known_lines)
    for verdict in outcome.verdicts:
        yield f"{verdict.stack}: {violations(len(verdict.findings)) if verdict.findings else 'passed'}"
    if outcome.searched:
        yield repository(outcome)


def _command(level: str, title: str, message: str, finding: Finding) -> str:
    path, _, line = finding.place.rpartition(":")
    place = f"file={_property(path)},line={line}," if path else ""
    words = f"{finding.stack}: {message}" if finding.stack else message
    return f"::{level} {place}title={_property(title)}::{_data(words)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
