"""The gate: every pack against a plan; what can't be judged counts as a violation."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pulumi.runtime.proto import analyzer_pb2

from plan.model import Plan, Resource
from policies import analyzer, sensitive
from policies.errors import GateError

SEVERITIES = {
    analyzer_pb2.POLICY_SEVERITY_LOW: "low",
    analyzer_pb2.POLICY_SEVERITY_MEDIUM: "medium",
    analyzer_pb2.POLICY_SEVERITY_HIGH: "high",
    analyzer_pb2.POLICY_SEVERITY_CRITICAL: "critical",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule that one resource breaks, or that could not be checked."""

    stack: str
    pack: str
    rule: str
    severity: str
    message: str
    urn: str
    place: str
    """File and line that declare the resource, or empty."""
    is_unchecked: bool
    """The rule could not run, because a value is known only after deployment."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the packs say of one stack."""

    stack: str
    resources: int
    rules: int
    findings: tuple[Finding, ...]


def judge(plans: Sequence[Plan], folders: Sequence[Path] | None = None) -> list[Verdict]:
    """One verdict a plan, in their order. Raises GateError when a pack can't do its work."""
    packs = analyzer.folders() if folders is None else folders
    if not packs:
        raise GateError("policy packs: there are none; a pack is a folder in policies/ with a PulumiPolicy.yaml")
    with ThreadPoolExecutor(max_workers=len(packs)) as pool:
        by_pack = list(pool.map(lambda folder: _run(folder, plans), packs))
    return [
        Verdict(
            stack=plan.stack,
            resources=len(plan.resources),
            rules=len(sensitive.RULES) + sum(rules for rules, _ in by_pack),
            findings=(
                *_marks(plan),
                *(finding for _, findings in by_pack for finding in findings[index]),
            ),
        )
        for index, plan in enumerate(plans)
    ]


def _marks(plan: Plan) -> Iterator[Finding]:
    """The gate's own rules."""
    for resource, path in sensitive.in_the_clear(plan):
        message = f"Property {path} is given in the clear. Give it as a secret output."
        yield _own(plan, sensitive.INPUTS_RULE, message, resource.urn, _place(resource))
    for name, what in sensitive.exported(plan):
        message = f"Export {name} holds {what} and is not secret. Leave it out, or export it as a secret output."
        yield _own(plan, sensitive.EXPORTS_RULE, message, plan.stack_urn, "")


def _own(plan: Plan, rule: str, message: str, urn: str, place: str) -> Finding:
    return Finding(
        stack=plan.stack,
        pack="hybrid-gate",
        rule=rule,
        severity="critical",
        message=message,
        urn=urn,
        place=place,
        is_unchecked=False,
    )


def _run(folder: Path, plans: Sequence[Plan]) -> tuple[int, list[list[Finding]]]:
    with analyzer.running(folder) as pack:
        if not pack.info.policies:
            raise GateError(f"policy pack {folder.name}: has no rules; a pack has at least one")
        mandatory = {policy.name for policy in pack.info.policies if policy.enforcementLevel == analyzer_pb2.MANDATORY}
        findings = [[_finding(plan, found, mandatory) for found in pack.analyze(plan)] for plan in plans]
        return len(pack.info.policies), findings


def _finding(plan: Plan, diagnostic: analyzer_pb2.AnalyzeDiagnostic, mandatory: set[str]) -> Finding:
    # The SDK turns a mandatory rule that meets an unknown value into advice; let that pass and the gate is open.
    is_unchecked = diagnostic.policyName in mandatory and diagnostic.enforcementLevel == analyzer_pb2.ADVISORY
    return Finding(
        stack=plan.stack,
        pack=diagnostic.policyPackName,
        rule=diagnostic.policyName,
        severity=SEVERITIES.get(diagnostic.severity, "unspecified"),
        message=diagnostic.message,
        urn=diagnostic.urn,
        place=_place(plan.by_urn.get(diagnostic.urn)),
        is_unchecked=is_unchecked,
    )


def _place(resource: Resource | None) -> str:
    source = resource.source if resource else None
    return f"{source.path}:{source.line}" if source else ""
