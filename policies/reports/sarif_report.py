"""SARIF 2.1.0, as GitHub's code scanning takes it (OASIS, Static Analysis Results Interchange Format)."""

import hashlib
import json
from typing import Any

from policies.exemptions import Exemption
from policies.findings import Finding, JudgedRule, Outcome

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
PROGRAM = "__main__.py"
"""What declares the stack itself, and whatever no line is known of."""
# Where the rules' pages can be read.
PAGES = "https://github.com/automatonicai/hybrid/blob/main/"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# GitHub sorts security findings by this number (GitHub, SARIF support for code scanning).
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}


def written(outcome: Outcome) -> str:
    """One run. What is exempted is a suppressed result, what waits a notification."""
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
            "exemptions": [f"{one.rule}, {one.resource}: {one.words}{outcome.note(one)}" for one in outcome.exemptions],
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
        "message": {"text": f"{finding.stack}: {finding.message}" if finding.stack else finding.message},
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


def _logical(finding: Finding) -> dict[str, Any]:
    if not finding.urn:
        return {}
    return {
        "logicalLocations": [{"name": finding.subject, "fullyQualifiedName": finding.urn, "kind": "resource"}],
    }


def _suppressed(result: dict[str, Any], exemption: Exemption) -> dict[str, Any]:
    return {**result, "suppressions": [{"kind": "external", "status": "accepted", "justification": exemption.words}]}


def _notification(finding: Finding) -> dict[str, Any]:
    return {"level": "note", "message": {"text": f"{finding.stack}: {finding.subject}: {finding.message}"}}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
