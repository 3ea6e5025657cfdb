"""What the gate finds: a verdict for each stack, and findings that belong to no stack."""

from dataclasses import dataclass, replace
from enum import StrEnum

from plan.model import Plan
from policies.exemptions.exemption import Exemption
from policies.scan.scanner import masked

UNCHECKED = "Can't be checked before deployment"
"""Begins the message where a rule needs a value that is not known yet."""
EXEMPTED, WAITING = "exempted-violations-are-listed", "waiting-checks-are-listed"
"""Advice of every pack, at the end: what an exemption lets pass, and what the gate on the deployed state checks."""
SEVERITIES = ("critical", "high", "medium", "low")
PACK = "hybrid-gate"
"""Stands for a pack's name in findings of the gate's own rules."""


def page(rule: str) -> str:
    """Where a rule is explained."""
    return f"docs/policies/README.md#{rule}"


class Origin(StrEnum):
    """Where a plan comes from. Not who judges it: that is always the same packs."""

    RECORDED = "recorded plan"
    PREVIEW = "preview"
    STATE = "state"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One plan to judge."""

    plan: Plan
    origin: Origin = Origin.RECORDED
    previous: Plan | None = None
    """What there was before, to judge what is taken away."""


@dataclass(frozen=True, kw_only=True)
class JudgedRule:
    """A rule that was asked, as reports describe it."""

    name: str
    pack: str
    description: str
    severity: str
    remediation: str

    @property
    def page(self) -> str:
        return page(self.name)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule that one resource breaks, or that could not be judged for it."""

    stack: str
    """Empty for what is about no stack: an exemption, a file of the repository."""
    pack: str
    rule: str
    severity: str
    message: str
    urn: str
    place: str
    """File and line that declare the resource, or empty."""
    is_unchecked: bool = False
    """The rule could not run, because a value is known only after deployment."""
    also: tuple[str, ...] = ()
    """URNs of other resources that the same cause makes break it, which have no findings of their own."""

    @property
    def masked(self) -> "Finding":
        """The finding without secrets, for a report: names, paths and URNs may hold one, too."""
        return replace(
            self,
            message=masked(self.message),
            urn=masked(self.urn),
            place=masked(self.place),
            also=tuple(map(masked, self.also)),
        )

    @property
    def subject(self) -> str:
        """Short name of what it is about."""
        return self.urn.rpartition("::")[2] or self.place.rpartition(":")[0] or "the whole stack"

    @property
    def titled(self) -> str:
        """The same with the resource's type, because resources of several types may share a name."""
        parts = self.urn.split("::")
        return f"{self.subject} ({parts[2].rpartition('$')[2]})" if len(parts) > 3 else self.subject

    @property
    def turn(self) -> tuple[int, str, int, str, str, str]:
        """Its place in a report, which is the same in each run: the worst first, then by file, line and resource."""
        path, _, line = self.place.rpartition(":")
        worst = SEVERITIES.index(self.severity) if self.severity in SEVERITIES else len(SEVERITIES)
        return worst, path or self.place, int(line) if line.isdecimal() else 0, self.urn, self.rule, self.message


@dataclass(frozen=True, kw_only=True)
class Exempted:
    """A violation that an exemption lets pass."""

    finding: Finding
    exemption: Exemption


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the packs say of one stack."""

    stack: str
    origin: Origin
    resources: int
    rules: int
    findings: tuple[Finding, ...]
    exempted: tuple[Exempted, ...] = ()
    waiting: tuple[Finding, ...] = ()
    """Not violations: what can be judged only on the deployed state, by rules that say why it may wait."""
    not_judged: tuple[tuple[str, str], ...] = ()
    """Rules that nothing could be asked about here, and why."""


@dataclass(frozen=True, kw_only=True)
class Searched:
    """How much of a repository was searched for secrets."""

    files: int
    commits: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one run."""

    verdicts: tuple[Verdict, ...]
    rules: tuple[JudgedRule, ...]
    exemptions: tuple[Exemption, ...] = ()
    """The valid ones; faults of the others are in `elsewhere`."""
    elsewhere: tuple[Finding, ...] = ()
    """Findings that belong to no stack."""
    known_lines: tuple[str, ...] = ()
    """Lines of the repository that look like secrets and were let pass: fingerprint and reason."""
    stacks: tuple[str, ...] = ()
    """All of the project's, gated or not."""
    searched: Searched | None = None
    """None where the repository was not searched; what was found there is in `elsewhere`."""

    def note(self, exemption: Exemption) -> str:
        """Why an exemption that no gated stack uses is not refused, in brackets. Otherwise empty."""
        missing = exemption.waits_for(self.stacks, {verdict.stack for verdict in self.verdicts})
        if not missing or any(used.exemption == exemption for verdict in self.verdicts for used in verdict.exempted):
            return ""
        were = "was" if len(missing) == 1 else "were"
        return f" (not judged whether it is needed: {' and '.join(missing)} {were} not gated)"

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*(finding for verdict in self.verdicts for finding in verdict.findings), *self.elsewhere)

    @property
    def is_passed(self) -> bool:
        return not self.findings
