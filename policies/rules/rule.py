"""What a rule is: the good state by name, one sentence, and a check that yields what is wrong.

A check never puts a property's value into a message: it may be a secret, which packs can't tell from other text
(Pulumi hands them decrypted and unmarked).
"""

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies.exemptions.exemption import Exemption, granted
from policies.rules import sdk_reading
from policies.rules.findings import EXEMPTED, UNCHECKED, WAITING, page
from policies.scan.scanner import masked


@dataclass(frozen=True, kw_only=True)
class _About:
    name: str
    """The good state, kebab-case: `resources-are-in-canada`."""
    description: str
    """The good state as one sentence."""
    reason: str
    """Why, in one to three sentences, with the source of a fact. It stands on the rule's page."""
    severity: Severity
    remediation: str
    """What to do, as one sentence."""
    may_wait: str = ""
    """Why a value that is not known before deployment may be judged after it, by the gate on the deployed state.

    A clause without a full stop, because it stands within other sentences. Without it the rule is broken by such a
    value.
    """
    passes_unknown: str = ""
    """Why this rule skips a value that is not known before deployment; a clause, too.

    For rules that judge texts: an unknown one is skipped, and the rest is judged.
    """

    @property
    def page(self) -> str:
        return page(self.name)

    def _full(self, message: str) -> str:
        return f"{message} {self.remediation} ({self.page})"

    def _metadata(self) -> dict[str, Any]:
        # Said for each rule, because a pack's own default is advice.
        return {
            "enforcement_level": EnforcementLevel.MANDATORY,
            "severity": self.severity,
            "remediation_steps": self.remediation,
            "url": self.page,
        }


@dataclass(frozen=True, kw_only=True)
class Rule(_About):
    """Judges one resource at a time, by its inputs."""

    check: Callable[[ResourceValidationArgs], Iterator[str]]
    types: tuple[str, ...] = ()
    """Type tokens that it is about; empty is every type."""

    def policy(self, notes: "Notes") -> Policy:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if self.types and args.resource_type not in self.types:
                return
            try:
                for message in self.check(args):
                    notes.report(self, self._full(message), args.urn, report)
            except UnknownValueError as error:
                notes.unknown(self, error, args.urn, report)
            except Exception as error:  # noqa: BLE001 - what a check ends with is that it cannot judge
                notes.failed(self, error, args.urn, report)

        return ResourceValidationPolicy(self.name, self.description, validate, **self._metadata())


@dataclass(frozen=True, kw_only=True)
class StackRule(_About):
    """Judges all resources together, by their outputs; its check yields the message and the URN it is about."""

    check: Callable[[StackValidationArgs], Iterator[tuple[str, str]]]

    def policy(self, notes: "Notes") -> Policy:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            try:
                for message, urn in self.check(args):
                    notes.report(self, self._full(message), urn, report)
            except UnknownValueError as error:
                # The SDK does not say which resource's value it is.
                notes.unknown(self, error, "", report)
            except Exception as error:  # noqa: BLE001 - what a check ends with is that it cannot judge
                notes.failed(self, error, "", report)

        return StackValidationPolicy(self.name, self.description, validate, **self._metadata())


class Notes:
    """Reports violations, and remembers what a pack lets pass and why."""

    def __init__(self, granted: Sequence[Exemption]) -> None:
        self._granted = granted
        # As keys: a resource may be asked about more than once.
        self._exempted: dict[tuple[str, str], None] = {}
        self._waiting: dict[tuple[str, str], None] = {}

    def report(self, rule: Rule | StackRule, message: str, urn: str, report: ReportViolation) -> None:
        found = next((one for one in self._granted if one.covers(rule.name, urn)), None)
        if found is None:
            report(masked(message), urn or None)
        else:
            self._exempted[f"{rule.name}: {found.summary}", urn] = None

    def unknown(self, rule: Rule | StackRule, error: UnknownValueError, urn: str, report: ReportViolation) -> None:
        # The SDK would turn the violation into advice, and the engine would go on.
        if rule.may_wait:
            self._waiting[f"{rule.name}: {masked('.'.join(error.props))} is not known yet: {rule.may_wait}", urn] = None
        else:
            self.report(rule, unchecked(error), urn, report)

    def failed(self, rule: Rule | StackRule, error: Exception, urn: str, report: ReportViolation) -> None:
        # A value of a kind that the check does not expect. The error's own message may hold the value, and an error of
        # the pack would end the whole run.
        self.report(rule, rule._full(f"{UNCHECKED}: the check ended with {type(error).__name__}."), urn, report)

    def policies(self) -> list[Policy]:
        """Two more policies that list what was let pass; they come last, after the rules."""
        return [
            _advice(EXEMPTED, "What an exemption lets pass is listed.", self._exempted),
            _advice(WAITING, "What can be judged only after deployment is listed.", self._waiting),
        ]


def unchecked(error: UnknownValueError) -> str:
    """The message for a value that a rule needs and that is not known."""
    return f"{UNCHECKED}: {masked('.'.join(error.props))} is not known yet."


def _advice(name: str, description: str, found: dict[tuple[str, str], None]) -> Policy:
    def validate(_args: StackValidationArgs, report: ReportViolation) -> None:
        for message, urn in found:
            report(message, urn or None)
        found.clear()

    return StackValidationPolicy(name, description, validate, enforcement_level=EnforcementLevel.ADVISORY)


def gathered(*packages: str) -> tuple[Rule | StackRule, ...]:
    """The RULES of every file of each package, in the order of the files' names."""
    return tuple(rule for package in packages for module in _modules(package) for rule in getattr(module, "RULES", ()))


def _modules(package: str) -> Iterator[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(import_module(package).__path__))
    # That one serves, and does not return.
    yield from (import_module(f"{package}.{name}") for name in names if name != "__main__")


def serve(pack: str, *packages: str) -> None:
    """Answers the engine, or the gate, with the packages' rules, until the process is ended."""
    sdk_reading.read_once()
    notes = Notes(granted())
    policies = [*(rule.policy(notes) for rule in gathered(*packages)), *notes.policies()]
    PolicyPack(pack, policies, enforcement_level=EnforcementLevel.MANDATORY)
