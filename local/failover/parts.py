"""The parts that a rollback is tried on, and what the plan declares for them: the last steps of `up`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.common.ports import STANDBY_ADDRESS
from local.failover import control_plane_part, edge_proxy, name_server
from local.failover import ids as failover_ids
from local.failover.declared_edge import DeclaredEdge
from local.processes.stack import Stack
from local.processes.supervisor import Outcome

# In the order in which they start.
NAMES = (control_plane_part.NAME, name_server.NAME, edge_proxy.STANDBY, edge_proxy.PROXY)


def here() -> tuple[str, ...]:
    """The parts that this machine can have."""
    return NAMES if name_server.program() else tuple(name for name in NAMES if name != name_server.NAME)


@dataclass(frozen=True, kw_only=True)
class FailoverParts:
    stack: Stack
    declared: DeclaredEdge
    workers: dict[str, int]
    """Ports of the Workers that can be reached from outside, by name."""
    assets: Path
    """The site's files, which the stand-by serves too."""

    def steps(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        acts = (self._control_plane, self._name_server, self._standby, self._proxy)
        return (*zip(NAMES, acts, strict=True), ("failover", self._failover))

    def _control_plane(self) -> str:
        feed = name_server.feed(self.stack) if name_server.program() else None
        part = control_plane_part.part(self.stack, self.declared, feed)
        outcome = self.stack.supervisor.ensure(part)
        self.stack.supervisor.wait_ready(part.name, lambda: control_plane_part.is_ready(self.stack))
        return str(outcome)

    def _name_server(self) -> str:
        found = name_server.program()
        if not found:
            return str(Outcome.UNCHANGED)
        outcome = self.stack.supervisor.ensure(name_server.part(self.stack, self.declared, found))
        self.stack.supervisor.wait_ready(name_server.NAME, lambda: name_server.is_ready(self.stack, self.declared))
        return str(outcome)

    def _standby(self) -> str:
        part = edge_proxy.standby_part(self.stack, self.declared, self.assets)
        outcome = self.stack.supervisor.ensure(part)
        self._wait_answer(part.name, STANDBY_ADDRESS)
        return str(outcome)

    def _proxy(self) -> str:
        part = edge_proxy.proxy_part(self.stack, self.declared, self.workers)
        outcome = self.stack.supervisor.ensure(part)
        self._wait_answer(part.name, edge_proxy.EDGE_ADDRESS)
        return str(outcome)

    def _wait_answer(self, name: str, address: str) -> None:
        host = self.declared.hosts[0].hostname if self.declared.hosts else "localhost"
        self.stack.supervisor.wait_ready(name, lambda: edge_proxy.is_ready(self.stack, address, host))

    def _failover(self) -> str:
        """Brings in what is declared; what a rollback has changed stays as it is."""
        control_plane_part.write_rollback_token(self.stack)
        count, known = control_plane_part.seed(self.stack, self.declared)
        is_new = failover_ids.write(self.stack, self.declared, known)
        if not count and not is_new:
            return str(Outcome.UNCHANGED)
        return f"{count} changed" if count else "ids written"
