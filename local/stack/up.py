"""Realises a plan on this machine: each part in its order, ready before the next, changed only where it must be."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from local.common import certificates, lock
from local.common.errors import LocalError
from local.common.ports import refuse_busy
from local.common.state import CLEAN
from local.edge import part as edge
from local.edge.config import EdgeSources, edge_config, site_assets
from local.failover import parts as failover_parts
from local.failover.declared_edge import declared_edge
from local.failover.parts import FailoverParts
from local.host import backups, database, database_certificates, serving
from local.host.database_way import DatabaseWay
from local.host.serving import Serving
from local.host.spec import Machine, authorities, host_spec
from local.objects.buckets import Bucket, declared_buckets, ensure_buckets
from local.objects.part import Objects
from local.processes.stack import Progress, Stack
from local.processes.supervisor import Outcome
from plan.model import Plan

Tell = Callable[[str, str, float], None]
"""Takes a step's name, its outcome and how many seconds it took."""
MADE, UNCHANGED = "made", str(Outcome.UNCHANGED)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the operator asks for beyond the plan; None leaves it as it was."""

    standby_of: Path | None = None
    """State folder of the stack of whose host this stack's is to be a standby."""
    serves: bool | None = None
    from_backups: bool = False
    """Restore the database from the backups that the stack's own store holds."""


def up(stack: Stack, plan: Plan, tell: Tell, progress: Progress, wish: Wish | None = None) -> list[str]:
    """Names of the steps that changed something: none, when nothing had to be done.

    Raises LocalError; what runs by then goes on, so that its logs can be read. Interrupted from the keyboard, it
    stops the whole stack.
    """
    way = database.choose(stack)
    stack.state.prepare()
    with lock.hold(stack.state):
        refuse_busy(stack.ports, stack.supervisor.pids() | way.pids())
        asked = wish or Wish()
        realisation = Realisation(
            stack=stack,
            way=way,
            plan=plan,
            tell=tell,
            progress=progress,
            serving=_wished(stack, asked),
            may_restore=asked.from_backups,
        )
        with stopped_on_interrupt(stack, way, progress):
            realisation.run()
    return realisation.changed


def _wished(stack: Stack, wish: Wish) -> Serving:
    """What is to be, and all had that a standby needs of the first stack."""
    state = stack.state
    known = serving.read(state)
    wished = known.wanted(state, standby_of=wish.standby_of, serves=wish.serves, from_backups=wish.from_backups)
    first = serving.first(wished)
    if first and not state.has_database:
        # Restored with the rows, the roles know the first stack's passwords.
        state.write(state.secrets_file, first.secrets)
    return wished


@contextmanager
def stopped_on_interrupt(stack: Stack, way: DatabaseWay, progress: Progress) -> Iterator[None]:
    """Stops the whole stack when the operator interrupts."""
    try:
        yield
    except KeyboardInterrupt:
        # An impatient second Ctrl-C would leave behind what is not stopped yet.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        progress("interrupted: stopping all parts")
        stack.supervisor.stop()
        way.end(is_final=False)
        raise


@dataclass(kw_only=True)
class Realisation:
    """One run over all steps."""

    stack: Stack
    way: DatabaseWay
    plan: Plan
    tell: Tell
    progress: Progress
    serving: Serving
    may_restore: bool = False
    """Whether the operator has asked for a database from the stack's own backups."""
    changed: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    """What host/ changed in its files, for the parts that read them."""

    @cached_property
    def host(self) -> dict[str, Any]:
        first = serving.first(self.serving)
        machine = Machine(
            ports=self.stack.ports,
            password=self.stack.password(self.plan),
            tls=database_certificates.ensure(self.stack.state, authorities(self.plan)),
            objects_port=first.objects_port if first else self.stack.ports.objects,
            is_restored=first is not None or self.serving.is_restored,
            is_serving=self.serving.is_serving,
        )
        return host_spec(self.plan, machine)

    @cached_property
    def edge(self) -> dict[str, Any]:
        sources = EdgeSources(
            project=self.stack.project,
            state=self.stack.state.edge,
            ports=self.stack.ports,
            password=self.stack.password(self.plan),
        )
        return edge_config(self.plan, sources)

    @cached_property
    def failover(self) -> FailoverParts:
        workers = {str(self.edge[key]["worker"]): int(self.edge[key]["port"]) for key in ("entry", "direct")}
        return FailoverParts(
            stack=self.stack, declared=declared_edge(self.plan), workers=workers, assets=site_assets(self.edge)
        )

    @cached_property
    def buckets(self) -> list[Bucket]:
        return declared_buckets(self.plan)

    @cached_property
    def objects(self) -> Objects:
        tls, _ = certificates.ensure(self.stack.state)
        return Objects(state=self.stack.state, port=self.stack.ports.objects, tls=tls)

    def run(self) -> None:
        # What can't be had here is refused before anything is made.
        _ = self.edge, self.buckets, self.failover
        self._refuse_another_database()
        self._refuse_lost_database()
        serving.write(self.stack.state, self.serving)
        self.stack.state.write_json(self.stack.state.host_file, self.host)
        database.trust(self.stack, self.host)
        for name, act in self._steps():
            self._step(name, act)

    def _steps(self) -> tuple[tuple[str, Callable[[], str]], ...]:
        """A host that does not serve has no client, and none must reach it."""
        host: tuple[tuple[str, Callable[[], str]], ...] = (
            ("root", self._root),
            ("supervisor", self._supervisor),
            ("objects", self._objects),
        )
        if not self.serving.is_serving:
            return (*host, ("clients", self._no_clients), ("postgres", self._postgres), ("database", self._database))
        return (
            *host,
            ("postgres", self._postgres),
            ("database", self._database),
            ("pooler", self._pooler),
            ("migrations", self._migrations),
            ("backups", self._backups),
            ("edge", self._edge),
            *self.failover.steps(),
        )

    def _no_clients(self) -> str:
        halted = [name for name in (*failover_parts.NAMES, "edge", "pooler") if self.stack.supervisor.halt(name)]
        return f"stopped: {', '.join(halted)}" if halted else UNCHANGED

    def _refuse_another_database(self) -> None:
        held = self.stack.state.read_json(self.stack.state.host_file, can_be_remade=True)
        is_there = self.way.is_made or self.may_restore
        known = held.get("postgres", {}).get("database") if is_there and isinstance(held, dict) else None
        wanted = self.host["postgres"]["database"]
        if known not in (None, wanted):
            raise LocalError(
                f"postgresDatabase {wanted!r}: the local stack was made with {known!r}; keep that name, or {CLEAN}"
            )

    def _refuse_lost_database(self) -> None:
        """Where there is none, but backups of one: a new one in its place would be at odds with them."""
        if self.way.is_made or self.serving.standby_of:
            return
        state = self.stack.state
        has_backup = backups.holds_backup(state, self.host)
        if has_backup and not self.may_restore:
            raise LocalError(
                f"{state.store}: holds backups of a database that this stack has no more; restore it with"
                f" `./hybrid local up --from-backups`, or be rid of them: {CLEAN}"
            )
        if self.may_restore and not has_backup:
            raise LocalError(
                f"--from-backups: {state.store} holds no backup of {self.host['backup']['stanza']};"
                " `./hybrid local up` makes a new database"
            )

    def _step(self, name: str, act: Callable[[], str]) -> None:
        self.progress(name)
        start = monotonic()
        outcome = act()
        if outcome != UNCHANGED:
            self.changed.append(name)
        self.tell(name, outcome, monotonic() - start)

    def _root(self) -> str:
        return MADE if self.way.ensure_root(self.progress) else UNCHANGED

    def _supervisor(self) -> str:
        was_running = self.stack.supervisor.is_running()
        self.stack.supervisor.start(self.way.launch)
        return UNCHANGED if was_running else str(Outcome.STARTED)

    def _objects(self) -> str:
        outcome = self.stack.supervisor.ensure(self.objects.part())
        self.stack.supervisor.wait_ready("objects", self.objects.is_ready)
        first = serving.first(self.serving)
        database.trust_store(self.stack, first.objects_ca if first else self.objects.tls.authority.read_text())
        count = ensure_buckets(self.objects, self.buckets)
        if outcome is Outcome.UNCHANGED and count:
            return f"{count} buckets changed"
        return str(outcome)

    def _postgres(self) -> str:
        self.report = self.way.prepare()
        outcome = database.ensure_part(self.stack, self.way.postgres, self.report)
        database.wait_socket(self.stack, self.way)
        return _told(outcome, self.report)

    def _database(self) -> str:
        if self.serving.is_restored and self.serving.is_serving:
            backups.let_serve(self.way, self.host)
        return _told(Outcome.UNCHANGED, self.way.apply("database"))

    def _pooler(self) -> str:
        outcome = database.ensure_part(self.stack, self.way.pooler, self.report)
        for role in self.host["pooler"]["roles"]:
            database.wait_ready(self.stack, self.way.pooler.name, role, self.host)
        return str(outcome)

    def _migrations(self) -> str:
        count = database.migrate(self.stack, self.host)
        return f"{count} applied" if count else UNCHANGED

    def _backups(self) -> str:
        was_taken = backups.ensure_backup(self.stack, self.host, self.progress)
        return "full backup taken" if was_taken else UNCHANGED

    def _edge(self) -> str:
        outcome = self.stack.supervisor.ensure(edge.edge_part(self.stack, self.edge))
        self.stack.supervisor.wait_ready("edge", lambda: edge.is_ready(self.stack))
        return str(outcome)


def _told(outcome: Outcome, report: dict[str, Any]) -> str:
    if outcome is not Outcome.UNCHANGED:
        return str(outcome)
    count = len(report["changed"])
    return f"settings changed: {count}" if count else UNCHANGED
