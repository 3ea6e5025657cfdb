"""What a rule is: the good state by name, one sentence, and a check that yields what is wrong.

A check never puts a property's value into a message: it may be a secret, which packs can't tell from other text
(Pulumi hands them decrypted and unmarked).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Judges one resource at a time."""

    name: str
    description: str
    severity: Severity
    remediation: str
    check: Callable[[ResourceValidationArgs], Iterator[str]]

    def policy(self) -> Policy:
        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            for message in self.check(args):
                report(f"{message} {self.remediation}", None)

        return ResourceValidationPolicy(self.name, self.description, validate, **_metadata(self))


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """Judges all resources together; its check yields the message and the URN it is about."""

    name: str
    description: str
    severity: Severity
    remediation: str
    check: Callable[[StackValidationArgs], Iterator[tuple[str, str]]]

    def policy(self) -> Policy:
        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            for message, urn in self.check(args):
                report(f"{message} {self.remediation}", urn)

        return StackValidationPolicy(self.name, self.description, validate, **_metadata(self))


def _metadata(rule: Rule | StackRule) -> dict[str, Any]:
    # Said for each rule, because a pack's own default is advice.
    return {
        "enforcement_level": EnforcementLevel.MANDATORY,
        "severity": rule.severity,
        "remediation_steps": rule.remediation,
    }


def serve(pack: str, rules: Sequence[Rule | StackRule]) -> None:
    """Answers the engine, or the gate, until the process is ended."""
    PolicyPack(pack, [rule.policy() for rule in rules], enforcement_level=EnforcementLevel.MANDATORY)


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every known string inside a value.

    Unknown ones are passed over: what a cloud makes up is nobody's writing.
    """
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _texts_at(value, key, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence):
        for index in range(len(value)):
            yield from _texts_at(value, index, f"{path}[{index}]")


def _texts_at(value: Any, key: Any, path: str) -> Iterator[tuple[str, str]]:
    try:
        item = value[key]
    except UnknownValueError:
        return
    yield from texts(item, path)
