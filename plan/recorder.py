"""Records stacks (`python -m plan.recorder`), each in a process of its own: the program may change or end it.

The providers' libraries are imported once, because that takes longest, and every stack's process starts with them. What
to run is read as JSON from stdin, the answers are JSON on stdout; what the program prints goes to stderr.
"""

import ast
import asyncio
import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlparse

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi._types import resource_pulumi_to_py_names
from pulumi.runtime import config, mocks, settings
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.stack import run_in_stack

from components.common.errors import HybridError
from plan import child_process, codec, wire
from plan.inputs import Inputs
from plan.model import PROVIDERS, STACK_TYPE, Options, Plan, PlanError, Resource, Secret, Source, reference
from plan.watch import Watch

# The engine gives providers a random ID; here it is only ever compared with itself.
PROVIDER_ID = "recorded"
POLL_SECONDS = 0.005
# What may be imported before the stack is known: the providers' libraries, and components, which declare nothing then.
FOR_ALL = ("pulumi_", "components.")


def main() -> None:
    """Answers a list of tasks with a list: of each a plan, an error, the exit of a process without a word, or late."""
    child_process.end_with_parent()
    # A process that lives for seconds; its collector took a third of them.
    gc.disable()
    text = sys.stdin.read()
    if not text:
        # Who asks was interrupted before it had said what for.
        return
    order = json.loads(text)
    child_process.end_with_parent(order["parent"])
    folder, deadline = Path(order["folder"]), time.monotonic() + order["seconds"]
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    child_process.import_quickly()
    child_process.import_from_source(folder)
    watch = Watch(Inputs.of_program(folder))
    watch.install()
    with watch.looking():
        _import_what_all_need(folder / "__main__.py")
    with contextlib.ExitStack() as files:
        started = [
            _start(folder, task, watch, files.enter_context(tempfile.TemporaryFile("w+"))) for task in order["tasks"]
        ]
        json.dump([_answer(process, file, deadline) for process, file in started], answers)
    answers.flush()


def _import_what_all_need(program: Path) -> None:
    """Imports what the program imports. What fails does so again in every process, and is explained there."""
    with contextlib.suppress(OSError, ValueError, SyntaxError):
        for name in _imported(ast.parse(program.read_text())):
            if name.startswith(FOR_ALL):
                with contextlib.suppress(Exception):
                    importlib.import_module(name)


def _imported(tree: ast.Module) -> Iterator[str]:
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def _start(folder: Path, task: dict[str, Any], watch: Watch, file: IO[str]) -> tuple[int, IO[str]]:
    """A process that writes one answer."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process, file
    # Whatever the program does with an interruption, or with its own end.
    child_process.end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        json.dump(_run(folder, task, watch), file)
        file.flush()
    finally:
        # Threads of the SDK may still wait; everything is written by now.
        os._exit(0)


def _run(folder: Path, task: dict[str, Any], watch: Watch) -> dict[str, Any]:
    try:
        with watch.looking():
            plan = record(folder, **task)
        return {"plan": codec.dumps(plan, reveal_secrets=True, indent=None), "seen": watch.result()}
    except BaseException as error:  # noqa: BLE001 - the program may raise anything, SystemExit too
        return {"error": _explain(folder, error)}


def _answer(process: int, file: IO[str], deadline: float) -> dict[str, Any]:
    ended, status = os.waitpid(process, os.WNOHANG)
    while not ended and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        return {"late": True}
    file.seek(0)
    text = file.read()
    found: dict[str, Any] = json.loads(text) if text else {"exit": os.waitstatus_to_exitcode(status)}
    return found


def _explain(folder: Path, error: BaseException) -> str:
    if isinstance(error, HybridError):
        return str(error)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(folder))]
    own = [frame for frame in frames if not os.path.relpath(frame.filename, folder).startswith(("plan", ".venv"))]
    location = f"{os.path.relpath(own[-1].filename, folder)}:{own[-1].lineno}: " if own else ""
    return f"{location}{type(error).__name__}: {error}"


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
        """The URN as the engine makes it: with the types of all ancestors, where the mocks keep only the parent's."""
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
        """The recorded resources, sorted."""
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
        program = self.folder / "__main__.py"
        if f"::{STACK_TYPE}::" in request.parent:
            # What a function of the program makes is looked for where that is called: the outermost line.
            called = [one for one in positions if Path(unquote(urlparse(one.uri).path)) == program]
            positions = [*called[-1:], *positions]
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


if __name__ == "__main__":
    # By its name, so that the program meets the same classes.
    importlib.import_module("plan.recorder").main()
    # Threads of the SDK may still wait.
    os._exit(0)
