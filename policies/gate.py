"""The gate: every pack against a plan; what can't be judged counts as a violation."""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pulumi.runtime.proto import analyzer_pb2

from plan.model import Plan
from policies import analyzer, exemptions, gate_checks
from policies.analyzer import Pack
from policies.errors import GateError
from policies.exemptions import Exemption
from policies.findings import Exempted, Finding, JudgedRule, Origin, Outcome, Searched, Subject, Verdict
from policies.gate_rules import EXEMPTIONS_RULE, RULES
from policies.rule import EXEMPTED, UNCHECKED, WAITING

SEVERITIES = {
    analyzer_pb2.POLICY_SEVERITY_LOW: "low",
    analyzer_pb2.POLICY_SEVERITY_MEDIUM: "medium",
    analyzer_pb2.POLICY_SEVERITY_HIGH: "high",
    analyzer_pb2.POLICY_SEVERITY_CRITICAL: "critical",
}
_ADVICE = (EXEMPTED, WAITING)
_Asked = Sequence[tuple[Plan, analyzer.Questions]]


def judge(plans: Sequence[Plan], packs: Sequence[Path | Pack] | None = None) -> list[Verdict]:
    """One verdict a plan, in their order, nothing exempted. Raises GateError when a pack can't do its work."""
    return list(assess([Subject(plan=plan) for plan in plans], packs).verdicts)


def assess(
    subjects: Iterable[Subject],
    packs: Sequence[Path | Pack] | None = None,
    granted: Sequence[Exemption] = (),
    stacks: Collection[str] = (),
    elsewhere: Sequence[Finding] = (),
    now: date | None = None,
    known_lines: Sequence[str] = (),
    searched: Searched | None = None,
) -> Outcome:
    """All that the packs and the gate's own rules say. `stacks` are all of the project's; `elsewhere`, `known_lines`
    and `searched` are carried along.

    The subjects may be made one by one: the packs start meanwhile. A pack that runs already is asked as it is, and goes
    on running.

    Raises GateError when a pack can't do its work.
    """
    packs = analyzer.folders() if packs is None else packs
    if not packs:
        raise GateError("policy packs: there are none; a pack is a folder in policies/ with a PulumiPolicy.yaml")
    subjects, answers = _answers(subjects, packs)
    rules = (*RULES, *(rule for answer in answers for rule in answer.rules))
    judged = [
        _judged(subject, rules, [finding for answer in answers for finding in answer.findings[index]])
        for index, subject in enumerate(subjects)
    ]
    violations = [finding for found in judged for finding in found if finding.rule != WAITING]
    sound, faults = _weighed(granted, violations, rules, subjects, stacks, now or exemptions.today())
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
    """What the packs found, and the gate itself, nothing exempted."""
    everything = [*gate_checks.findings(subject), *found]
    if subject.origin is Origin.STATE:
        by_name = {rule.name: rule for rule in rules}
        everything = [gate_checks.overdue(subject.plan, finding, by_name) for finding in everything]
    return everything


def _verdict(
    subject: Subject, rules: Sequence[JudgedRule], sound: Sequence[Exemption], found: Sequence[Finding]
) -> Verdict:
    waiting = [finding for finding in found if finding.rule == WAITING]
    covering = [(finding, _covering(sound, finding)) for finding in found if finding.rule != WAITING]
    return Verdict(
        stack=subject.plan.stack,
        origin=subject.origin,
        resources=len(subject.plan.resources),
        rules=len(rules),
        findings=tuple(finding.masked for finding, exemption in covering if exemption is None),
        exempted=tuple(Exempted(finding=found.masked, exemption=one) for found, one in covering if one is not None),
        waiting=tuple(finding.masked for finding in waiting),
    )


def _covering(granted: Sequence[Exemption], finding: Finding) -> Exemption | None:
    return next((one for one in granted if one.covers(finding.rule, finding.urn)), None)


def _weighed(
    granted: Sequence[Exemption],
    violations: Sequence[Finding],
    rules: Sequence[JudgedRule],
    subjects: Sequence[Subject],
    stacks: Collection[str],
    now: date,
) -> tuple[tuple[Exemption, ...], list[Finding]]:
    """The exemptions that may exempt, and what is wrong with the others."""
    urns = {urn for subject in subjects for urn in (subject.plan.stack_urn, *subject.plan.by_urn)}
    late = [*exemptions.time_faults(granted, now)]
    wide = [*exemptions.scope_faults(granted, {rule.name for rule in rules}, urns)]
    faulty = [one for one, _ in (*late, *wide)]
    sound = [one for one in granted if one not in faulty]
    # One that is late may be needed still: then it has to be renewed, else removed.
    needed = {_covering([*sound, *faulty], finding) for finding in violations}
    out_of_scope = {one for one, _ in wide}
    in_scope = [one for one in granted if one not in out_of_scope]
    idle = [*exemptions.use_faults(in_scope, needed, stacks, {subject.plan.stack for subject in subjects})]
    found = [
        gate_checks.finding(EXEMPTIONS_RULE, f"{words}.", place=f"policies/{exemptions.FILE.name}:{one.line}")
        for one, words in (*late, *wide, *idle)
    ]
    unneeded = [one for one, _ in idle]
    return tuple(one for one in sound if one not in unneeded), found


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What one pack says."""

    rules: tuple[JudgedRule, ...]
    findings: tuple[list[Finding], ...]
    """Of each plan."""


def _answers(subjects: Iterable[Subject], packs: Sequence[Path | Pack]) -> tuple[list[Subject], list[_Answer]]:
    """The subjects, all made, and what each pack says of them."""
    asked: Future[_Asked] = Future()
    with ThreadPoolExecutor(max_workers=len(packs)) as pool:
        # They start while the subjects are still being recorded.
        running = [pool.submit(_run, pack, asked) for pack in packs]
        try:
            found = list(subjects)
            asked.set_result([(subject.plan, analyzer.Questions.about(subject.plan)) for subject in found])
            return found, [answer.result() for answer in running]
        except BaseException as error:
            if not asked.done():
                asked.set_exception(error)
            analyzer.end_all()
            raise


def _run(given: Path | Pack, asked: Future[_Asked]) -> _Answer:
    with nullcontext(given) if isinstance(given, Pack) else analyzer.running(given) as pack:
        policies = [policy for policy in pack.info.policies if policy.name not in _ADVICE]
        if not policies:
            raise GateError(f"policy pack {pack.name}: has no rules; a pack has at least one")
        mandatory = {policy.name for policy in policies if policy.enforcementLevel == analyzer_pb2.MANDATORY}
        return _Answer(
            rules=tuple(_rule(pack.info.name, policy) for policy in policies),
            findings=tuple(
                [_finding(plan, found, mandatory) for found in pack.analyze(questions)]
                for plan, questions in asked.result()
            ),
        )


def _rule(pack: str, policy: analyzer_pb2.PolicyInfo) -> JudgedRule:
    return JudgedRule(
        name=policy.name,
        pack=pack,
        description=policy.description,
        severity=SEVERITIES.get(policy.severity, "unspecified"),
        remediation=policy.remediation_steps,
    )


def _finding(plan: Plan, diagnostic: analyzer_pb2.AnalyzeDiagnostic, mandatory: set[str]) -> Finding:
    # The SDK turns a mandatory rule that meets an unknown value into advice; let that pass and the gate is open.
    message = diagnostic.message.removeprefix(f"{diagnostic.description}\n")
    is_advice = diagnostic.policyName in mandatory and diagnostic.enforcementLevel == analyzer_pb2.ADVISORY
    resource = plan.by_urn.get(diagnostic.urn)
    return Finding(
        stack=plan.stack,
        pack=diagnostic.policyPackName,
        rule=diagnostic.policyName,
        severity=SEVERITIES.get(diagnostic.severity, "unspecified"),
        message=message,
        urn=diagnostic.urn,
        place=resource.declared_at if resource else "",
        is_unchecked=is_advice or message.startswith(UNCHECKED),
    )
