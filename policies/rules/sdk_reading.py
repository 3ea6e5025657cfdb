"""Reads each resource once for all rules of a pack; the SDK reads it again for every one of them."""

from collections.abc import Collection, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Policy, ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy import policy as sdk

from plan import wire

_Servicer: Any = sdk._PolicyAnalyzerServicer
_asked: ContextVar[Mapping[str, Any]] = ContextVar("what the stack rules that run are asked about, by URN", default={})  # noqa: B039


def marked_outputs(urn: str) -> Collection[str]:
    """Paths of the resource's outputs that are secret, within a stack rule.

    The engine sends the marks, and the SDK takes them away before a rule is asked.
    """
    resource = _asked.get().get(urn)
    return set(_marked(json_format.MessageToDict(resource.properties), "")) if resource else ()


def _marked(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict) and wire.is_secret(value):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _marked(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _marked(item, f"{path}[{index}]")


class _ReadingOnce(_Servicer):  # type: ignore[misc]
    """Hands the SDK one policy that runs every rule of a kind, and reports in each rule's own name.

    A rule's settings in a pack's configuration do not reach it: ours have none.
    """

    def __init__(self, name: str, version: str, policies: list[Policy], *more: Any, **options: Any) -> None:
        super().__init__(name, version, policies, *more, **options)
        self._name_and_version = (name, version)
        self._rules = policies

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802
        response = analyzer_pb2.AnalyzeResponse()
        one = ResourceValidationPolicy("every-rule", "Every rule.", self._run(ResourceValidationPolicy, response))
        return self._only(response, self._reader(one).Analyze(request, context))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:  # noqa: N802
        response = analyzer_pb2.AnalyzeResponse()
        one = StackValidationPolicy("every-rule", "Every rule.", self._run(StackValidationPolicy, response))
        _asked.set({resource.urn: resource for resource in request.resources})
        return self._only(response, self._reader(one).AnalyzeStack(request, context))

    def Remediate(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """Our rules change nothing, and the SDK would read the resource to find that out."""
        return analyzer_pb2.RemediateResponse()

    def _reader(self, policy: Policy) -> Any:
        return _Servicer(*self._name_and_version, [policy], EnforcementLevel.MANDATORY)

    def _run(self, kind: type[Policy], response: analyzer_pb2.AnalyzeResponse) -> Any:
        def validate(args: Any, _report: Any) -> None:
            for rule in self._rules:
                level = self._get_enforcement_level(rule)
                if isinstance(rule, kind) and level != EnforcementLevel.DISABLED:
                    judge: Any = rule
                    judge.validate(args, self._report(response, judge, level))

        return validate

    def _report(self, response: analyzer_pb2.AnalyzeResponse, rule: Any, level: EnforcementLevel) -> Any:
        return self._create_report_violation(response, rule.name, rule.description, level, rule.severity)

    def _only(self, response: analyzer_pb2.AnalyzeResponse, said: analyzer_pb2.AnalyzeResponse) -> Any:
        # Here the SDK would put an unknown value that no rule has caught, as advice.
        if said.diagnostics:
            raise RuntimeError("a rule let an unknown value escape")
        return response


def read_once() -> None:
    """Changes the SDK in this process, before a pack is built: with thirty rules, reading took most of the time."""
    vars(sdk)["_PolicyAnalyzerServicer"] = _ReadingOnce
