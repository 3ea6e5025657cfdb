"""The gate is right about what its peers were told that they get wrong.

A report is named by its repository and number. The peers are checkov, tfsec and Trivy, terrascan, cfn-nag, KICS,
Prowler, ScoutSuite, regula, parliament and cloudsplaining, Pulumi's policies, detect-secrets, gitleaks, TruffleHog,
and their like.
"""

from dataclasses import replace

import pytest

from plan.model import Plan
from policies.scan.repository import in_line
from tests.policies import running
from tests.policies.safety.reported import ACCESS
from tests.policies.secrets.reported import LINES, SECRETS

REPORTS = {**ACCESS, **SECRETS}


def small(plan: Plan, part: str) -> Plan:
    """The plan's providers, and the one component."""
    kept = [found for found in plan.resources if found.type.startswith("pulumi:") or (part and part in found.urn)]
    return replace(plan, resources=tuple(kept))


@pytest.fixture(scope="module")
def said(dev_plan: Plan) -> dict[str, set[str]]:
    """The rules that each input breaks, by all packs in one go."""
    verdicts = running.judge([report.change(small(dev_plan, report.part)) for report in REPORTS.values()])
    return {
        name: {finding.rule for finding in verdict.findings} for name, verdict in zip(REPORTS, verdicts, strict=True)
    }


@pytest.mark.parametrize("name", REPORTS)
def test_the_gate_is_right_about_what_a_peer_was_told(name: str, said: dict[str, set[str]]) -> None:
    assert said[name] == set(REPORTS[name].breaks.split())


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_judged_rightly(name: str) -> None:
    _, line, holds_a_secret = LINES[name]
    assert bool(in_line(line)) == holds_a_secret
