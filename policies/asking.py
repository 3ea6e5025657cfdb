"""Asks one policy pack about plans."""

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import analyzer_pb2

from plan.model import Plan
from policies import analyzer
from policies.analyzer import Pack
from policies.errors import GateError
from policies.findings import EXEMPTED, UNCHECKED, WAITING, Finding, JudgedRule

SEVERITIES = {
    analyzer_pb2.POLICY_SEVERITY_LOW: "low",
    analyzer_pb2.POLICY_SEVERITY_MEDIUM: "medium",
    analyzer_pb2.POLICY_SEVERITY_HIGH: "high",
    analyzer_pb2.POLICY_SEVERITY_CRITICAL: "critical",
}
_ADVICE = (EXEMPTED, WAITING)
Asked = Sequence[tuple[Plan, analyzer.Questions]]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one pack says."""

    rules: Sequence[JudgedRule]
    findings: Sequence[Sequence[Finding]]
    """Of each plan that it was asked about."""
    seen: dict[str, Any]
    """What its process saw (plan/watch.py)."""


def run(given: Path | Pack, day: date, asked: Future[Asked]) -> Said:
    """Starts the pack, unless it runs already, and asks when it is known what. Raises GateError."""
    with nullcontext(given) if isinstance(given, Pack) else analyzer.running(given, day) as pack:
        policies = [policy for policy in pack.info.policies if policy.name not in _ADVICE]
        if not policies:
            raise GateError(f"policy pack {pack.name}: has no rules; a pack has at least one")
        mandatory = {policy.name for policy in policies if policy.enforcementLevel == analyzer_pb2.MANDATORY}
        return Said(
            rules=[_rule(pack.info.name, policy) for policy in policies],
            findings=[
                [_finding(plan, found, mandatory) for found in pack.analyze(questions)]
                for plan, questions in asked.result()
            ],
            # Asking that ends it.
            seen={} if pack is given else pack.seen(),
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
