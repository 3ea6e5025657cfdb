"""What a plan's file has to look like, whoever wrote it: types of its parts, and that nothing is made of itself."""

from collections import Counter
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plan.json_text import resource_name, shown
from plan.model import Plan, PlanError, Resource

URN = Annotated[str, Field(pattern=r"^urn:pulumi:[^:]+(:[^:]+)*::.*::.+::.+")]
_FAULTS = {
    "missing": "is missing",
    "string_type": "is not text",
    "string_pattern_mismatch": "is not a URN",
    "bool_type": "is not true or false",
    "int_type": "is not a whole number",
    "list_type": "is not a list",
    "tuple_type": "is not a list",
    "dict_type": "is not an object",
    "model_type": "is not an object",
    "dataclass_type": "is not an object",
}


class _Part(BaseModel):
    """The engine writes more than is read here, and null for what is empty."""

    model_config = ConfigDict(strict=True)


class _Frame(_Part):
    sourcePosition: str | None = None  # noqa: N815


class _State(_Part):
    """A resource as the engine writes it (pulumi/pulumi, sdk/go/common/apitype/core.go, ResourceV3)."""

    urn: URN
    type: str
    custom: bool
    delete: bool | None = None
    id: str | None = None
    parent: URN | None = None
    provider: str | None = None
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    dependencies: list[str] | None = None
    propertyDependencies: dict[str, list[str] | None] | None = None  # noqa: N815
    protect: bool | None = None
    retainOnDelete: bool | None = None  # noqa: N815
    ignoreChanges: list[str] | None = None  # noqa: N815
    replaceOnChanges: list[str] | None = None  # noqa: N815
    additionalSecretOutputs: list[str] | None = None  # noqa: N815
    aliases: list[str] | None = None
    sourcePosition: str | None = None  # noqa: N815
    stackTrace: list[_Frame] | None = None  # noqa: N815


class _Operation(_Part):
    resource: _State


class _Deployment(_Part):
    resources: list[_State] | None = None
    pending_operations: list[_Operation] | None = None


class State(_Part):
    """What `pulumi stack export` writes."""

    deployment: _Deployment


class _Latest(_Part):
    latest: _Deployment


class Checkpoint(_Part):
    """A stack's file in the state's bucket."""

    checkpoint: _Latest


class _Step(_Part):
    op: str
    urn: URN
    oldState: _State | None = None  # noqa: N815
    newState: _State | None = None  # noqa: N815


class _Diagnostic(_Part):
    severity: str | None = None


class Preview(_Part):
    """What `pulumi preview --json` writes."""

    steps: list[_Step]
    changeSummary: dict[str, int]  # noqa: N815
    config: dict[str, Any] | None = None
    diagnostics: list[_Diagnostic] | None = None


class Saved(_Part):
    """A plan that `./hybrid preview STACK --json` wrote."""

    project: str
    stack: str
    settings: dict[str, Any]
    resources: list[Resource]
    outputs: dict[str, Any]


def require(name: object, text: str, document: Any, shape: type[BaseModel]) -> None:
    """Raises PlanError, of the file `name`, where a part is of another type than the shape's."""
    try:
        shape.model_validate_json(text)
    except ValidationError as error:
        (first, *_) = error.errors(include_input=False, include_context=False, include_url=False)
        raise PlanError(f"{name}: is damaged: {_said(document, first['loc'], first['type'])}; make it again") from None


def _said(document: Any, path: tuple[int | str, ...], kind: str) -> str:
    """Which part of which resource is what."""
    about, inner = "", path
    for number, step in enumerate(path):
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            break
        if resource_name(document):
            about, inner = f"{resource_name(document)}: ", path[number + 1 :]
    return f"{about}{shown('.'.join(map(str, inner)) or 'it')} {_FAULTS.get(kind, 'is something else')}"


def require_sound(name: object, plan: Plan) -> None:
    """Raises PlanError where two resources have one URN, or one is made of itself."""
    fault = _twice(plan) or _circle(plan)
    if fault:
        raise PlanError(f"{name}: is damaged: {fault}; make it again")


def _twice(plan: Plan) -> str:
    most = Counter(resource.urn for resource in plan.resources).most_common(1)
    return f"two resources have the URN of {_called(most[0][0])}" if most and most[0][1] > 1 else ""


def _circle(plan: Plan) -> str:
    needed = {
        resource.urn: [
            *([resource.parent] if resource.parent else []),
            *resource.dependencies,
            *(urn for urns in resource.property_dependencies.values() for urn in urns),
        ]
        for resource in plan.resources
    }
    try:
        TopologicalSorter(needed).prepare()
    except CycleError as error:
        first, *others = dict.fromkeys(error.args[1])
        through = f" through {', '.join(map(_called, others[:3]))}" if others else ""
        return f"{_called(first)} is its own parent, or depends on itself{through}"
    return ""


def _called(urn: str) -> str:
    return resource_name({"urn": urn})
