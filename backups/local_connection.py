"""The connection to the local stack: to the recovery engine in its namespaces, or its container.

The supervisor stops and starts there what systemd would on a host.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backups import copies, engine_process
from backups.connection import Say, asked
from backups.errors import BackupError, UnansweredError
from components.common.errors import HybridError
from host.common import layout
from host.recovery.contract import (
    MAIN,
    SWAP_NOTE,
    Backup,
    Restored,
    RestoreRequest,
    Source,
    Swapped,
    SwapRequest,
    UnswapRequest,
)
from host.specification import model
from local.common import disk_space, lock
from local.common.certificates import ServerCertificate
from local.common.errors import LocalError
from local.host import database, serving, spec
from local.host.runtime import HostRuntime
from local.objects.part import Objects
from local.processes.stack import Stack
from local.stack import verified

AWAY = "does not answer"
"""What the engine says of a store."""
STOPPED = "PostgreSQL does not run"
IS_EXCHANGED = f"""
cd "$1" || exit 1
for left in "$2" .{MAIN}.before-*/{SWAP_NOTE}; do test -e "$left" && exit 1; done
exit 0"""
"""Whether a staged cluster is main: it is not there any more, and not on its way either (host/recovery/swap.py)."""
IS_READY = "ready *"
"""A line of the postmaster.pid of a server that can be written, also after it was killed (PostgreSQL, pidfile.h)."""


class LocalConnection:
    """Can be made while the stack is stopped; asking then raises LocalError."""

    def __init__(self, here: Stack, say: Say) -> None:
        self.stack = "local"
        self.evidence: Path = here.state.folder / "drills"
        self.here = here
        self.say = say

    @property
    def route(self) -> HostRuntime:
        """Raises LocalError where the stack does not run."""
        route = database.runtime(self.here)
        if not self.here.state.exists or not route.is_made or not self.here.supervisor.is_running():
            raise LocalError("the local stack does not run; start it with `./hybrid local up`")
        return route

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        route = self.route
        try:
            answer = engine_process.run(route.recovery(), request, self.say, route.interrupt_recovery)
        except BackupError as error:
            if lacking := disk_space.fault(self.here.state):
                raise type(error)(f"{error}\n{lacking}") from None
            if AWAY in str(error) and not serving.first(serving.read(self.here.state)):
                raise BackupError(f"{error}; `./hybrid local up` starts what does not run") from None
            if STOPPED in str(error):
                holder = lock.holder(self.here.state)
                way = f"in use by {holder}" if holder else "`./hybrid local up` starts it"
                raise BackupError(f"{error}; {way}") from None
            raise
        if lacking := disk_space.fault(self.here.state):
            self.say(lacking)
        return answer

    def restore_in_place(self, wanted: RestoreRequest) -> Restored:
        """Staged beside what serves, then swapped. Where the new one never answered, the old one serves again.

        Raises BackupError, and LocalError where the stack does not run or another command changes it.
        """
        if self.route.postgres.name == self.route.pooler.name:
            raise BackupError(
                f"{MAIN}: in a container PostgreSQL can't be stopped alone; allowed: a cluster beside it, --into NAME"
            )
        with lock.hold(self.here.state), verified.changing(self.here.state):
            halt, kept = _Halt(self), None
            try:
                if wanted.target.kind == "latest":
                    # What is acknowledged until then is archived by the shutdown.
                    halt.begin()
                made, name = self._staged(wanted)
                halt.begin()
                # An interruption in between would leave open which of the two it is that serves.
                with engine_process.interruption_held():
                    kept = self._exchanged(name)
                    self._start_swapped(kept)
            except BaseException as error:
                if kept is None:
                    halt.end()
                elif isinstance(error, KeyboardInterrupt):
                    self.say(f"interrupted: {MAIN} serves what was restored; what it had is in {kept}")
                raise
        seconds = made.seconds | ({"stopped": halt.seconds} if halt.has_stopped else {})
        return made.model_copy(update={"seconds": seconds, "plan": made.plan.model_copy(update={"keeps": kept})})

    def copy_states(self, backups: Sequence[Backup], source: Source) -> dict[str, str]:
        given = spec.running(self.here).backup
        found = given.replica if source.repository == "copy" else given
        if found is None:
            return dict.fromkeys((one.label for one in backups), "unknown: no copy is declared")
        return copies.states(lambda: self._objects(given).client(found.region), found.bucket, backups)

    def halt(self) -> bool:
        """Whether it ran."""
        self.say("stopping PostgreSQL")
        return self.here.supervisor.halt(self.route.postgres.name)

    def start(self) -> None:
        """Starts it, unless it runs, and waits until it answers."""
        self.say("starting PostgreSQL")
        self.here.supervisor.ensure(self.route.postgres)
        database.wait_socket(self.here, self.route)

    def _staged(self, wanted: RestoreRequest) -> tuple[Restored, str]:
        """What was made, and its name."""
        made = asked(self, Restored, wanted.model_copy(update={"act": "stage"}))
        if made.staged is None:
            raise BackupError("host.recovery (stage): names nothing that it has laid ready")
        return made, made.staged

    def _exchanged(self, staged: str) -> str:
        """The name that main's old data have."""
        try:
            return asked(self, Swapped, SwapRequest(staged=staged)).kept
        except UnansweredError:
            # Said at once: main's start, which comes next, may fail too.
            which = "had" if self._is_exchanged(staged) else "never had"
            self.say(f"{MAIN} {which} changed places with what was restored; it is started as it is")
            raise

    def _start_swapped(self, kept: str) -> None:
        """Goes back only from what has never served: it may have rows that were acknowledged.

        Raises BackupError that says what main is now.
        """
        try:
            self.start()
        except HybridError as error:
            undone = self._taken_back(kept, error)
            raise BackupError(
                f"{MAIN}: what was restored did not start and is in {undone}, so the old data serve again: {error}"
            ) from error

    def _taken_back(self, kept: str, cause: HybridError) -> str:
        """The name of what took main's place for a while. Raises BackupError with both faults."""
        failed = f"{MAIN}: what was restored does not answer: {cause}\n{MAIN}:"
        try:
            if self._has_served():
                raise BackupError("it has served, and may have rows that are nowhere else")
            self.say(f"what was restored does not answer: going back to {kept}")
            self.halt()
            undone = asked(self, Swapped, UnswapRequest(kept=kept)).kept
        except UnansweredError as error:
            raise BackupError(f"{failed} may or may not have been taken back from {kept}: {error}") from error
        except HybridError as error:
            raise BackupError(f"{failed} still is what was restored, for {kept} was not taken back: {error}") from error
        try:
            self.start()
        except HybridError as error:
            raise BackupError(
                f"{failed} is the old one again, and does not start either; the other is in {undone}: {error}"
            ) from error
        return undone

    def _is_exchanged(self, staged: str) -> bool:
        folder = str(layout.data(spec.MAJOR).parent)
        return self.route.in_host(["/bin/sh", "-c", IS_EXCHANGED, "sh", folder, staged]).returncode == 0

    def _has_served(self) -> bool:
        lock = str(layout.data(spec.MAJOR) / "postmaster.pid")
        return self.route.in_host(["/bin/grep", "--quiet", "--line-regexp", IS_READY, lock]).returncode == 0

    def _objects(self, given: model.Backup) -> Objects:
        """A standby's host has its backups in the store of another stack."""
        first = serving.first(serving.read(self.here.state))
        owner = first.state if first else self.here.state
        port = int(given.endpoint.rpartition(":")[2])
        return Objects(state=owner, port=port, tls=ServerCertificate(owner.tls))


class _Halt:
    """The time in which PostgreSQL is stopped."""

    def __init__(self, connection: LocalConnection) -> None:
        self._connection = connection
        self._start: float | None = None
        self.has_stopped = False
        """Else it ran no more, and since when is not known."""

    @property
    def seconds(self) -> float:
        return 0.0 if self._start is None else time.monotonic() - self._start

    def begin(self) -> None:
        if self._start is None:
            self._start = time.monotonic()
            self.has_stopped = self._connection.halt()

    def end(self) -> None:
        """Starts it again if it was stopped."""
        if self._start is not None:
            self._connection.start()
