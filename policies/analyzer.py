"""A policy pack as Pulumi's engine runs it: a process of its own that speaks the analyzer protocol."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from plan import wire
from plan.inputs import environment
from plan.model import PROVIDERS, Computed, Plan, Resource, Secret
from policies import exemptions
from policies.errors import GateError
from policies.findings import EXEMPTED, WAITING

_Marked = tuple[bytes, analyzer_pb2.AnalyzeRequest]
PLACES = ("region", "availabilityZone")
START_SECONDS = 30
CALL_SECONDS = 300
END_SECONDS = 10
AT_A_TIME = 64
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
_RUNNING: set[subprocess.Popen[bytes]] = set()
# As much of a pack's words as an error may show a line of.
LAST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Questions:
    """All that packs are asked about one plan; made once, because every pack is asked the same."""

    each: Sequence[analyzer_pb2.AnalyzeRequest]
    again: Sequence[analyzer_pb2.AnalyzeRequest]
    """Some of them with other inputs, to judge what no pack gets to see otherwise: see `_otherwise`."""
    together: analyzer_pb2.AnalyzeStackRequest
    together_again: Sequence[analyzer_pb2.AnalyzeStackRequest]
    """With the texts of which a part is known; none where there is no such text."""

    @classmethod
    def about(cls, plan: Plan) -> "Questions":
        providers = {
            resource.urn: _provider(resource) for resource in plan.resources if resource.type.startswith(PROVIDERS)
        }
        structs = {resource.urn: wire.to_struct(resource.inputs) for resource in plan.resources}
        each, again, together, in_part = [], [], [], []
        for resource in plan.resources:
            common = _common(resource, providers.get(resource.provider or ""))
            each.append(analyzer_pb2.AnalyzeRequest(**common, properties=structs[resource.urn]))
            for inputs in _otherwise(resource):
                again.append(analyzer_pb2.AnalyzeRequest(**common, properties=wire.to_struct(inputs)))
            together.append(_analyzer_resource(resource, common, structs[resource.urn]))
            known = _as_written(resource.inputs)
            is_same = known == resource.inputs
            in_part.append(together[-1] if is_same else _analyzer_resource(resource, common, wire.to_struct(known)))
        request = analyzer_pb2.AnalyzeStackRequest
        return cls(
            each, again, request(resources=together), [request(resources=in_part)] if in_part != together else []
        )


class Pack:
    """A running pack. Its rules never see which values are secret: the protocol hands them over in the clear."""

    def __init__(
        self, name: str, stub: analyzer_pb2_grpc.AnalyzerStub, seen: Callable[[], dict[str, Any]] = lambda: {}
    ) -> None:
        self.name = name
        self.seen = seen
        """Ends it, and returns what it has seen (plan/watch.py)."""
        self._stub = stub
        self._known: dict[bytes, Sequence[analyzer_pb2.AnalyzeDiagnostic]] = {}
        """What it said of a request, which is what it would say again: rules are functions of what they are asked."""
        with self._explained():
            self.info: analyzer_pb2.AnalyzerInfo = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=CALL_SECONDS)

    def analyze(self, questions: Questions) -> list[analyzer_pb2.AnalyzeDiagnostic]:
        """Every diagnostic of the resource rules and the stack rules; each names its URN where it has one."""
        requests = {_fingerprint(request): request for request in (*questions.each, *questions.again)}
        with self._explained():
            new = self._asked({mark: request for mark, request in requests.items() if mark not in self._known})
            answered = self._known | new
            found = {_key(one): one for mark in requests for one in answered[mark]}
            for request in (questions.together, *questions.together_again):
                answer = self._stub.AnalyzeStack(request, timeout=CALL_SECONDS)
                found |= {_key(one): one for one in answer.diagnostics}
        # What waits is told with the stack, once for each time it was found: such a request is asked again.
        told = {one.urn for one in found.values() if one.policyName in (EXEMPTED, WAITING)}
        self._known |= {mark: said for mark, said in new.items() if requests[mark].urn not in told}
        return [*found.values()]

    def _asked(
        self, requests: Mapping[bytes, analyzer_pb2.AnalyzeRequest]
    ) -> dict[bytes, Sequence[analyzer_pb2.AnalyzeDiagnostic]]:
        # Several at a time: most of a call is waiting. A few only, because each takes memory.
        answers: dict[bytes, Sequence[analyzer_pb2.AnalyzeDiagnostic]] = {}
        for batch in _batches([*requests.items()]):
            asked = [self._stub.Analyze.future(request, timeout=CALL_SECONDS) for _, request in batch]
            for (mark, request), answer in zip(batch, asked, strict=True):
                answers[mark] = answer.result().diagnostics
                for diagnostic in answers[mark]:
                    diagnostic.urn = diagnostic.urn or request.urn
        return answers

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise GateError(f"policy pack {self.name}: failed: {error.details()}; mend the rule") from None


def _key(diagnostic: analyzer_pb2.AnalyzeDiagnostic) -> tuple[str, str, str]:
    return diagnostic.policyName, diagnostic.urn, diagnostic.message


def _otherwise(resource: Resource) -> Iterator[dict[str, Any]]:
    """The inputs as far as somebody wrote them, and with the place that the cloud says it is in, where these differ."""
    known = _as_written(resource.inputs)
    if known != resource.inputs:
        yield known
    places = {name: resource.outputs[name] for name in PLACES if isinstance(resource.outputs.get(name), str)}
    if resource.custom and any(resource.inputs.get(name, place) != place for name, place in places.items()):
        yield {**resource.inputs, **places}


def _as_written(value: Any) -> Any:
    """With UNWRITTEN for references within texts. One that is nothing but a reference holds nobody's writing."""
    match value:
        case Secret():
            return Secret(_as_written(value.value))
        case Computed() if value.template and not value.reference:
            return value.written
        case dict():
            return {key: _as_written(item) for key, item in value.items()}
        case list():
            return [_as_written(item) for item in value]
        case _:
            return value


def _fingerprint(request: analyzer_pb2.AnalyzeRequest) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()


def _batches(requests: Sequence[_Marked]) -> Iterator[Sequence[_Marked]]:
    return (requests[first : first + AT_A_TIME] for first in range(0, len(requests), AT_A_TIME))


@contextlib.contextmanager
def running(folder: Path, day: date | None = None) -> Iterator[Pack]:
    """Starts the pack in `folder`, and ends it; it judges by the `day`, today's unless given. Raises GateError."""
    given = {exemptions.LEFT_TO_THE_GATE: "1", exemptions.DAY: (day or exemptions.current_day()).isoformat()}
    # Into files: a pack that says much would fill a pipe and stand still.
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        process = subprocess.Popen(
            [sys.executable, "-u", "-P", "-m", "policies.pack_process", str(folder)],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=complained,
            env=environment() | given,
            # As in plan.record: a terminal's interruption is the gate's to answer.
            process_group=0,
        )
        _RUNNING.add(process)
        try:
            port = _port(folder.name, process, said, complained)
            options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.enable_http_proxy", 0)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                yield Pack(folder.name, analyzer_pb2_grpc.AnalyzerStub(channel), lambda: _seen(process, said))
        finally:
            process.kill()
            _close(process)
            process.wait()
            _RUNNING.discard(process)


def end_all() -> None:
    """Ends every pack, for whoever is interrupted; their calls fail, and nobody waits for one."""
    for process in [*_RUNNING]:
        process.kill()


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


def _seen(process: subprocess.Popen[bytes], said: IO[str]) -> dict[str, Any]:
    """What the pack says once its input has ended; of one that has ended otherwise nothing is known."""
    _close(process)
    try:
        is_fine = process.wait(END_SECONDS) == 0
        said.seek(0)
        found: dict[str, Any] = json.loads(said.read().splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        is_fine = False
    return found if is_fine else {"unlisted": ["how it ended"]}


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()


def _text(file: IO[str], start: int) -> str:
    """Some of what is in the file. Not by seeking: the position is shared with the process that writes."""
    return os.pread(file.fileno(), LAST_BYTES, start).decode(errors="replace")


def _common(resource: Resource, provider: analyzer_pb2.AnalyzerProviderResource | None) -> dict[str, Any]:
    options = resource.options
    return {
        "type": resource.type,
        "urn": resource.urn,
        "name": resource.name,
        "options": analyzer_pb2.AnalyzerResourceOptions(
            protect=options.protect,
            ignoreChanges=options.ignore_changes,
            deleteBeforeReplace=options.delete_before_replace,
            deleteBeforeReplaceDefined=True,
            additionalSecretOutputs=options.additional_secret_outputs,
            parent=resource.parent or "",
        ),
        "provider": provider,
    }


def _provider(resource: Resource) -> analyzer_pb2.AnalyzerProviderResource:
    return analyzer_pb2.AnalyzerProviderResource(
        type=resource.type, properties=wire.to_struct(resource.inputs), urn=resource.urn, name=resource.name
    )


def _analyzer_resource(
    resource: Resource, common: dict[str, Any], inputs: struct_pb2.Struct
) -> analyzer_pb2.AnalyzerResource:
    # As the engine: stack rules see outputs, and of a component only those that it registers. A plan of what is not
    # deployed knows no outputs of the others.
    seen = wire.to_struct(resource.outputs) if resource.outputs or not resource.custom else inputs
    return analyzer_pb2.AnalyzerResource(
        **common,
        properties=seen,
        parent=resource.parent or "",
        dependencies=resource.dependencies,
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for key, urns in resource.property_dependencies.items()
        },
    )
