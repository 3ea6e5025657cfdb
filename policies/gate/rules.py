"""The gate's own rules: what no pack can judge, by the secret marks of a plan and by the plan before it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.resource_types import tokens
from components.resource_types.table import of
from components.settings.stack_file import StackFile
from plan import failover
from plan.diff import Change, Kind, diff, with_new_names
from plan.model import Computed, Plan, Resource, Secret
from plan.project import ROOT
from policies.gate import sensitive
from policies.gate.several import shared
from policies.rules.findings import PACK, UNCHECKED, WAITING, Finding, JudgedRule, Origin, Subject
from policies.scan import scanner

IGNORED_RULE = "judged-properties-are-not-ignored"
KEPT_RULE = "protected-data-is-kept"
RECORDS_RULE = "dns-records-are-kept"
STACKS_RULE = "stacks-share-no-name"
HOSTNAMES_RULE = "public-hostnames-are-kept"
VERSIONS_RULE = "database-versions-are-kept"
REPOSITORY_RULE = "repository-holds-no-secret"
EXEMPTIONS_RULE = "exemptions-are-sound"
JUDGED_RULE = "stacks-can-be-judged"
# The pack's, which passes over what it does not get to see.
TEXTS_RULE = "inputs-hold-no-known-secret"
# How a check that waits begins: see rule.Notes.
UNKNOWN = re.compile(rf"{re.escape(UNCHECKED)}: (?P<path>[^:]*) is not known yet\.")
WAITS = re.compile(r"(?P<rule>[a-z0-9-]+): (?P<path>.*?) is not known yet: ")
# Of every type: they open nothing and move nothing, and others write some of them, such as a tool for costs.
ANYWHERE = frozenset({"tags"})
MOST_RECORDS = 1
"""DNS records that one change may delete or replace."""
# What clients go to by name, and where it stands.
_PUBLIC = {
    tokens.ROUTE: "pattern",
    tokens.CUSTOM_DOMAIN: "hostname",
    tokens.OLD_WORKER_DOMAIN: "hostname",
    tokens.PAGES_DOMAIN: "name",
}
_PHRASES = {Kind.REMOVED: "is deleted", Kind.REPLACED: "is replaced"}


@dataclass(frozen=True, kw_only=True)
class GateRule(JudgedRule):
    """A rule of the gate, with its reason."""

    reason: str
    pack: str = PACK


RULES: tuple[GateRule, ...] = (
    GateRule(
        name=sensitive.INPUTS_RULE,
        description="Inputs made for secrets, such as passwords and SecureStrings, are given as secret outputs.",
        reason=(
            "An input that is not marked as secret stands in the state in the clear, and in every preview. "
            "Packs get secrets decrypted and unmarked, so only the gate, which has the marks, can tell (pulumi-policy, "
            "deserialize_properties)."
        ),
        severity="critical",
        remediation="Give it as a secret output.",
    ),
    GateRule(
        name=sensitive.PLACES_RULE,
        description="A secret output goes only into a property that is made for secrets.",
        reason=(
            "A tag, a description or a variable shows its value to whoever may look at the resource, whatever mark it "
            "bears in the state. What is made of a secret without its mark (`Output.unsecret`) stands in the state in "
            "the clear as well; the recorded plan says what a value is made of."
        ),
        severity="critical",
        remediation="Hand it over as an SSM SecureString, a secret_text binding or the service's own kind of secret.",
    ),
    GateRule(
        name=sensitive.STATE_RULE,
        description="No ID and no output of what is deployed is a secret in the clear.",
        reason=(
            "Whoever may read the state reads it. A provider gives inputs back as outputs, under other names and "
            "without their marks; judged by the issuers' formats, because what a cloud makes up is random, too."
        ),
        severity="critical",
        remediation="Renew it, it has been seen; then give it as a secret output, and refresh.",
    ),
    GateRule(
        name=sensitive.EXPORTS_RULE,
        description="An export that is not secret holds nothing that looks like a secret, and no secret output.",
        reason="Exports stand in the state, are printed after each update, and other stacks may read them.",
        severity="critical",
        remediation="Leave it out, or export it as a secret output.",
    ),
    GateRule(
        name=sensitive.SETTINGS_RULE,
        description="A setting that is not encrypted holds nothing that looks, or is called, like a secret.",
        reason=(
            "Pulumi.STACK.yaml is in the repository, and the engine writes plain settings into the state and every "
            "preview (Pulumi, Configuration)."
        ),
        severity="critical",
        remediation="Set it again with `pulumi config set --secret`.",
    ),
    GateRule(
        name=IGNORED_RULE,
        description="Changes are ignored only of properties for which the row of their type has a reason.",
        reason=(
            "The engine does not set a property whose changes are ignored, so a firewall or a switch may stay open "
            "while the program, and every rule that judges it, says that it is shut."
        ),
        severity="high",
        remediation="Take it out of ignore_changes, or add it with its reason to `may_ignore` in the type's row.",
    ),
    GateRule(
        name=KEPT_RULE,
        description="Nothing that is protected is deleted, replaced or loses its protection.",
        reason=(
            "Protected resources hold data. The engine refuses to delete one, but not to take its protection away, "
            "which is the first half of the same act."
        ),
        severity="critical",
        remediation="Keep it; where it has to go, exempt it here, with a date and after a restore has been tried.",
    ),
    GateRule(
        name=RECORDS_RULE,
        description="At most one DNS record is deleted or replaced at a time.",
        reason=(
            "A record that is replaced is away for a moment, and resolvers remember that it was away. One is a "
            "change; several at once are more often a mistake in a setting (as octoDNS, which refuses large plans)."
        ),
        severity="high",
        remediation="Change them one by one, or exempt those that are meant.",
    ),
    GateRule(
        name=STACKS_RULE,
        description="Stacks that are gated together share no host name, no name of a resource and no singleton.",
        reason=(
            "A personal stack begins as a copy of another one's settings. The second to be deployed fails half-way, or "
            "takes the first one's visitors: Cloudflare gives a route to whoever asks last."
        ),
        severity="critical",
        remediation="Give each stack names of its own, and set what an account has once to true in one of its stacks.",
    ),
    GateRule(
        name=HOSTNAMES_RULE,
        description="A host name that people or programs go to stays one.",
        reason=(
            "Bookmarks, clients, redirects after sign-in and other sites lead to the old name, and would get an error. "
            "A new name is added beside it, and the old one goes when nobody asks for it any more."
        ),
        severity="critical",
        remediation="Keep it, with a second route or record for the new name; where it has to go, exempt it here.",
    ),
    GateRule(
        name=VERSIONS_RULE,
        description="A database host keeps the major version of its PostgreSQL.",
        reason=(
            "A cluster's files are of one major version: another server does not start on them (PostgreSQL, "
            "Upgrading a PostgreSQL Cluster)."
        ),
        severity="critical",
        remediation="Declare a second host of the new version in postgresHosts, and fill it from a dump.",
    ),
    GateRule(
        name=REPOSITORY_RULE,
        description="No file of the repository and none of its history holds a secret.",
        reason="Whoever has a clone has every version of every file. A secret that was once pushed has been seen.",
        severity="critical",
        remediation="Take it out, and out of the history.",
    ),
    GateRule(
        name=JUDGED_RULE,
        description="What is to be judged can be read: settings, program, plan, preview and state.",
        reason="What nobody could look at is not sound, and a report that does not say so looks like one that passed.",
        severity="critical",
        remediation="Mend it, then gate again.",
    ),
    GateRule(
        name=EXEMPTIONS_RULE,
        description="Every exemption is for a rule that is there, needed, narrow and not expired.",
        reason="An exemption that nobody needs any more waits for the next mistake to let it pass.",
        severity="high",
        remediation="Mend policies/exemptions.yaml.",
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}


def own_findings(subject: Subject) -> Iterator[Finding]:
    """What the gate's own rules find in one plan. Findings of WAITING are not violations."""
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
        for resource, message in removed_protected(subject.previous, plan):
            yield _about(plan, KEPT_RULE, message, resource)
        for resource, message in removed_records(subject.previous, plan):
            yield _about(plan, RECORDS_RULE, message, resource)
        for resource, message, setting in removed_hostnames(subject.previous, plan):
            yield _of_setting(plan, HOSTNAMES_RULE, message, resource, setting)
        for resource, message, setting in changed_versions(subject.previous, plan):
            yield _of_setting(plan, VERSIONS_RULE, message, resource, setting)


def not_judged(subject: Subject) -> Iterator[tuple[str, str]]:
    """Own rules that say nothing of this subject, and why."""
    if subject.previous is None:
        yield KEPT_RULE, "there is no plan of before to compare with: --previous, or a preview of what is deployed"
        yield RECORDS_RULE, "there is no plan of before to compare with: --previous, or a preview of what is deployed"
    if subject.origin is not Origin.STATE:
        yield sensitive.STATE_RULE, "only a state shows what is deployed: --state"
    if subject.origin is Origin.STATE:
        yield sensitive.SETTINGS_RULE, "a state holds no settings: the gate on the recorded plan judges them"
    yield JUDGED_RULE, "it stands outside of the stacks"
    yield REPOSITORY_RULE, "it is about no stack: --repository"
    yield EXEMPTIONS_RULE, "it is about no stack: its violations stand outside of the stacks"


def _of_places(plan: Plan) -> Iterator[Finding]:
    for resource, path, what in sensitive.misplaced(plan):
        yield _about(plan, sensitive.PLACES_RULE, f"Property {path} holds {what}.", resource)
    for resource, paths in sensitive.unknown(plan):
        more = f"{len(paths) - 1} more of its texts are unknown, too, and " if len(paths) > 1 else ""
        check = f"{TEXTS_RULE}: {paths[0]} is not known yet: {more}nothing says what it is made of"
        yield _waiting(plan, check, resource.urn, resource.declared_at)


def _of_options(plan: Plan) -> Iterator[Finding]:
    for resource, path in ignored_without_reason(plan):
        yield _about(plan, IGNORED_RULE, f"Changes of its property {path} are ignored.", resource)


def _of_the_stack(plan: Plan) -> Iterator[Finding]:
    """Findings about exports and settings."""
    for name, what in sensitive.exported(plan):
        message = f"Export {name} holds {what} and is not secret."
        yield own_finding(sensitive.EXPORTS_RULE, message, stack=plan.stack, urn=plan.stack_urn)
    file = StackFile.of(plan.stack, ROOT)
    for name, what in sensitive.configured(plan):
        message = f"Setting {name} holds {what} and is in the clear. {scanner.advice(what)}"
        place = f"{file.name}:{file.line(name) or 1}"
        yield own_finding(sensitive.SETTINGS_RULE, message, stack=plan.stack, urn=plan.stack_urn, place=place)


def overdue(plan: Plan, found: Finding, rules: Mapping[str, JudgedRule]) -> Finding:
    """The finding as a violation of its rule where it is a waiting check: in a deployed stack nothing judges it later.

    A secret property's ciphertext stays a waiting check: no state shows it, and the packs judged the plain value when
    the engine deployed it.
    """
    waits = WAITS.match(found.message) if found.rule == WAITING else None
    if waits is None:
        return found
    resource = plan.by_urn.get(found.urn)
    if resource and sensitive.is_sealed(resource, waits["path"]):
        return replace(found, message=f"{waits['rule']}: {waits['path']} is ciphertext; the packs judge it in updates.")
    rule = rules.get(waits["rule"])
    message = f"{UNCHECKED}, nor in this state: {waits['path']} is not in it."
    return replace(
        found,
        rule=waits["rule"],
        severity=rule.severity if rule else "critical",
        message=f"{message} {rule.remediation} ({rule.page})" if rule else message,
        is_unchecked=True,
    )


def sealed(plan: Plan, found: Finding) -> Finding:
    """The finding as a waiting check where it is of a list that the engine has encrypted as a whole.

    It does so with each list that holds a secret. The packs judged what is in it as the engine ran, and the recorded
    plan shows all of it but the secret.
    """
    hidden = UNKNOWN.match(found.message) if found.is_unchecked else None
    if hidden is None:
        return found
    # A rule for whole stacks does not say of which resource.
    about = [plan.by_urn[found.urn]] if found.urn in plan.by_urn else plan.resources
    if not any(sensitive.is_sealed(resource, hidden["path"]) for resource in about):
        return found
    message = f"{found.rule}: {hidden['path']} is ciphertext; the packs judge it in updates."
    return replace(found, rule=WAITING, severity="unspecified", message=message, is_unchecked=False)


def own_finding(rule: str, message: str, *, stack: str = "", urn: str = "", place: str = "") -> Finding:
    """A finding of one of the gate's own rules; the rule's remediation ends its message."""
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
    """Secret inputs in a preview, which shows unknown values without their marks, and no exports."""
    for resource, path in sensitive.in_the_clear(plan):
        if _is_unknown(resource.inputs, path.replace("[", ".").replace("]", "").split(".")):
            check = f"{sensitive.INPUTS_RULE}: {path} is not known yet, and a preview shows no mark of such a value"
            yield _waiting(plan, check, resource.urn, resource.declared_at)
        else:
            yield _about(plan, sensitive.INPUTS_RULE, f"Property {path} is given in the clear.", resource)
    for resource, path in sensitive.unseen(plan):
        check = f"{sensitive.PLACES_RULE}: {path} is not known yet, and a preview does not say what it is made of"
        yield _waiting(plan, check, resource.urn, resource.declared_at)
    yield _waiting(plan, f"{sensitive.EXPORTS_RULE}: a preview shows no exports", plan.stack_urn, "")


def _about(plan: Plan, rule: str, message: str, resource: Resource) -> Finding:
    return own_finding(rule, message, stack=plan.stack, urn=resource.urn, place=resource.declared_at)


def _of_setting(plan: Plan, rule: str, message: str, resource: Resource, setting: str) -> Finding:
    """About a resource, at the line of the setting that it comes from where that is in the stack's file."""
    file = StackFile.of(plan.stack, ROOT)
    line = file.line(setting) if setting else None
    place = f"{file.name}:{line}" if line else resource.declared_at
    return own_finding(rule, message, stack=plan.stack, urn=resource.urn, place=place)


def of_several(plans: Sequence[Plan]) -> Iterator[tuple[Plan, Finding]]:
    """What stacks have twice, each with the plan of the later one."""
    for one in shared(plans):
        urn = one.resource.urn if one.resource else one.plan.stack_urn
        yield one.plan, own_finding(STACKS_RULE, one.message, stack=one.plan.stack, urn=urn, place=one.place)


def _waiting(plan: Plan, check: str, urn: str, place: str) -> Finding:
    message = f"{check}; the gate on the recorded plan and on the state judges it."
    return Finding(
        stack=plan.stack, pack=PACK, rule=WAITING, severity="unspecified", message=message, urn=urn, place=place
    )


def _is_unknown(value: Any, steps: list[str]) -> bool:
    """Whether the value at the path, or a value around it, is unknown."""
    if isinstance(value, Computed) or not steps:
        return isinstance(value, Computed)
    if isinstance(value, list):
        return _is_unknown(value[int(steps[0])], steps[1:])
    return isinstance(value, dict) and _is_unknown(value.get(steps[0]), steps[1:])


def ignored_without_reason(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource that ignores changes of a property, and the property, where its row has no reason."""
    for resource in plan.resources:
        for path in resource.options.ignore_changes:
            has_reason = path in ANYWHERE or path in of(resource.type).may_ignore
            if not has_reason and not _is_a_switch_out_of_use(plan, resource, path):
                yield resource, path


def _is_a_switch_out_of_use(plan: Plan, resource: Resource, path: str) -> bool:
    """Whether it is a failover host's route while plan B of a rollback is in force, which leads no request there."""
    host = plan.by_urn.get(resource.parent or "")
    if host is None or host.type != tokens.FAILOVER_HOST or failover.switch(plan, host) != resource:
        return False
    return path == "script" and failover.is_led_past(plan, host)


def removed_protected(old: Plan, new: Plan) -> Iterator[tuple[Resource, str]]:
    """Each protected resource that is deleted, replaced or unprotected, and a message that says so."""
    for change in _changes(old, new):
        was_protected = change.loses_protection or change.resource.options.protect
        if was_protected and change.kind in _PHRASES:
            yield change.resource, f"This resource is protected, and {_PHRASES[change.kind]}{_why(change)}."
        elif change.loses_protection:
            yield change.resource, "This resource loses its protection."


def _why(change: Change) -> str:
    """Which properties replace it, and what to do in place of that."""
    names = sorted({found.path for found in change.properties if found.is_replacing})
    if change.kind is not Kind.REPLACED or not names:
        return ""
    is_of_a_host = change.resource.type.startswith("aws:lightsail/")
    instead = (
        ": a host grows, or gets another version, by a second one in postgresHosts that takes over "
        "(docs/runbooks/database.md#resize-by-restore)"
        if is_of_a_host
        else ""
    )
    return f" because of {', '.join(names[:3])}{instead}"


def removed_records(old: Plan, new: Plan) -> Iterator[tuple[Resource, str]]:
    """Each DNS record that is deleted or replaced, when they are more than MOST_RECORDS, and a message."""
    going = [
        change for change in _changes(old, new) if of(change.resource.type).is_dns_record and change.kind in _PHRASES
    ]
    if len(going) <= MOST_RECORDS:
        return
    total = sum(of(resource.type).is_dns_record for resource in old.resources)
    counted = f"{len(going)} of {total} records go at once; allowed: {MOST_RECORDS}."
    for change in going:
        yield change.resource, f"This DNS record {_PHRASES[change.kind]}. {counted}"


def removed_hostnames(old: Plan, new: Plan) -> Iterator[tuple[Resource, str, str]]:
    """Each resource whose public host name nobody answers any more, a message, and the setting of the name."""
    kept = {name for _, name in _public_names(new)}
    settings = {f"hybrid:{key}": key for key in ("siteHostname", "apiHostname")}
    told: set[str] = set()
    for resource, name in _public_names(old):
        if name in kept or name in told:
            continue
        told.add(name)
        now = new.by_urn.get(resource.urn)
        names = [given for found, given in _public_names(new) if found is now]
        setting = next((key for full, key in settings.items() if new.settings.get(full) in names), "")
        yield now or resource, f"{name} was public, and nobody would answer it.", setting


def _public_names(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Host names that clients go to; a name that is not known yet is none."""
    for resource in plan.resources:
        given = resource.inputs.get(_PUBLIC.get(resource.type, ""))
        if isinstance(given, str) and not resource.is_left_over:
            yield resource, given.rpartition("://")[2].split("/")[0].lower().rstrip(".")


def changed_versions(old: Plan, new: Plan) -> Iterator[tuple[Resource, str, str]]:
    """Each database host with another major version than it had, a message, and its setting."""
    for resource in new.of_type(tokens.POSTGRES_HOST):
        was = old.by_urn.get(resource.urn)
        before, after = (_major(found) for found in (was, resource))
        if before is not None and after is not None and before != after:
            yield resource, f"This host's PostgreSQL is {before}, and would be {after}.", "postgresHosts"


def _major(host: Resource | None) -> int | None:
    """None where there is no host, or where it does not say."""
    for values in (host.inputs, host.outputs) if host else ():
        match values.get("specification"):
            case {"postgres": {"major": int(major)}}:
                return major
    return None


def _changes(old: Plan, new: Plan) -> list[Change]:
    """Changes between the plans. A value that one of them does not know yet counts as unchanged."""
    old = with_new_names(old, new)
    both = [
        replace(found, inputs=_aligned(found.inputs, new.by_urn[found.urn].inputs))
        if found.urn in new.by_urn
        else found
        for found in old.resources
        # The engine deletes what is left over from a replacement in any case.
        if not found.is_left_over
    ]
    return diff(replace(old, resources=tuple(both)), new)


def _aligned(old: Any, new: Any) -> Any:
    """The old value, with the new one wherever they can't be compared."""
    if isinstance(old, Secret) or isinstance(new, Secret):
        return new
    if isinstance(old, Computed) or isinstance(new, Computed):
        return new
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _aligned(item, new[key]) if key in new else item for key, item in old.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_aligned(before, after) for before, after in zip(old, new, strict=True)]
    return old
