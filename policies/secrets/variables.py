"""Values that a program gets beside its code: bindings, environment variables (Lambda), parameters of a document."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity
from pulumi_policy.proxy import UnknownValueError

from components.resource_types import tokens
from policies.rules.rule import Rule
from policies.scan import scanner
from policies.scan.wrapping import called_by_neighbour
from policies.secrets.texts import texts
from policies.secrets.user_data import SCRIPTS

WORKERS = (
    tokens.OLD_WORKER_SCRIPT,
    tokens.WORKER_VERSION,
    tokens.WORKERS_SCRIPT,
)
# Property names under which a type keeps variables, wherever they stand; lower case.
VARIABLES = frozenset(
    ("environment", "environments", "environmentvariables", "envvars", "env", "variables", "vars", "parameters", "tags")
)
# JSON text with variables in it.
DOCUMENTS = {"containerDefinitions": "environment", "containerProperties": "environment"}
ENCRYPTED = ("secret_text", "secret_key", "secrets_store_secret", "encrypted", "sensitive", "secret", "SecureString")


def _bindings_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    for index, binding in enumerate(args.props.get("bindings") or []):
        if binding["type"] in ("plain_text", "json"):
            if _is_called_a_secret(binding["name"], binding, "text", "json"):
                yield f"Binding {index} of this Worker is called like a secret and is plain text."
                continue
            try:
                is_inside = _names_inside(binding.get("json")) or _names_inside(_parsed(binding.get("text")))
            except UnknownValueError:
                continue
            if is_inside:
                yield f"Binding {index} of this Worker is plain text, and a value in it is called like a secret."
    for name in args.props.get("plainTextBindings") or []:
        yield from _of_old_kind(name)


def _of_old_kind(binding: Any) -> Iterator[str]:
    if isinstance(binding, Mapping) and _is_called_a_secret(binding.get("name") or "", binding, "text"):
        yield "A plain-text binding of this Worker is called like a secret."


def _is_called_a_secret(name: str, values: Mapping[str, Any], *keys: str) -> bool:
    """Whether a value has a secret's name and may be one; one that is not known yet may be."""
    for key in keys:
        try:
            value = values.get(key)
        except UnknownValueError:
            return scanner.is_secret_name(name)
        if value is not None:
            return _is_secret(name, value)
    return scanner.is_secret_name(name)


def _is_secret(name: str, value: Any) -> bool:
    """Of a list any may be one; what has parts is judged by their names, and a switch or a number is none."""
    if isinstance(value, str):
        return scanner.is_secret(name, value)
    return isinstance(value, Sequence) and any(
        isinstance(item, str) and scanner.is_secret(name, item) for item in value
    )


def _names_inside(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_secret(key, value[key]) or _names_inside(value[key]) for key in value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_names_inside(item) for item in value)
    return False


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


def _variables_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type in WORKERS:
        return
    for path in _variables(args.props, "", is_inside=False):
        yield f"Variable {path} is called like a secret and stands in the clear."
    for item in texts(args) if args.resource_type not in SCRIPTS else ():
        if not item.is_sensitive and scanner.sets(item.text):
            yield f"Property {item.path} sets something that is called like a secret."


def _variables(value: Any, path: str, *, is_inside: bool) -> Iterator[str]:
    """Paths of the variables that are called like secrets, and whose values are text."""
    if isinstance(value, Mapping):
        name = called_by_neighbour(value) if is_inside else ""
        if name and not _is_encrypted(value) and _is_called_a_secret(name, value, "value", "text"):
            yield path
        for key in value:
            yield from _variable(value, key, f"{path}.{key}".lstrip("."), is_inside)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index in range(len(value)):
            try:
                item = value[index]
            except UnknownValueError:
                if is_inside:
                    raise
                continue
            yield from _variables(item, f"{path}[{index}]", is_inside=is_inside)


def _variable(value: Mapping[str, Any], key: str, path: str, is_inside: bool) -> Iterator[str]:
    shown = path if not scanner.found(key) else "[a key]"
    is_here = is_inside or key.lower() in VARIABLES
    try:
        item = value[key]
    except UnknownValueError:
        if is_inside and scanner.is_secret_name(key):
            yield shown
        elif key.lower() in VARIABLES:
            raise
        return
    if key in DOCUMENTS:
        item = _parsed(item)
    if is_inside and _is_given(key, item):
        yield shown
    else:
        yield from _variables(item, shown, is_inside=is_here)


def _is_given(key: str, item: Any) -> bool:
    if isinstance(item, Mapping):
        has_value = "value" in item or "text" in item
        return has_value and not _is_encrypted(item) and _is_called_a_secret(key, item, "value", "text")
    return _is_secret(key, item)


def _is_encrypted(entry: Mapping[str, Any]) -> bool:
    return entry.get("type") in ENCRYPTED or entry.get("sensitive") is True


RULES = (
    Rule(
        name="plain-text-bindings-hold-no-secret",
        description="A Worker's plain-text bindings can be read in the dashboard.",
        reason="Cloudflare shows plain-text and JSON bindings to every member; secret_text it never shows again.",
        severity=Severity.HIGH,
        remediation="Bind it as secret_text.",
        passes_unknown="a text that is made of what AWS makes, such as a user pool's id, is not known yet; its name is",
        check=_bindings_are_clean,
        types=WORKERS,
    ),
    Rule(
        name="variables-hold-no-secret",
        description="No variable, parameter or tag in the clear is called like a secret.",
        reason=(
            "Environment variables of functions, containers and sites, parameters of documents and tags are shown to "
            "whoever may describe the resource, and the AWS provider marks none of them as secret (FACTS B4)."
        ),
        severity=Severity.HIGH,
        remediation="Give the name of an SSM SecureString, or use the service's own kind of secret.",
        check=_variables_are_clean,
    ),
)
