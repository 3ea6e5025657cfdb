"""Secrets in any text of a resource and of the stack's outputs: by form and by entropy, whole or in two halves."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.resource_types.table import of
from components.secrets import properties
from plan.model import PROVIDERS, STACK_TYPE
from policies.rules import sdk_reading
from policies.rules.rule import Rule, StackRule
from policies.scan import scanner
from policies.scan.randomness import RANDOM
from policies.scan.wrapping import called_by_neighbour

CLOUDFLARE_ID = re.compile(r"[0-9a-f]{32}")
OWN_WORDS = re.compile(r"\b(?:bindings|envVars|json|text|value|content|comment|description|tags|vars)\b|^its name$")
# Half a resource's texts are tags; nobody would split a secret into more than these together.
MOST_PIECES = 400


@dataclass(frozen=True, kw_only=True)
class KnownText:
    """A known text of a resource."""

    path: str
    """Path for a message, without keys that hold a secret."""
    name: str
    """The nearest key, or what stands beside the value as its name."""
    text: str
    is_sensitive: bool
    """The property is made for a secret."""


def texts(args: ResourceValidationArgs) -> Iterator[KnownText]:
    """All texts, with keys and the resource's own name.

    Unknown ones are skipped: nobody wrote what a cloud generates, and what it is made of is judged where it is known.
    """
    yield KnownText(path="its name", name="", text=args.name, is_sensitive=False)
    sensitive = set(sensitive_paths(args.resource_type, args.props))
    for path, item in all_texts(args.props):
        is_inside = any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in sensitive)
        yield replace(item, is_sensitive=True) if is_inside else item


def all_texts(values: Mapping[str, Any]) -> Iterator[tuple[str, KnownText]]:
    """Each known text of some properties, with its real path; keys too."""
    return _texts(values, "", "", "")


def sensitive_paths(type_token: str, props: Mapping[str, Any]) -> Iterator[str]:
    """Paths of the properties that this resource has for secrets, known or not."""
    for pattern in properties.inputs(type_token):
        for path, *_ in properties.reached(props, pattern, lambda part: part is _UNKNOWN, _known_or_not):
            yield path


_UNKNOWN = object()


def _known_or_not(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except UnknownValueError:
        return _UNKNOWN


def _texts(value: Any, path: str, shown: str, name: str) -> Iterator[tuple[str, KnownText]]:
    """Each text with its real path."""
    match value:
        case str():
            yield path, KnownText(path=shown, name=name, text=value, is_sensitive=False)
        case pulumi.StringAsset():
            yield path, KnownText(path=shown, name=name, text=value.text, is_sensitive=False)
        case Mapping():
            called = _called(value)
            for key in value:
                below = f"{shown}.{'[a key]' if scanner.found(key) else key}".lstrip(".")
                yield f"{path}.{key}".lstrip("."), KnownText(path=below, name="", text=key, is_sensitive=False)
                inner_name = called if called and key in ("value", "text") else key
                yield from _at(value, key, f"{path}.{key}".lstrip("."), below, inner_name)
        case Sequence():
            for index in range(len(value)):
                yield from _at(value, index, f"{path}[{index}]", f"{shown}[{index}]", name)


def _at(value: Any, key: Any, path: str, shown: str, name: str) -> Iterator[tuple[str, KnownText]]:
    try:
        item = value[key]
    except UnknownValueError:
        return
    yield from _texts(item, path, shown, name)


def _called(value: Mapping[str, Any]) -> str:
    try:
        return called_by_neighbour(value)
    except UnknownValueError:
        return ""


def _inputs_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    for item in texts(args):
        for what in () if item.is_sensitive else scanner.found(item.text, item.name):
            if what != RANDOM or not _is_public(args.resource_type, item):
                called = "Its name" if item.path == "its name" else f"Property {item.path}"
                yield f"{called} holds {what}. {scanner.advice(what)}"


def _is_public(type_token: str, item: KnownText) -> bool:
    """Whether a random text is public where it stands: what DNS says to everybody, and an ID of Cloudflare's.

    Cloudflare writes all its IDs so, without a name: of zones, rulesets, rules and permission groups. Some of its
    properties hold people's own words.
    """
    if of(type_token).is_dns_record or type_token == "aws:route53/record:Record":
        return True
    is_id = type_token.startswith("cloudflare:") and CLOUDFLARE_ID.fullmatch(item.text) is not None
    return is_id and not OWN_WORDS.search(item.path)


def _secrets_are_not_split(args: ResourceValidationArgs) -> Iterator[str]:
    items = [item for item in texts(args) if not item.is_sensitive and item.text][:MOST_PIECES]
    for first, second in scanner.split([(item.name, item.text) for item in items]):
        yield f"{_called_path(items[first])} and {_called_path(items[second])} hold a secret together."
        # One is enough: of many random values every pair would be reported.
        return


def _called_path(item: KnownText) -> str:
    return "Its name" if item.path == "its name" else f"property {item.path}"


_UNWRITTEN = (
    "nobody wrote what a cloud generates. The gate on the recorded plan judges what the program wrote around it "
    "and whether it is made of a secret, lists a text of which it knows neither, and judges all of it in the state"
)


def _outputs_are_clean(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        if not _is_component(resource):
            continue
        marked = sdk_reading.marked_outputs(resource.urn)
        for path, item in all_texts(resource.props):
            if any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in marked):
                continue
            for what in scanner.found(item.text, item.name):
                yield f"Output {item.path} holds {what} and is not secret. {scanner.advice(what)}", resource.urn
            if scanner.is_secret(item.name, item.text):
                yield f"Output {item.path} holds what it calls a secret and is not secret.", resource.urn


def _is_component(resource: PolicyResource) -> bool:
    """The stack is one; the protocol does not say so, but what a provider makes has a module with a slash."""
    if resource.resource_type == STACK_TYPE:
        return True
    is_provided = resource.provider is not None or resource.resource_type.startswith(PROVIDERS)
    return not is_provided and "/" not in resource.resource_type


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="inputs-hold-no-known-secret",
        description="Nothing that looks like a key, a token or a password stands where it is not kept secret.",
        reason=(
            "Tags, names, descriptions, policies and variables can be read by whoever may look at the resource, and "
            "stand in the state in the clear. Base64, gzip and JSON hide nothing. Judged by the issuers' published "
            "formats and by entropy (bc-detect-secrets and patterns of our own)."
        ),
        severity=Severity.CRITICAL,
        remediation="Make it a secret setting, or generate it with RandomPassword.",
        passes_unknown=_UNWRITTEN,
        check=_inputs_are_clean,
    ),
    Rule(
        name="secrets-are-not-split",
        description="No two values of a resource make a secret when they are put together.",
        reason="Half a key in each of two tags gets past a search of each, and is as public as a whole one.",
        severity=Severity.CRITICAL,
        remediation="Hand it over as one secret.",
        passes_unknown=_UNWRITTEN,
        check=_secrets_are_not_split,
    ),
    StackRule(
        name="outputs-hold-no-known-secret",
        description="No export, and no output of a component, holds a secret that is not marked as one.",
        reason=(
            "Outputs stand in the state, and exports are printed after each update. The engine says which outputs are "
            "secret, though the SDK takes the marks away (seen on the engine); those are passed over."
        ),
        severity=Severity.CRITICAL,
        remediation="Leave it out, or give it as a secret output.",
        passes_unknown=(
            "what it is made of is judged where it is known, and the gate judges what the recorder knows of it"
        ),
        check=_outputs_are_clean,
    ),
)
