"""One run of `up`: what the parts are started from, and what their steps tell each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from host.common.report import Report
from host.specification.model import Spec
from local.host import database_certificates, serving
from local.host.runtime import HostRuntime
from local.host.serving import Serving
from local.host.spec import Machine, authorities, host_spec
from local.processes.program import Program
from local.processes.stack import Progress, Stack
from local.processes.supervisor import Outcome
from plan.model import Plan

UNCHANGED = str(Outcome.UNCHANGED)
"""What a step returns that had nothing to do."""


@dataclass(kw_only=True)
class Realisation:
    """A plan, and the stack on which it is realised."""

    stack: Stack
    runtime: HostRuntime
    plan: Plan
    progress: Progress
    serving: Serving
    report: Report = field(default_factory=Report)
    """What host/ changed in its files, for the parts that read them."""

    @cached_property
    def host(self) -> Spec:
        """The host's specification, with its secrets."""
        first = serving.first(self.serving)
        machine = Machine(
            ports=self.stack.ports,
            password=self.stack.password(self.plan),
            tls=database_certificates.ensure(self.stack.state, authorities(self.plan)),
            objects_port=first.objects_port if first else self.stack.ports.objects,
            is_restored=first is not None or self.serving.is_restored,
            restored_from=self.serving.restored_from,
            is_serving=self.serving.is_serving,
        )
        return host_spec(self.plan, machine)

    def run(self, program: Program, is_ready: Callable[[], bool]) -> str:
        """Has the program run as described, and be ready; the step's outcome. Raises LocalError."""
        return str(self.stack.supervisor.run(program, is_ready))
