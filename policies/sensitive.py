"""Places made for secrets, and whether the program gives them, and only them, what is secret.

Packs can't judge this: they get secrets decrypted and unmarked. The recorded plan and the state have the marks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from components import sensitive_properties
from components.sensitive_properties import PARAMETER
from plan.model import Computed, Plan, Resource, Secret, reveal
from policies import scanner

INPUTS_RULE = "sensitive-inputs-are-secret"
EXPORTS_RULE = "exports-hold-no-secret"
SETTINGS_RULE = "settings-hold-no-secret"


def in_the_clear(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource with a sensitive input that is not a secret output, and the input's path."""
    for resource in plan.resources:
        yield from ((resource, path) for path in _unmarked(resource.inputs, resource.type))


def clear_in_state(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource of a plan read from a state with a known-sensitive value that is no ciphertext, and its path.

    A part of a value that is ciphertext as a whole is out of sight, and well kept.
    """
    for resource in plan.resources:
        yield from ((resource, f"inputs.{path}") for path in _unmarked(resource.inputs, resource.type))
        made = sensitive_properties.outputs(resource.type)
        for name in made if resource.custom else ():
            if not _is_kept(resource, name):
                yield resource, f"outputs.{name}"
        # The engine gives inputs back as outputs, nested ones too.
        for path in _unmarked(resource.outputs, resource.type):
            if path not in made:
                yield resource, f"outputs.{path}"


def exported(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name of each export that is not secret and holds a secret all the same, and what it holds."""
    for name, value in sorted(plan.outputs.items()):
        for what in sorted(set(_held(plan, value, name))):
            yield name, what


def configured(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name of each setting that is in the clear and holds a secret, and what it holds."""
    for name, value in sorted(plan.settings.items()):
        for what in sorted(set(_held(plan, value, name.rpartition(":")[2]))):
            yield name, what


def _is_kept(resource: Resource, name: str) -> bool:
    if resource.type == PARAMETER and reveal(resource.inputs.get("type")) != "SecureString":
        return True
    # Providers write an output that they did not make as null, or as empty.
    value = resource.outputs.get(name)
    return isinstance(value, Secret) or value in (None, "", [], {})


def _unmarked(values: Mapping[str, Any], type_token: str) -> Iterator[str]:
    """Paths of what is made for a secret and is not marked as one."""
    for place in sensitive_properties.places(type_token):
        for path, value in sensitive_properties.reached(values, place, _is_closed):
            if not isinstance(value, Secret):
                yield path


def _is_closed(value: Any) -> bool:
    return isinstance(value, Secret | Computed)


def _held(plan: Plan, value: Any, name: str) -> Iterator[str]:
    match value:
        case str():
            yield from scanner.found(value, name)
            if value and scanner.is_secret_name(name) and scanner.is_worth_hiding(value):
                yield "what it calls a secret"
        case Computed():
            for urn, output in value.references:
                resource = plan.by_urn.get(urn)
                if resource and output in sensitive_properties.outputs(resource.type):
                    yield f"{resource.name}'s {output}"
        case dict():
            for key, item in value.items():
                yield from _held(plan, item, key)
        case list():
            for item in value:
                yield from _held(plan, item, name)
