"""What the gate judges by itself, by the marks of a plan and by what there was before."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from plan.model import Computed, Plan, Resource
from policies import ignored, removals, sensitive
from policies.findings import PACK, UNCHECKED, WAITING, Finding, JudgedRule, Origin, Subject
from policies.gate_rules import BY_NAME, IGNORED_RULE, KEPT_RULE, RECORDS_RULE

# The pack's, which passes over what it does not get to see.
TEXTS_RULE = "inputs-hold-no-known-secret"
# How a check that waits begins: see rule.Notes.
WAITS = re.compile(r"(?P<rule>[a-z0-9-]+): (?P<path>.*?) is not known yet: ")


def findings(subject: Subject) -> Iterator[Finding]:
    """Of one plan. Those of the rule WAITING are no violations."""
    plan = subject.plan
    match subject.origin:
        case Origin.PREVIEW:
            yield from _secrets_of_preview(plan)
        case Origin.STATE:
            yield from _in_the_clear(plan, sensitive.clear_in_state(plan))
            for resource, path, what in sensitive.shown_in_state(plan):
                yield _about(plan, sensitive.STATE_RULE, f"Its {path} holds {what} in the clear.", resource)
        case Origin.RECORDED:
            yield from _in_the_clear(plan, sensitive.in_the_clear(plan))
    yield from _of_places(plan)
    yield from _of_options(plan)
    yield from _of_the_stack(plan)
    if subject.previous:
        for resource, message in removals.of_protected(subject.previous, plan):
            yield _about(plan, KEPT_RULE, message, resource)
        for resource, message in removals.of_records(subject.previous, plan):
            yield _about(plan, RECORDS_RULE, message, resource)


def _of_places(plan: Plan) -> Iterator[Finding]:
    for resource, path, what in sensitive.misplaced(plan):
        yield _about(plan, sensitive.PLACES_RULE, f"Property {path} holds {what}.", resource)
    for resource, paths in sensitive.unknown(plan):
        more = f"{len(paths) - 1} more of its texts are unknown, too, and " if len(paths) > 1 else ""
        words = f"{TEXTS_RULE}: {paths[0]} is not known yet: {more}nothing says what it is made of"
        yield _waiting(plan, words, resource.urn, resource.declared_at)


def _of_options(plan: Plan) -> Iterator[Finding]:
    for resource, path in ignored.without_reason(plan):
        yield _about(plan, IGNORED_RULE, f"Changes of its property {path} are ignored.", resource)


def _of_the_stack(plan: Plan) -> Iterator[Finding]:
    """Of exports and settings."""
    for name, what in sensitive.exported(plan):
        message = f"Export {name} holds {what} and is not secret."
        yield finding(sensitive.EXPORTS_RULE, message, stack=plan.stack, urn=plan.stack_urn)
    for name, what in sensitive.configured(plan):
        message = f"Setting {name} holds {what} and is in the clear."
        yield finding(
            sensitive.SETTINGS_RULE, message, stack=plan.stack, urn=plan.stack_urn, place=f"Pulumi.{plan.stack}.yaml:1"
        )


def overdue(plan: Plan, found: Finding, rules: Mapping[str, JudgedRule]) -> Finding:
    """Of a deployed stack: what still waits is a violation of its rule, because nothing judges it later.

    But not what a property made for secrets keeps as ciphertext: no state shows it, and the packs judged it, in the
    clear, when the engine deployed it.
    """
    waits = WAITS.match(found.message) if found.rule == WAITING else None
    if waits is None:
        return found
    resource = plan.by_urn.get(found.urn)
    if resource and sensitive.is_sealed(resource, waits["path"]):
        return replace(found, message=f"{waits['rule']}: {waits['path']} is ciphertext; the packs judge it in updates.")
    rule = rules.get(waits["rule"])
    words = f"{UNCHECKED}, nor in this state: {waits['path']} is not in it."
    return replace(
        found,
        rule=waits["rule"],
        severity=rule.severity if rule else "critical",
        message=f"{words} {rule.remediation} ({rule.page})" if rule else words,
        is_unchecked=True,
    )


def finding(rule: str, message: str, *, stack: str = "", urn: str = "", place: str = "") -> Finding:
    """One of the gate's own, with the rule's remediation at the end of its message."""
    about = BY_NAME[rule]
    return Finding(
        stack=stack,
        pack=PACK,
        rule=rule,
        severity=about.severity,
        message=f"{message} {about.remediation} ({about.page})",
        urn=urn,
        place=place,
    )


def _in_the_clear(plan: Plan, found: Iterable[tuple[Resource, str]]) -> Iterator[Finding]:
    for resource, path in found:
        yield _about(plan, sensitive.INPUTS_RULE, f"Property {path} is given in the clear.", resource)


def _secrets_of_preview(plan: Plan) -> Iterator[Finding]:
    """The engine writes what it does not know yet without a mark, and no exports at all."""
    for resource, path in sensitive.in_the_clear(plan):
        if _is_unknown(resource.inputs, path.replace("[", ".").replace("]", "").split(".")):
            words = f"{sensitive.INPUTS_RULE}: {path} is not known yet, and a preview shows no mark of such a value"
            yield _waiting(plan, words, resource.urn, resource.declared_at)
        else:
            yield _about(plan, sensitive.INPUTS_RULE, f"Property {path} is given in the clear.", resource)
    for resource, path in sensitive.unseen(plan):
        words = f"{sensitive.PLACES_RULE}: {path} is not known yet, and a preview does not say what it is made of"
        yield _waiting(plan, words, resource.urn, resource.declared_at)
    yield _waiting(plan, f"{sensitive.EXPORTS_RULE}: a preview shows no exports", plan.stack_urn, "")


def _about(plan: Plan, rule: str, message: str, resource: Resource) -> Finding:
    return finding(rule, message, stack=plan.stack, urn=resource.urn, place=resource.declared_at)


def _waiting(plan: Plan, words: str, urn: str, place: str) -> Finding:
    message = f"{words}; the gate on the recorded plan and on the state judges it."
    return Finding(
        stack=plan.stack, pack=PACK, rule=WAITING, severity="unspecified", message=message, urn=urn, place=place
    )


def _is_unknown(value: Any, steps: list[str]) -> bool:
    """Whether the value at the path, or what it stands in, is not known."""
    if isinstance(value, Computed) or not steps:
        return isinstance(value, Computed)
    if isinstance(value, list):
        return _is_unknown(value[int(steps[0])], steps[1:])
    return isinstance(value, dict) and _is_unknown(value.get(steps[0]), steps[1:])
