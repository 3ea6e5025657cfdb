"""Findings that share a cause as one: a setting that many properties are made of, with its file and line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from components.settings.stack_file import StackFile
from plan.model import Computed, Plan, at
from plan.project import ROOT
from policies.gate.sensitive import SETTINGS_RULE
from policies.rules.findings import Finding

# How a rule says which property it is about.
ABOUT = re.compile(r"(?P<where>Property|Output) (?P<path>\S+) ")
# A shorter text stands in many a property by chance.
SHORTEST_SETTING = 8
NAMES_SHOWN = 3


def folded(plan: Plan, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, in their order; of those that a setting causes one for each rule, or the setting's own alone."""
    causes = [(finding, _cause(plan, finding)) for finding in findings]
    own = {name: finding for finding, name in reversed(causes) if finding.rule == SETTINGS_RULE}
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding, name in causes:
        # What else a secret in a setting makes is said with the setting.
        is_of_secret = name in own and (finding.rule == SETTINGS_RULE or " holds " in finding.message)
        groups.setdefault((name, SETTINGS_RULE if is_of_secret else finding.rule), []).append(finding)
    file = StackFile.of(plan.stack, ROOT)
    found: list[Finding] = []
    for (name, rule), group in groups.items():
        line = file.line(name.rpartition(":")[2]) if name else None
        if rule == SETTINGS_RULE and name:
            first = own[name]
            found.append(_with_others(first, [one for one in group if one is not first]))
        elif line and len(group) > 1:
            told = replace(group[0], message=f"Setting {name} is the cause. {group[0].message}")
            found.append(replace(_with_others(told, group[1:]), place=f"{file.name}:{line}"))
        else:
            found += group
    return sorted(found, key=lambda finding: finding.turn)


def _with_others(finding: Finding, others: Sequence[Finding]) -> Finding:
    if not others:
        return finding
    urns = tuple(dict.fromkeys(other.urn for other in others))
    return replace(finding, message=f"{finding.message} {_others(others)}", also=urns)


def _others(findings: Sequence[Finding]) -> str:
    names = list(dict.fromkeys(finding.subject for finding in findings))
    shown = ", ".join(names[:NAMES_SHOWN])
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"The same value is the cause of {len(findings)} more, in {shown}{more}."


def _cause(plan: Plan, finding: Finding) -> str:
    """Name of the setting that the finding's property is made of; empty where it is none, or nobody can tell."""
    if finding.rule == SETTINGS_RULE:
        return next((name for name in plan.settings if finding.message.startswith(f"Setting {name} holds ")), "")
    about, resource = ABOUT.match(finding.message), plan.by_urn.get(finding.urn)
    if about is None or resource is None:
        return ""
    values = resource.outputs if about["where"] == "Output" else resource.inputs
    found = at(values, *_steps(about["path"]))
    text = found.template if isinstance(found, Computed) else found
    if not isinstance(text, str):
        return ""
    held = [
        (len(value), name)
        for name, value in plan.settings.items()
        if isinstance(value, str) and len(value) >= SHORTEST_SETTING and value in text
    ]
    return max(held)[1] if held else ""


def _steps(path: str) -> Iterator[str | int]:
    for step in re.findall(r"[^.\[\]]+", path):
        yield int(step) if step.isdecimal() else step
