"""Realises a plan on this machine: each part in its order, ready before the next, changed only where it must be."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic

from host.specification.model import written
from local.common import disk_space, lock
from local.common.errors import LocalError
from local.common.parts import PARTS, named
from local.common.ports import refuse_busy
from local.common.state import CLEAN, State
from local.host import backups, database, serving, standbys
from local.host.realisation import UNCHANGED, Realisation
from local.host.runtime import HostRuntime
from local.host.serving import Serving
from local.processes.stack import Progress, Stack
from local.processes.supervisor import Outcome
from plan.model import Plan

Tell = Callable[[str, str, float], None]
"""Takes a step's name, its outcome and how many seconds it took."""
Step = Callable[[], str]
"""Returns its outcome."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the operator asks for beyond the plan; None leaves it as it was."""

    standby_of: Path | None = None
    """State folder of the stack of whose host this stack's is to be a standby."""
    serves: bool | None = None
    rebuilds: bool = False
    """Remove a standby's database, and restore it again."""
    from_backups: bool = False
    """Restore the database from the backups that the stack's own store holds."""
    backup: str | None = None
    """The label of the one to restore, where it is not to be the newest."""


def up(stack: Stack, plan: Plan, tell: Tell, progress: Progress, wish: Wish | None = None) -> list[str]:
    """Names of the steps that changed something: none, when nothing had to be done.

    Raises LocalError; what runs by then goes on, so that its logs can be read. Interrupted from the keyboard, it
    stops the whole stack.
    """
    asked = wish or Wish()
    if asked.standby_of and not stack.state.has_database:
        # Before anything is made for it.
        serving.First(State(asked.standby_of.expanduser().resolve())).first_port()
    runtime = database.choose(stack)
    disk_space.ensure(stack.state)
    stack.state.prepare()
    with lock.hold(stack.state):
        refuse_busy(stack.ports, stack.supervisor.pids() | runtime.pids())
        wished = _wished(stack, asked, progress)
        realisation = Realisation(stack=stack, runtime=runtime, plan=plan, progress=progress, serving=wished)
        with stopped_on_interrupt(stack, runtime, progress):
            _prepare(realisation, may_restore=asked.from_backups)
            return [name for name, act in _steps(realisation) if _changes(realisation, name, act, tell)]


def _wished(stack: Stack, wish: Wish, progress: Progress) -> Serving:
    """Which host is to serve; a standby is given the secrets of the first stack."""
    state = stack.state
    known = serving.read(state)
    if wish.rebuilds and known.standby_of and standbys.follows(stack):
        known = replace(known, is_serving=False)
    wished = known.wanted(
        state,
        standby_of=wish.standby_of,
        serves=wish.serves,
        from_backups=wish.from_backups,
        backup=wish.backup,
        rebuilds=wish.rebuilds,
    )
    if known.is_serving and not wished.is_serving and not wished.standby_of:
        standbys.ensure_following(stack, progress)
    first = serving.first(wished)
    if first and wish.rebuilds and state.has_database:
        progress("removing the standby's database")
        stack.supervisor.stop()
        database.runtime(stack).end(is_final=True)
    if first and not wished.is_serving:
        standbys.announce(first.state, state)
    if first and not state.has_database:
        # Restored with the rows, the roles know the first stack's passwords.
        state.write(state.secrets_file, first.secrets)
    return wished


@contextmanager
def stopped_on_interrupt(stack: Stack, runtime: HostRuntime, progress: Progress) -> Iterator[None]:
    """Stops the whole stack when the operator interrupts."""
    try:
        yield
    except KeyboardInterrupt:
        # An impatient second Ctrl-C would leave behind what is not stopped yet.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        progress("interrupted: stopping all parts")
        stack.supervisor.stop()
        runtime.end(is_final=False)
        raise


def _prepare(realisation: Realisation, *, may_restore: bool) -> None:
    """What can't be realised here is refused before anything is made. Raises LocalError."""
    for part in PARTS:
        if part.refuse:
            named(part.refuse)(realisation)
    _refuse_another_database(realisation, may_restore=may_restore)
    _refuse_lost_database(realisation, may_restore=may_restore)
    state = realisation.stack.state
    serving.write(state, realisation.serving)
    state.write_json(state.host_file, written(realisation.host))
    database.trust(realisation.stack, realisation.host)


def _steps(realisation: Realisation) -> Iterator[tuple[str, Step]]:
    """Steps by name, in their order. A host that serves nobody has no client, and none must reach it."""
    is_serving = realisation.serving.is_serving
    yield "root", lambda: "made" if realisation.runtime.ensure_root(realisation.progress) else UNCHANGED
    yield "supervisor", lambda: _start_supervisor(realisation)
    if not is_serving:
        yield "clients", lambda: _stop_clients(realisation)
    for part in PARTS:
        if is_serving or not part.serves_clients:
            for name, reference in {part.name: part.start, **part.steps}.items():
                yield name, partial(_act, reference, realisation) if part.is_available else lambda: UNCHANGED


def _act(reference: str, realisation: Realisation) -> str:
    return str(named(reference)(realisation))


def _changes(realisation: Realisation, name: str, act: Step, tell: Tell) -> bool:
    """Takes the step; whether it changed anything."""
    realisation.progress(name)
    start = monotonic()
    outcome = act()
    tell(name, outcome, monotonic() - start)
    return outcome != UNCHANGED


def _start_supervisor(realisation: Realisation) -> str:
    supervisor = realisation.stack.supervisor
    was_running = supervisor.is_running()
    supervisor.start(realisation.runtime.launch)
    if not was_running:
        return str(Outcome.STARTED)
    return "resumed" if supervisor.resume() else UNCHANGED


def _stop_clients(realisation: Realisation) -> str:
    clients = [part.name for part in reversed(PARTS) if part.serves_clients]
    halted = [name for name in clients if realisation.stack.supervisor.halt(name)]
    return f"stopped: {', '.join(halted)}" if halted else UNCHANGED


def _refuse_another_database(realisation: Realisation, *, may_restore: bool) -> None:
    # By its key, not by the model: an older version's stack, whose specification the model refuses, has a database too.
    held = realisation.stack.state.read_json(realisation.stack.state.host_file, can_be_remade=True)
    is_there = realisation.runtime.is_made or may_restore
    known = held.get("postgres", {}).get("database") if is_there and isinstance(held, dict) else None
    wanted = realisation.host.postgres.database
    if known not in (None, wanted):
        raise LocalError(
            f"postgresDatabase {wanted!r}: the local stack was made with {known!r}; keep that name, or {CLEAN}"
        )


def _refuse_lost_database(realisation: Realisation, *, may_restore: bool) -> None:
    """A missing database that has backups is not replaced by a new one, which would contradict them."""
    if realisation.runtime.is_made or realisation.serving.standby_of:
        return
    state = realisation.stack.state
    has_backup = backups.holds_backup(state, realisation.host)
    if has_backup and not may_restore:
        raise LocalError(
            f"{state.store}: holds backups of a database that this stack no longer has; restore it with"
            f" `./hybrid local up --from-backups`, or remove them: {CLEAN}"
        )
    if may_restore and not has_backup:
        raise LocalError(
            f"--from-backups: {state.store} holds no backup of {realisation.host.backup.stanza};"
            " `./hybrid local up` makes a new database"
        )
