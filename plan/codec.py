"""Plans as JSON: written masked for people and programs, and whole for the processes of one run."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from plan import json_text
from plan.model import Computed, Options, Plan, PlanError, Resource, Secret, Source

FORMAT = 1
MASK = "[secret]"
SAVED = "what `./hybrid preview STACK --json` wrote"


def dumps(plan: Plan, *, reveal_secrets: bool = False, indent: int | None = 2) -> str:
    """JSON text of a plan. Marks become `{"$secret": …}` and `{"$computed": "…"}`.

    Without indentation it takes a third of the time.
    """
    document = {
        "format": FORMAT,
        "project": plan.project,
        "stack": plan.stack,
        "settings": encode(plan.settings, reveal_secrets),
        "resources": [_resource_document(resource, reveal_secrets) for resource in plan.resources],
        "outputs": encode(plan.outputs, reveal_secrets),
    }
    return json.dumps(document, indent=indent, ensure_ascii=False)


def loads(text: str, name: str) -> Plan:
    """Reads what `dumps` wrote. Raises PlanError that calls the text `name`."""
    return _plan(json.loads(text), name)


def _plan(document: Any, name: str) -> Plan:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise PlanError(
            f"{name}: is not a plan of format {FORMAT}; write it again with `./hybrid preview STACK --json`"
        )
    try:
        return Plan(
            project=document["project"],
            stack=document["stack"],
            settings=_properties(document["settings"]),
            resources=tuple(_resource(entry) for entry in document["resources"]),
            outputs=_properties(document["outputs"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        # Not the error's own words: they may quote a value.
        raise PlanError(f"{name}: is a damaged plan ({type(error).__name__}); write it again") from None


def read(path: Path) -> Plan:
    """Reads a plan file, which anybody may have written. Raises PlanError."""
    from plan import shape

    text, document = json_text.read(path, SAVED)
    if isinstance(document, dict) and document.get("format") == FORMAT:
        shape.require(path, text, document, shape.Saved)
    plan = _plan(document, str(path))
    shape.require_sound(path, plan)
    return plan


def encode(value: Any, reveal_secrets: bool) -> Any:
    """Marks as JSON objects."""
    match value:
        case Secret():
            return {"$secret": encode(value.value, True) if reveal_secrets else MASK}
        case Computed():
            return {"$computed": value.template}
        case dict():
            return {key: encode(item, reveal_secrets) for key, item in value.items()}
        case list():
            return [encode(item, reveal_secrets) for item in value]
        case _:
            return value


def decode(value: Any) -> Any:
    """JSON objects as marks."""
    match value:
        case {"$secret": inner, **rest} if not rest:
            return Secret(decode(inner))
        case {"$computed": str(template), **rest} if not rest:
            return Computed(template)
        case dict():
            return {key: decode(item) for key, item in value.items()}
        case list():
            return [decode(item) for item in value]
        case _:
            return value


def _properties(values: dict[str, Any]) -> dict[str, Any]:
    """Never a mark as a whole, whatever a key is called."""
    return {key: decode(item) for key, item in values.items()}


def _resource_document(resource: Resource, reveal_secrets: bool) -> dict[str, Any]:
    shallow = {part.name: getattr(resource, part.name) for part in dataclasses.fields(resource)}
    shallow["options"] = dataclasses.asdict(resource.options)
    shallow["source"] = dataclasses.asdict(resource.source) if resource.source else None
    shallow["inputs"] = encode(resource.inputs, reveal_secrets)
    shallow["outputs"] = encode(resource.outputs, reveal_secrets)
    return shallow


def _resource(entry: dict[str, Any]) -> Resource:
    options: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in entry["options"].items()
    }
    return Resource(
        **{
            **entry,
            "inputs": _properties(entry["inputs"]),
            "outputs": _properties(entry["outputs"]),
            "dependencies": tuple(entry["dependencies"]),
            "property_dependencies": {key: tuple(urns) for key, urns in entry["property_dependencies"].items()},
            "options": Options(**options),
            "source": Source(**entry["source"]) if entry["source"] else None,
        }
    )
