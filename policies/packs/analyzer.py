"""A policy pack as Pulumi's engine runs it: a process of its own that speaks the analyzer protocol.

By hand: Pulumi's libraries have the protocol's messages and the pack's side of it; the side that asks is in the engine,
and the gate does without that.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
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
from policies.errors import GateError
from policies.exemptions.exemption import DAY, LEFT_TO_THE_GATE, current_day
from policies.rules.findings import EXEMPTED, UNCHECKED, WAITING, Finding, JudgedRule

_Marked = tuple[bytes, analyzer_pb2.AnalyzeRequest]
SEVERITIES = {
    analyzer_pb2.POLICY_SEVERITY_LOW: "low",
    analyzer_pb2.POLICY_SEVERITY_MEDIUM: "medium",
    analyzer_pb2.POLICY_SEVERITY_HIGH: "high",
    analyzer_pb2.POLICY_SEVERITY_CRITICAL: "critical",
}
_ADVICE = (EXEMPTED, WAITING)
PLACES = ("region", "availabilityZone")
START_SECONDS = 30
CALL_SECONDS = 300
END_SECONDS = 10
AT_A_TIME = 64
MAX_MESSAGE_BYTES = 400 * 1024 * 1024
_RUNNING: set[subprocess.Popen[bytes]] = set()
# How much of the end of a pack's output is read for an error's message.
LAST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Requests:
    """All requests about one plan; made once, because every pack gets the same."""

    each: Sequence[analyzer_pb2.AnalyzeRequest]
    again: Sequence[analyzer_pb2.AnalyzeRequest]
    """Some of them with other inputs, to judge what no pack sees otherwise: see `_variants`."""
    together: analyzer_pb2.AnalyzeStackRequest
    together_again: Sequence[analyzer_pb2.AnalyzeStackRequest]
    """Requests with partly known texts filled in; none where there is no such text."""

    @classmethod
    def about(cls, plan: Plan) -> "Requests":
        providers = {
            resource.urn: _provider(resource) for resource in plan.resources if resource.type.startswith(PROVIDERS)
        }
        structs = {resource.urn: wire.to_struct(resource.inputs) for resource in plan.resources}
        each, again, together, in_part = [], [], [], []
        for resource in plan.resources:
            common = _common(resource, providers.get(resource.provider or ""))
            each.append(analyzer_pb2.AnalyzeRequest(**common, properties=structs[resource.urn]))
            for inputs in _variants(resource):
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
        """Ends it, and returns what it has read (plan/watch.py)."""
        self._stub = stub
        self._known: dict[bytes, Sequence[analyzer_pb2.AnalyzeDiagnostic]] = {}
        """Its answers by request, which it would give again: rules are functions of the request."""
        with self._explained():
            self.info: analyzer_pb2.AnalyzerInfo = stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=CALL_SECONDS)

    def analyze(self, of_plan: Requests) -> list[analyzer_pb2.AnalyzeDiagnostic]:
        """Every diagnostic of the resource rules and the stack rules; each names its URN where it has one."""
        requests = {_fingerprint(request): request for request in (*of_plan.each, *of_plan.again)}
        with self._explained():
            new = self._answered({mark: request for mark, request in requests.items() if mark not in self._known})
            answered = self._known | new
            found = {_key(one): one for mark in requests for one in answered[mark]}
            for request in (of_plan.together, *of_plan.together_again):
                whole = self._stub.AnalyzeStack(request, timeout=CALL_SECONDS)
                found |= {_key(one): one for one in whole.diagnostics}
        # Checks that wait are listed with the stack, once for each time they were found: such a request is sent again.
        listed = {one.urn for one in found.values() if one.policyName in _ADVICE}
        self._known |= {mark: answer for mark, answer in new.items() if requests[mark].urn not in listed}
        return sorted(found.values(), key=_turn)

    def _answered(
        self, requests: Mapping[bytes, analyzer_pb2.AnalyzeRequest]
    ) -> dict[bytes, Sequence[analyzer_pb2.AnalyzeDiagnostic]]:
        # Several at a time: most of a call is waiting. A few only, because each takes memory.
        answers: dict[bytes, Sequence[analyzer_pb2.AnalyzeDiagnostic]] = {}
        for batch in _batches([*requests.items()]):
            sent = [self._stub.Analyze.future(request, timeout=CALL_SECONDS) for _, request in batch]
            for (mark, request), answer in zip(batch, sent, strict=True):
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


def _turn(diagnostic: analyzer_pb2.AnalyzeDiagnostic) -> tuple[str, ...]:
    """Advice last and sorted: a pack lists it as the answers were ready, which differs from run to run."""
    return _key(diagnostic) if diagnostic.policyName in _ADVICE else ()


def _variants(resource: Resource) -> Iterator[dict[str, Any]]:
    """The inputs without unknown references, and with the place that the cloud reports, where these differ."""
    known = _as_written(resource.inputs)
    if known != resource.inputs:
        yield known
    places = {name: resource.outputs[name] for name in PLACES if isinstance(resource.outputs.get(name), str)}
    if resource.custom and any(resource.inputs.get(name, place) != place for name, place in places.items()):
        yield {**resource.inputs, **places}


def _as_written(value: Any) -> Any:
    """The value with UNWRITTEN for references within texts. A text that is nothing but a reference stays unknown."""
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
    given = {LEFT_TO_THE_GATE: "1", DAY: (day or current_day()).isoformat()}
    # Into files: a pack that says much would fill a pipe and stand still.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-u", "-P", "-m", "policies.packs.process", str(folder)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            env=environment() | given,
            # As in plan.record: Ctrl-C goes to the gate only.
            process_group=0,
        )
        _RUNNING.add(process)
        try:
            port = _port(folder.name, process, output, errors)
            options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.enable_http_proxy", 0)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                yield Pack(folder.name, analyzer_pb2_grpc.AnalyzerStub(channel), lambda: _seen(process, output))
        finally:
            process.kill()
            _close(process)
            process.wait()
            _RUNNING.discard(process)


PlanRequests = Sequence[tuple[Plan, Requests]]


@dataclass(frozen=True, kw_only=True)
class Response:
    """A pack's rules, and its findings in each plan."""

    rules: Sequence[JudgedRule]
    findings: Sequence[Sequence[Finding]]
    """Findings of each plan that it was asked about."""
    seen: dict[str, Any]
    """What its process has read (plan/watch.py)."""


def ask(given: Path | Pack, day: date, requests: Future[PlanRequests]) -> Response:
    """Starts the pack, unless it runs already, and sends the requests once they are known. Raises GateError."""
    with contextlib.nullcontext(given) if isinstance(given, Pack) else running(given, day) as pack:
        policies = [policy for policy in pack.info.policies if policy.name not in _ADVICE]
        if not policies:
            raise GateError(f"policy pack {pack.name}: has no rules; a pack has at least one")
        mandatory = {policy.name for policy in policies if policy.enforcementLevel == analyzer_pb2.MANDATORY}
        return Response(
            rules=[_rule(pack.info.name, policy) for policy in policies],
            findings=[
                [_finding(plan, found, mandatory) for found in pack.analyze(of_plan)]
                for plan, of_plan in requests.result()
            ],
            # Asking that ends it.
            seen={} if pack is given else pack.seen(),
        )


def end_all() -> None:
    """Ends every pack after an interruption, so that no thread waits for an answer."""
    for process in [*_RUNNING]:
        process.kill()


def _port(name: str, process: subprocess.Popen[bytes], output: IO[str], errors: IO[str]) -> int:
    """The port is the first line that a pack prints."""
    deadline = time.monotonic() + START_SECONDS
    line = ""
    while not line.endswith("\n") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
        line = (_text(output, 0).splitlines(keepends=True) or [""])[0]
    if line.strip().isdigit():
        return int(line)
    process.kill()
    process.wait()
    end = os.fstat(errors.fileno()).st_size
    lines = _text(errors, max(end - LAST_BYTES, 0)).strip().splitlines()
    raise GateError(f"policy pack {name}: did not start: {lines[-1] if lines else f'silent for {START_SECONDS} s'}")


def _seen(process: subprocess.Popen[bytes], output: IO[str]) -> dict[str, Any]:
    """What the pack has read, which it prints once its input ends; unknown for a pack that ended otherwise."""
    _close(process)
    try:
        is_fine = process.wait(END_SECONDS) == 0
        output.seek(0)
        found: dict[str, Any] = json.loads(output.read().splitlines()[-1])
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


def _rule(pack: str, policy: analyzer_pb2.PolicyInfo) -> JudgedRule:
    return JudgedRule(
        name=policy.name,
        pack=pack,
        description=policy.description,
        severity=SEVERITIES.get(policy.severity, "unspecified"),
        remediation=policy.remediation_steps,
    )


def _finding(plan: Plan, diagnostic: analyzer_pb2.AnalyzeDiagnostic, mandatory: set[str]) -> Finding:
    # The SDK turns a mandatory rule that meets an unknown value into advice; let that pass and the gate is open.
    message = diagnostic.message.removeprefix(f"{diagnostic.description}\n")
    is_advice = diagnostic.policyName in mandatory and diagnostic.enforcementLevel == analyzer_pb2.ADVISORY
    resource = plan.by_urn.get(diagnostic.urn)
    return Finding(
        stack=plan.stack,
        pack=diagnostic.policyPackName,
        rule=diagnostic.policyName,
        severity=SEVERITIES.get(diagnostic.severity, "unspecified"),
        message=message,
        urn=diagnostic.urn,
        place=resource.declared_at if resource else "",
        is_unchecked=is_advice or message.startswith(UNCHECKED),
    )
