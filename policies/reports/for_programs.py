"""The outcome for programs: JSON, JUnit's XML, SARIF."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from policies.exemptions.exemption import Exemption
from policies.rules.findings import Finding, JudgedRule, Origin, Outcome, Verdict

# XML 1.0 can't represent these.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELSEWHERE = "outside the stacks"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
PROGRAM = "__main__.py"
"""What declares the stack itself, and whatever no line is known of."""
# Where the rules' pages can be read.
PAGES = "https://github.com/automatonicai/hybrid/blob/main/"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# GitHub sorts security findings by this number (GitHub, SARIF support for code scanning).
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}


def as_json(outcome: Outcome) -> str:
    """One object; `passed` is the whole answer, `searched` is files and commits, or null."""
    document = {
        "passed": outcome.is_passed,
        "stacks": [dataclasses.asdict(verdict) for verdict in outcome.verdicts],
        "elsewhere": [dataclasses.asdict(finding) for finding in outcome.elsewhere],
        "searched": dataclasses.asdict(outcome.searched) if outcome.searched else None,
        "known_lines": list(outcome.known_lines),
        "exemptions": [
            {**dataclasses.asdict(exemption), "note": outcome.note(exemption).strip(" ()")}
            for exemption in outcome.exemptions
        ],
    }
    # Dates are the only values that JSON does not have.
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)


def as_junit(outcome: Outcome) -> str:
    """A suite a stack, a case a rule.

    A case is skipped whose violations are all exempted, which waits for the deployment, or which was not judged.
    """
    root = Xml.Element("testsuites", name="hybrid gate")
    for verdict in outcome.verdicts:
        _suite(root, f"{verdict.stack} ({verdict.origin})", outcome.rules, verdict)
    if outcome.elsewhere:
        nothing = Verdict(stack=_ELSEWHERE, origin=Origin.RECORDED, resources=0, rules=0, findings=outcome.elsewhere)
        names = {finding.rule for finding in outcome.elsewhere}
        _suite(root, _ELSEWHERE, [rule for rule in outcome.rules if rule.name in names], nothing)
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in root)))
    properties = Xml.SubElement(root, "properties")
    for one in outcome.exemptions:
        summary = one.summary + outcome.note(one)
        _add(properties, "property", name=f"exemption: {one.rule}, {one.resource}", value=summary)
    if outcome.known_lines:
        _add(properties, "property", name="known lines let pass", value=str(len(outcome.known_lines)))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: Xml.Element, name: str, rules: Sequence[JudgedRule], verdict: Verdict) -> None:
    suite = _add(root, "testsuite", name=name)
    for rule in rules:
        case = _add(suite, "testcase", name=rule.name, classname=f"{rule.pack}.{verdict.stack}")
        waiting = [finding for finding in verdict.waiting if finding.message.startswith(f"{rule.name}: ")]
        why = dict(verdict.not_judged).get(rule.name)
        failures = [finding for finding in verdict.findings if finding.rule == rule.name]
        exempted = [found for found in verdict.exempted if found.finding.rule == rule.name]
        if failures:
            failure = _add(case, "failure", message=failures[0].message, type=rule.severity)
            failure.text = _clean("\n".join(_line(finding) for finding in failures))
        elif exempted:
            message = "; ".join(f"{found.finding.subject}: {found.exemption.summary}" for found in exempted)
            _add(case, "skipped", message=message)
        elif waiting:
            _add(case, "skipped", message=f"waits for the deployment: {len(waiting)} resources")
        elif why:
            _add(case, "skipped", message=f"not judged: {why}")
        if waiting:
            Xml.SubElement(case, "system-out").text = _clean("\n".join(_line(finding) for finding in waiting))
    suite.set("tests", str(len(rules)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _line(finding: Finding) -> str:
    return f"{finding.place or finding.subject}: {finding.titled}: {finding.message}"


def _add(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, tag, {name: _clean(text) for name, text in attributes.items()})


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)


def as_sarif(outcome: Outcome) -> str:
    """2.1.0, as GitHub's code scanning takes it (OASIS, Static Analysis Results Interchange Format): one run.

    What is exempted is a suppressed result, what waits for the deployment a notification.
    """
    index = {rule.name: number for number, rule in enumerate(outcome.rules)}
    suppressed = [exempted for verdict in outcome.verdicts for exempted in verdict.exempted]
    results = [
        *(_result(finding, index) for finding in outcome.findings),
        *(_suppressed(_result(found.finding, index), found.exemption) for found in suppressed),
    ]
    waiting = [finding for verdict in outcome.verdicts for finding in verdict.waiting]
    run = {
        "tool": {"driver": {"name": "hybrid gate", "rules": [_rule(rule) for rule in outcome.rules]}},
        "automationDetails": {"id": "hybrid-gate/"},
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": [_notification(finding) for finding in waiting]}
        ],
        "results": results,
        "properties": {
            "exemptions": [
                f"{one.rule}, {one.resource}: {one.summary}{outcome.note(one)}" for one in outcome.exemptions
            ],
            "knownLines": list(outcome.known_lines),
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(rule: JudgedRule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.description},
        "helpUri": f"{PAGES}{rule.page}",
        "help": {"text": f"{rule.remediation} See {rule.page}."},
        "defaultConfiguration": {"level": _LEVELS.get(rule.severity, "error")},
        "properties": {
            "tags": ["security", rule.pack],
            "security-severity": _SCORES.get(rule.severity, _SCORES["high"]),
        },
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    number = {"ruleIndex": index[finding.rule]} if finding.rule in index else {}
    path, _, line = finding.place.rpartition(":")
    return {
        "ruleId": finding.rule,
        **number,
        "level": _LEVELS.get(finding.severity, "error"),
        "message": {"text": _said(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": path or PROGRAM, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": int(line) if line else 1},
                },
                **_logical(finding),
            }
        ],
        # Without the line, which moves whenever somebody writes above it.
        "partialFingerprints": {"hybridGate/v1": _digest(finding.rule, finding.urn or finding.place, finding.message)},
    }


def _said(finding: Finding) -> str:
    about = f"{finding.stack}: " if finding.stack else ""
    return f"{about}{finding.titled}: {finding.message}" if finding.urn else f"{about}{finding.message}"


def _logical(finding: Finding) -> dict[str, Any]:
    if not finding.urn:
        return {}
    return {
        "logicalLocations": [{"name": finding.subject, "fullyQualifiedName": finding.urn, "kind": "resource"}],
    }


def _suppressed(result: dict[str, Any], exemption: Exemption) -> dict[str, Any]:
    return {**result, "suppressions": [{"kind": "external", "status": "accepted", "justification": exemption.summary}]}


def _notification(finding: Finding) -> dict[str, Any]:
    return {"level": "note", "message": {"text": f"{finding.stack}: {finding.subject}: {finding.message}"}}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
