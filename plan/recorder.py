"""Runs the program under Pulumi's own mocks and writes down every registration."""

import asyncio
import os
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi._types import resource_pulumi_to_py_names
from pulumi.runtime import config, mocks, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack

from plan import wire
from plan.errors import PlanError
from plan.model import PROVIDERS, STACK_TYPE, Options, Plan, Resource, Secret, Source, reference

# The engine gives providers a random ID; here it is only ever compared with itself.
PROVIDER_ID = "recorded"


class _NoMocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise PlanError(f"{args.typ} {args.name}: reads an existing resource; the program looks nothing up in a cloud")

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise PlanError(f"{args.token}: looks something up in a cloud; make what it returns a setting")


class Recorder(mocks.MockMonitor):
    """A monitor that applies nothing and remembers everything.

    An output that the inputs don't hold becomes a reference to itself, so that whatever is made of it can be
    traced; those the provider or the program calls secret stay secret.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(_NoMocks())
        self.folder = folder
        self.registrations: dict[str, Resource] = {}
        self.registered_outputs: dict[str, dict[str, Any]] = {}
        self.output_names: dict[str, list[str]] = {}
        """Wire names of the outputs of each resource type met so far."""

    def learn_outputs(self, args: pulumi.ResourceTransformationArgs) -> None:
        """A stack transformation, because a request does not say which outputs its type has."""
        if args.type_ not in self.output_names and isinstance(args.resource, pulumi.CustomResource):
            self.output_names[args.type_] = list(resource_pulumi_to_py_names(type(args.resource)))

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine makes it: with the types of all ancestors, where the mocks keep only the parent's."""
        ancestors = parent.split("::")[2] if parent else STACK_TYPE
        qualified = type_ if ancestors == STACK_TYPE else f"{ancestors}${type_}"
        return "::".join([f"urn:pulumi:{settings.get_stack()}", settings.get_project(), qualified, name])

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        resource = self._resource(urn, request)
        # In one step: the SDK registers from several threads.
        if self.registrations.setdefault(urn, resource) is not resource:
            raise PlanError(f"{request.name}: two resources of type {request.type} have this name; names are unique")
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=self._identifier(urn, request), object=self._outputs(urn, request)
        )

    def RegisterResourceOutputs(self, request: Any) -> empty_pb2.Empty:  # noqa: N802
        self.registered_outputs[request.urn] = wire.from_struct(request.outputs)
        return empty_pb2.Empty()

    def plan(self, values: dict[str, Any]) -> Plan:
        """What was recorded, sorted."""
        stack_urn = next((urn for urn in self.registered_outputs if f"::{STACK_TYPE}::" in urn), "")
        return Plan(
            project=settings.get_project(),
            stack=settings.get_stack(),
            resources=tuple(
                resource if resource.custom else _with_outputs(resource, self.registered_outputs)
                for _, resource in sorted(self.registrations.items())
            ),
            outputs=self.registered_outputs.get(stack_urn, {}),
            settings=values,
        )

    def _identifier(self, urn: str, request: Any) -> str:
        if not request.custom:
            return ""
        return PROVIDER_ID if request.type.startswith(PROVIDERS) else reference(urn, "id")

    def _outputs(self, urn: str, request: Any) -> struct_pb2.Struct:
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        for name in self.output_names.get(request.type, []) if request.custom else []:
            if name not in outputs:
                text = reference(urn, name)
                is_secret = name in request.additionalSecretOutputs
                outputs.update({name: wire.secret(text) if is_secret else text})
        return outputs

    def _resource(self, urn: str, request: Any) -> Resource:
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent if f"::{STACK_TYPE}::" not in request.parent else None,
            provider=request.provider.rpartition("::")[0] or None,
            inputs=wire.from_struct(request.object),
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(found.urns)) for key, found in sorted(request.propertyDependencies.items())
            },
            options=Options(
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                delete_before_replace=request.deleteBeforeReplace,
                ignore_changes=tuple(request.ignoreChanges),
                replace_on_changes=tuple(request.replaceOnChanges),
                additional_secret_outputs=tuple(request.additionalSecretOutputs),
                aliases=tuple(str(alias.urn or alias.spec.name or alias.spec.type) for alias in request.aliases),
                hooks=tuple(
                    f"{step.name}:{name}" for step, names in request.hooks.ListFields() for name in sorted(names)
                ),
            ),
            source=self._source(request),
        )

    def _source(self, request: Any) -> Source | None:
        """Where it is declared; for a provider its library says "in me", and the caller is what people look for."""
        positions = [request.sourcePosition, *(frame.pc for frame in request.stackTrace.frames)]
        for position in positions:
            path = Path(unquote(urlparse(position.uri).path))
            if position.uri and "site-packages" not in path.parts:
                return Source(path=os.path.relpath(path, self.folder), line=position.line)
        return None


def _with_outputs(resource: Resource, registered: dict[str, dict[str, Any]]) -> Resource:
    return Resource(**{**vars(resource), "outputs": registered.get(resource.urn, {})})


def record(folder: Path, project: str, stack: str, values: dict[str, str], secret_keys: list[str]) -> Plan:
    """Runs `__main__.py` of the folder. Raises whatever the program raises."""
    recorder = Recorder(folder)
    asyncio.set_event_loop(asyncio.new_event_loop())
    config.set_all_config(values, secret_keys)
    # Where there is no root, set_mocks makes a stack, whose exports, none, may be registered after the program's: all
    # would be lost.
    settings.set_root_resource(object())  # type: ignore[arg-type]
    mocks.set_mocks(recorder.mocks, project=project, stack=stack, preview=False, monitor=recorder)
    settings.set_root_resource(None)  # type: ignore[arg-type]

    def program() -> None:
        pulumi.runtime.register_stack_transformation(recorder.learn_outputs)
        runpy.run_path(str(folder / "__main__.py"), run_name="__main__")

    asyncio.get_event_loop().run_until_complete(run_in_stack(program))
    return recorder.plan({key: Secret(text) if key in secret_keys else text for key, text in values.items()})
