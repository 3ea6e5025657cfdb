"""A policy pack as Pulumi's engine runs it: a process of its own that speaks the analyzer protocol."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from plan import wire
from plan.model import Plan, Resource
from policies.errors import GateError

START_SECONDS = 30
CALL_SECONDS = 60
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
# As much of a pack's words as an error may show a line of.
LAST_BYTES = 64 * 1024


class Pack:
    """A running pack. Its rules never see which values are secret: the protocol hands them over in the clear."""

    def __init__(self, name: str, stub: analyzer_pb2_grpc.AnalyzerStub) -> None:
        self.name = name
        self._stub = stub
        self.info: analyzer_pb2.AnalyzerInfo = self._call("GetAnalyzerInfo", empty_pb2.Empty())

    def analyze(self, plan: Plan) -> list[analyzer_pb2.AnalyzeDiagnostic]:
        """Every diagnostic of the resource rules and the stack rules; each names its URN where it has one."""
        found = []
        for resource in plan.resources:
            answer = self._call("Analyze", analyzer_pb2.AnalyzeRequest(**_common(plan, resource)))
            for diagnostic in answer.diagnostics:
                diagnostic.urn = diagnostic.urn or resource.urn
                found.append(diagnostic)
        everything = [_analyzer_resource(plan, resource) for resource in plan.resources]
        answer = self._call("AnalyzeStack", analyzer_pb2.AnalyzeStackRequest(resources=everything))
        return [*found, *answer.diagnostics]

    def _call(self, method: str, request: object) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            raise GateError(f"policy pack {self.name}: failed: {error.details()}; mend the rule") from None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Pack]:
    """Starts the pack in `folder`, and ends it. Raises GateError."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CLOUDFLARE_"))}
    # Into files: a pack that says much would fill a pipe and stand still.
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen(
            [sys.executable, "-u", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            env=environment,
        )
        try:
            port = _port(folder.name, process, said, complained)
            options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.enable_http_proxy", 0)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                yield Pack(folder.name, analyzer_pb2_grpc.AnalyzerStub(channel))
        finally:
            process.kill()
            process.wait()


def _port(name: str, process: subprocess.Popen[bytes], said: IO[str], complained: IO[str]) -> int:
    """The port is the first line that a pack prints."""
    deadline = time.monotonic() + START_SECONDS
    line = ""
    while not line.endswith("\n") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        line = (_text(said, 0).splitlines(keepends=True) or [""])[0]
    if line.strip().isdigit():
        return int(line)
    process.kill()
    process.wait()
    end = os.fstat(complained.fileno()).st_size
    words = _text(complained, max(end - LAST_BYTES, 0)).strip().splitlines()
    raise GateError(f"policy pack {name}: did not start: {words[-1] if words else f'silent for {START_SECONDS} s'}")


def _text(file: IO[str], start: int) -> str:
    """Some of what is in the file. Not by seeking: the position is shared with the process that writes."""
    return os.pread(file.fileno(), LAST_BYTES, start).decode(errors="replace")


def _common(plan: Plan, resource: Resource) -> dict[str, Any]:
    provider = plan.by_urn.get(resource.provider or "")
    return {
        "type": resource.type,
        "properties": wire.to_struct(resource.inputs),
        "urn": resource.urn,
        "name": resource.name,
        "options": analyzer_pb2.AnalyzerResourceOptions(
            protect=resource.options.protect,
            ignoreChanges=resource.options.ignore_changes,
            deleteBeforeReplace=resource.options.delete_before_replace,
            additionalSecretOutputs=resource.options.additional_secret_outputs,
            parent=resource.parent or "",
        ),
        "provider": analyzer_pb2.AnalyzerProviderResource(
            type=provider.type,
            properties=wire.to_struct(provider.inputs),
            urn=provider.urn,
            name=provider.name,
        )
        if provider
        else None,
    }


def _analyzer_resource(plan: Plan, resource: Resource) -> analyzer_pb2.AnalyzerResource:
    # As the engine: stack rules see outputs, and of a component only those that it registers.
    seen = resource.inputs if resource.custom else resource.outputs
    return analyzer_pb2.AnalyzerResource(
        **{**_common(plan, resource), "properties": wire.to_struct(seen)},
        parent=resource.parent or "",
        dependencies=resource.dependencies,
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for key, urns in resource.property_dependencies.items()
        },
    )


def folders(names: Iterable[str] | None = None) -> Sequence[Path]:
    """Folders of the packs, all of them unless named."""
    here = Path(__file__).resolve().parent
    found = sorted(path.parent for path in here.glob("*/PulumiPolicy.yaml"))
    return [path for path in found if names is None or path.name in names]
