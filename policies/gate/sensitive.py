"""Whether the program gives secrets to properties made for secrets, and to no others.

Packs can't judge this: they get secrets decrypted and unmarked. The recorded plan and the state have the marks.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from components.resource_types import tokens
from components.secrets import properties
from components.settings.stack_file import StackFile
from plan.model import PROVIDERS, Computed, Plan, Resource, Secret, at, reveal
from plan.project import Project
from policies.scan import patterns, scanner, wrapping
from policies.scan.randomness import RANDOM

INPUTS_RULE = "sensitive-inputs-are-secret"
PLACES_RULE = "secrets-go-only-where-they-are-kept"
STATE_RULE = "states-hold-no-known-secret"
EXPORTS_RULE = "exports-hold-no-secret"
SETTINGS_RULE = "settings-hold-no-secret"


def in_the_clear(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource with a sensitive input that is not a secret output, and the input's path."""
    for resource in plan.resources:
        yield from ((resource, path) for path in _unmarked(resource.inputs, resource.type))


def clear_in_state(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource of a plan read from a state with a known-sensitive value that is not ciphertext, and its path.

    Parts of a value that is ciphertext as a whole are not looked at.
    """
    for resource in plan.resources:
        yield from ((resource, f"inputs.{path}") for path in _unmarked(resource.inputs, resource.type))
        made = properties.outputs(resource.type)
        for name in made if resource.custom else ():
            if not _is_kept(resource, name):
                yield resource, f"outputs.{name}"
        # The engine gives inputs back as outputs, nested ones too.
        for path in _unmarked(resource.outputs, resource.type):
            if path not in made:
                yield resource, f"outputs.{path}"


def misplaced(plan: Plan) -> Iterator[tuple[Resource, str, str]]:
    """Each resource with a secret in a property that is not made for one: the path, and a phrase for the secret.

    A component shows its outputs in the state, where a marked one is ciphertext. Providers are shown to nobody.
    """
    for resource in plan.resources:
        if not resource.custom:
            yield from ((resource, f"outputs.{path}", what) for path, what in _secrets(plan, resource.outputs, ""))
            continue
        known = set(_secret_paths(resource))
        # The SDK marks some by itself, whatever they hold.
        marked = properties.marked_by_itself(resource.type)
        inputs = {key: reveal(value) if key in marked else value for key, value in resource.inputs.items()}
        for path, what in _secrets(plan, inputs, "", is_mark_enough=resource.type.startswith(PROVIDERS)):
            if not _is_within(path, known):
                yield resource, path, what


def is_sealed(resource: Resource, path: str) -> bool:
    """Whether an input, by its path, is made for a secret and given as one."""
    return path in set(_secret_paths(resource)) and isinstance(at(resource.inputs, *path.split(".")), Secret)


def unseen(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Inputs that the engine writes without saying what they are made of, where that may be a secret."""
    for resource in plan.resources:
        known = set(_secret_paths(resource))
        for name, urns in resource.property_dependencies.items() if resource.custom else ():
            made = [plan.by_urn[urn] for urn in urns if urn in plan.by_urn]
            if not any(properties.outputs(one.type) for one in made):
                continue
            for path in _unknown(resource.inputs.get(name), name):
                if not _is_within(path, known):
                    yield resource, path


def unknown(plan: Plan) -> Iterator[tuple[Resource, Sequence[str]]]:
    """Each resource with texts of which nothing at all is known, not even what they are made of: their paths."""
    for resource in plan.resources:
        known = set(_secret_paths(resource))
        paths = [path for path in _unknown(resource.inputs, "") if not _is_within(path, known)]
        if paths and resource.custom:
            yield resource, paths


def shown_in_state(plan: Plan) -> Iterator[tuple[Resource, str, str]]:
    """Each deployed resource whose ID, or an output in the clear, is a secret by its form: path and kind."""
    for resource in plan.resources:
        if not resource.custom:
            continue
        for what in patterns.found(resource.identifier):
            yield resource, "id", what
        for path, text in _texts(resource.outputs, "outputs"):
            # By issuers' formats only: what a cloud generates is random and no secret.
            for layer in wrapping.layers(text) if len(text) >= patterns.SHORTEST else ():
                for what in patterns.found(layer.text):
                    yield resource, path, what


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


def refused(project: Project, stack: str) -> Iterator[str]:
    """A line for each setting of a stack, in the clear and with a secret, where no plan could be recorded to judge."""
    configuration = project.configuration(stack)
    settings = {key: text for key, text in configuration.values.items() if key not in configuration.secret_keys}
    plan = Plan(project=project.name, stack=stack, resources=(), settings=settings)
    # The first kind: what else it looks like is the same value.
    held = dict(reversed(list(configured(plan))))
    file = StackFile.of(stack, project.folder)
    for name, what in sorted(held.items()):
        place = f"{stack}: {file.place(name)}{name}"
        act = "remove it" if what == RANDOM else "it has been seen: renew it, and remove it"
        yield f"{place}: holds {what}, in the clear; {act}"


def _secret_paths(resource: Resource) -> Iterator[str]:
    for pattern in properties.inputs(resource.type):
        for path, *_ in properties.reached(resource.inputs, pattern, _is_closed):
            yield path


def _is_within(path: str, paths: Collection[str]) -> bool:
    return any(path == outer or path.startswith((f"{outer}.", f"{outer}[")) for outer in paths)


def _secrets(plan: Plan, value: Any, path: str, *, is_mark_enough: bool = True) -> Iterator[tuple[str, str]]:
    """Path of each secret inside a value, and what it is."""
    match value:
        case Secret():
            if not is_mark_enough:
                yield path, "a secret output"
        case Computed() | str():
            yield from ((path, what) for what in _laundered(plan, value))
        case dict():
            for key, item in value.items():
                yield from _secrets(plan, item, f"{path}.{key}".lstrip("."), is_mark_enough=is_mark_enough)
        case list():
            for index, item in enumerate(value):
                yield from _secrets(plan, item, f"{path}[{index}]", is_mark_enough=is_mark_enough)


def _laundered(plan: Plan, value: Computed | str) -> Iterator[str]:
    """Each secret that an unmarked value is made of."""
    if isinstance(value, Computed):
        for urn, output in value.references:
            resource = plan.by_urn.get(urn)
            if resource and _is_secret_output(resource, output):
                yield f"{resource.name}'s {output}"
    if plan.stand_ins:
        text = value.template if isinstance(value, Computed) else value
        layers = [layer.text for layer in wrapping.layers(text)]
        for stand_in, name in plan.stand_ins.items():
            if any(stand_in in layer for layer in layers):
                yield f"the secret setting {name}"


def _is_secret_output(resource: Resource, output: str) -> bool:
    if resource.type == tokens.PARAMETER and reveal(resource.inputs.get("type")) in ("String", "StringList"):
        return False
    return output in properties.outputs(resource.type) or output in resource.options.additional_secret_outputs


def _unknown(value: Any, path: str) -> Iterator[str]:
    match value:
        case Computed(""):
            yield path
        case dict():
            for key, item in value.items():
                yield from _unknown(item, f"{path}.{key}".lstrip("."))
        case list():
            for index, item in enumerate(value):
                yield from _unknown(item, f"{path}[{index}]")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, item in value.items():
                yield path, str(key)
                yield from _texts(item, f"{path}.{key}")
        case list():
            for index, item in enumerate(value):
                yield from _texts(item, f"{path}[{index}]")


def _is_kept(resource: Resource, name: str) -> bool:
    if resource.type == tokens.PARAMETER and reveal(resource.inputs.get("type")) != "SecureString":
        return True
    # Providers write an output that they did not make as null, or as empty.
    value = resource.outputs.get(name)
    return isinstance(value, Secret) or value in (None, "", [], {})


def _unmarked(values: Mapping[str, Any], type_token: str) -> Iterator[str]:
    """Paths of what is made for a secret and is not marked as one."""
    for pattern in properties.inputs(type_token):
        for path, value, _ in properties.reached(values, pattern, _is_closed):
            if not isinstance(value, Secret):
                yield path


def _is_closed(value: Any) -> bool:
    return isinstance(value, Secret | Computed)


def _held(plan: Plan, value: Any, name: str) -> Iterator[str]:
    match value:
        case str():
            yield from scanner.found(value, name)
            if scanner.is_secret(name, value):
                yield "what it calls a secret"
            yield from _laundered(plan, value)
        case Computed():
            yield from _laundered(plan, value)
            yield from scanner.found(value.written, name)
        case dict():
            for key, item in value.items():
                yield from _held(plan, item, key)
        case list():
            for item in value:
                yield from _held(plan, item, name)
