"""JUnit's XML: a suite a stack, a case a rule."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from policies.findings import Finding, JudgedRule, Origin, Outcome, Verdict

# XML 1.0 has no way to write these down.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELSEWHERE = "outside the stacks"


def written(outcome: Outcome) -> str:
    """One document. A case whose violations are all exempted is a skipped one, as is a rule that waits."""
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
        _add(properties, "property", name=f"exemption: {one.rule}, {one.resource}", value=one.words + outcome.note(one))
    for known in outcome.known_lines:
        _add(properties, "property", name="known line", value=known)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True)


def _suite(root: Xml.Element, name: str, rules: Sequence[JudgedRule], verdict: Verdict) -> None:
    suite = _add(root, "testsuite", name=name)
    for rule in rules:
        case = _add(suite, "testcase", name=rule.name, classname=f"{rule.pack}.{verdict.stack}")
        failures = [finding for finding in verdict.findings if finding.rule == rule.name]
        exempted = [found for found in verdict.exempted if found.finding.rule == rule.name]
        if failures:
            failure = _add(case, "failure", message=failures[0].message, type=rule.severity)
            failure.text = _clean("\n".join(_line(finding) for finding in failures))
        elif exempted:
            words = "; ".join(f"{found.finding.subject}: {found.exemption.words}" for found in exempted)
            _add(case, "skipped", message=words)
        waiting = [finding for finding in verdict.waiting if finding.message.startswith(f"{rule.name}: ")]
        if waiting:
            Xml.SubElement(case, "system-out").text = _clean("\n".join(_line(finding) for finding in waiting))
    suite.set("tests", str(len(rules)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))


def _line(finding: Finding) -> str:
    return f"{finding.place or finding.subject}: {finding.subject}: {finding.message}"


def _add(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, tag, {name: _clean(text) for name, text in attributes.items()})


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
