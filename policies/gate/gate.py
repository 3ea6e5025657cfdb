"""The gate: asks every pack about plans and weighs exemptions; what can't be judged counts as a violation."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from plan.memory import Memory
from plan.model import Plan
from policies.errors import GateError
from policies.exemptions.exemption import FILE, Exemption, current_day, scope_faults, time_faults, use_faults
from policies.gate.folding import folded
from policies.gate.rules import (
    EXEMPTIONS_RULE,
    RULES,
    not_judged,
    of_several,
    overdue,
    own_finding,
    own_findings,
    sealed,
)
from policies.packs import answers
from policies.rules.findings import WAITING, Exempted, Finding, JudgedRule, Origin, Outcome, Searched, Subject, Verdict

if TYPE_CHECKING:
    from policies.packs.analyzer import Pack


def judge(plans: Sequence[Plan], folders: "Sequence[Path | Pack] | None" = None) -> list[Verdict]:
    """One verdict a plan, in their order, nothing exempted. Raises GateError when a pack can't do its work."""
    return list(assess([Subject(plan=plan) for plan in plans], folders).verdicts)


def assess(
    subjects: Iterable[Subject],
    folders: "Sequence[Path | Pack] | None" = None,
    granted: Sequence[Exemption] = (),
    stacks: Collection[str] = (),
    elsewhere: Sequence[Finding] = (),
    now: date | None = None,
    known_lines: Sequence[str] = (),
    searched: Searched | None = None,
    memory: Memory | None = None,
    starts_early: bool = False,
) -> Outcome:
    """All that the packs and the gate's own rules say. `stacks` are all of the project's; `elsewhere`, `known_lines`
    and `searched` are carried along.

    What the packs answer is remembered in `memory`; without one they are asked each time. Where the subjects take long
    to be made, they may start meanwhile (`starts_early`). A pack that runs already is asked as it is, and goes on
    running; give no memory then, because what it has read is not known.

    Raises GateError when a pack can't do its work.
    """
    found = answers.folders() if folders is None else folders
    if not found:
        raise GateError("policy packs: there are none; a pack is a folder in policies/ with a PulumiPolicy.yaml")
    day = now or current_day()
    subjects, said = answers.of(subjects, found, day, memory, starts_early=starts_early)
    rules = (*RULES, *(rule for answer in said for rule in answer.rules))
    judged = [
        _judged(subject, rules, [finding for answer in said for finding in answer.findings[index]])
        for index, subject in enumerate(subjects)
    ]
    for plan, shared in of_several([subject.plan for subject in subjects]):
        judged[next(index for index, subject in enumerate(subjects) if subject.plan is plan)].append(shared)
    violations = [finding for found in judged for finding in found if finding.rule != WAITING]
    sound, faults = _valid_exemptions(granted, violations, rules, subjects, stacks, day)
    return Outcome(
        verdicts=tuple(_verdict(subject, rules, sound, found) for subject, found in zip(subjects, judged, strict=True)),
        rules=rules,
        exemptions=sound,
        elsewhere=tuple(finding.masked for finding in (*elsewhere, *faults)),
        known_lines=tuple(known_lines),
        stacks=tuple(stacks),
        searched=searched,
    )


def _judged(subject: Subject, rules: Sequence[JudgedRule], found: Sequence[Finding]) -> list[Finding]:
    """Findings of the packs and of the gate's own rules, before exemptions."""
    everything = [*own_findings(subject), *found]
    if subject.origin is not Origin.RECORDED:
        everything = [sealed(subject.plan, finding) for finding in everything]
    if subject.origin is Origin.STATE:
        by_name = {rule.name: rule for rule in rules}
        everything = [overdue(subject.plan, finding, by_name) for finding in everything]
    return everything


def _verdict(
    subject: Subject, rules: Sequence[JudgedRule], sound: Sequence[Exemption], found: Sequence[Finding]
) -> Verdict:
    ordered = sorted(found, key=lambda finding: finding.turn)
    waiting = [finding for finding in ordered if finding.rule == WAITING]
    covering = [(finding, _covering(sound, finding)) for finding in ordered if finding.rule != WAITING]
    return Verdict(
        stack=subject.plan.stack,
        origin=subject.origin,
        resources=subject.plan.count,
        rules=len(rules),
        findings=tuple(
            finding.masked
            for finding in folded(subject.plan, [finding for finding, exemption in covering if exemption is None])
        ),
        exempted=tuple(Exempted(finding=found.masked, exemption=one) for found, one in covering if one is not None),
        waiting=tuple(finding.masked for finding in waiting),
        not_judged=tuple(not_judged(subject)),
    )


def _covering(granted: Sequence[Exemption], finding: Finding) -> Exemption | None:
    return next((one for one in granted if one.covers(finding.rule, finding.urn)), None)


def _valid_exemptions(
    granted: Sequence[Exemption],
    violations: Sequence[Finding],
    rules: Sequence[JudgedRule],
    subjects: Sequence[Subject],
    stacks: Collection[str],
    now: date,
) -> tuple[tuple[Exemption, ...], list[Finding]]:
    """The exemptions that are valid, and a finding for each that is not."""
    urns = {urn for subject in subjects for urn in (subject.plan.stack_urn, *subject.plan.by_urn)}
    late = [*time_faults(granted, now)]
    wide = [*scope_faults(granted, {rule.name for rule in rules}, urns)]
    faulty = [one for one, _ in (*late, *wide)]
    sound = [one for one in granted if one not in faulty]
    # One that is late may be needed still: then it has to be renewed, else removed.
    needed = {_covering([*sound, *faulty], finding) for finding in violations}
    out_of_scope = {one for one, _ in wide}
    in_scope = [one for one in granted if one not in out_of_scope]
    unneeded = [*use_faults(in_scope, needed, stacks, {subject.plan.stack for subject in subjects})]
    found = [
        own_finding(EXEMPTIONS_RULE, f"{fault}.", place=f"policies/{FILE.name}:{one.line}")
        for one, fault in (*late, *wide, *unneeded)
    ]
    kept = [one for one in sound if one not in [other for other, _ in unneeded]]
    return tuple(kept), found
