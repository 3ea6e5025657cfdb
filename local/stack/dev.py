"""The edit loop: what is saved in apps/ is served at once; migrations that are added there are applied."""

import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import psycopg
from watchfiles import DefaultFilter, watch

from local.common import lock
from local.common.errors import LocalError
from local.edge import part as edge
from local.edge.bundles import Builder
from local.host import database, migrations
from local.host.realisation import Realisation
from local.host.serving import read
from local.processes.stack import Stack
from local.stack import verified
from local.stack.running import parts_of
from plan.model import Plan

Say = Callable[[str], None]
# An editor, or a change of branch, writes several files: what comes within that time is one change.
QUIET_MS = 30
# After that it is tried again, where another command held the stack.
RETRY_MS = 1000
SOURCES = DefaultFilter(
    ignore_dirs=(*DefaultFilter.ignore_dirs, "dist", ".built"),
    ignore_entity_patterns=(*DefaultFilter.ignore_entity_patterns, "^made$"),
)


def run(stack: Stack, plan: Plan, say: Say) -> None:
    """Serves what is saved, and says what all parts log, until it is interrupted; the stack goes on."""
    realisation = Realisation(
        stack=stack, runtime=database.choose(stack), plan=plan, progress=lambda _: None, serving=read(stack.state)
    )
    for name in parts_of(stack):
        threading.Thread(target=_log, args=(stack, name, say), daemon=True).start()
    with Builder(stack.project) as builder:
        saved: set[Path] = set()
        is_watching = False
        for changes in watch(
            stack.project / "apps", watch_filter=SOURCES, step=QUIET_MS, rust_timeout=RETRY_MS, yield_on_timeout=True
        ):
            # What is saved before the watcher has given its first answer may be missed.
            if not is_watching:
                say(f"watching apps/ for http://localhost:{stack.ports.web}; Ctrl-C ends that")
                is_watching = True
            saved |= {Path(path) for _, path in changes}
            try:
                if saved:
                    _take(realisation, builder, saved, say)
                saved.clear()
            except lock.InUseError as error:
                if changes:
                    say(f"not yet: {error}")


def _log(stack: Stack, part: str, say: Say) -> None:
    for line in stack.supervisor.follow(part):
        say(f"{part:<13} {line}")


def _take(realisation: Realisation, builder: Builder, saved: set[Path], say: Say) -> None:
    """Migrations first: the code counts on them. Raises lock.InUseError."""
    stack = realisation.stack
    of_database = {path for path in saved if path.is_relative_to(stack.project / migrations.FOLDER)}
    of_edge = saved - of_database
    with verified.changing(stack.state), lock.hold(stack.state):
        if of_database:
            _tell(stack, of_database, lambda: _migrate(realisation, of_database), say)
        if of_edge:
            _tell(stack, of_edge, lambda: _serve(realisation, builder), say)


def _tell(stack: Stack, saved: set[Path], act: Callable[[], str], say: Say) -> None:
    start = monotonic()
    try:
        outcome = act()
    except (LocalError, psycopg.Error) as error:
        outcome = str(error).strip()
    names = ", ".join(sorted(str(path.relative_to(stack.project)) for path in saved))
    say(f"{names}: {outcome} ({monotonic() - start:.2f} s)")


def _serve(realisation: Realisation, builder: Builder) -> str:
    builder.build()
    edge.start(realisation)
    return "served"


def _migrate(realisation: Realisation, saved: set[Path]) -> str:
    ran = database.run_migrations(realisation)
    known = sorted({path.stem for path in saved if migrations.is_migration(path) and path.exists()} - {*ran})
    told = [f"{', '.join(ran)} applied"] if ran else []
    if known:
        # What has run once is not run again.
        told.append(f"{', '.join(known)} was already applied; later edits were not: add a new migration")
    return "; ".join(told) or "nothing to apply"
