"""A restore into the local cluster that serves: the supervisor stops and starts what systemd would on a host."""

import time
from typing import TYPE_CHECKING, Any

from backups.answers import Restored, Swapped
from backups.door import InPlace, asked, read
from backups.errors import BackupError
from backups.request import LIVE, restoring
from components.common.errors import HybridError
from local.common import lock
from local.host import database
from local.stack import verified

if TYPE_CHECKING:
    from backups.local_door import LocalDoor


def restore_in_place(door: "LocalDoor", wanted: InPlace) -> Restored:
    """Staged beside what serves, then swapped. Where the new one does not answer, the old one serves again.

    Raises BackupError, and LocalError where the stack does not run or another command changes it.
    """
    if door.way.postgres.name == door.way.pooler.name:
        raise BackupError(
            f"{LIVE}: in a container PostgreSQL can't be stopped alone; allowed: a cluster beside it, --into NAME"
        )
    with lock.hold(door.here.state), verified.changing(door.here.state):
        halt = _Halt(door)
        try:
            if wanted.target.kind == "latest":
                # What is acknowledged until then is archived by the shutdown.
                halt.begin()
            staged = _staged(door, wanted)
            halt.begin()
            kept = asked(door, Swapped, {"act": "swap", "staged": staged.staged}).kept
        except BaseException:
            halt.end()
            raise
        _start_swapped(door, kept)
    seconds = {**staged.seconds, "stopped": halt.seconds}
    return staged.model_copy(update={"seconds": seconds, "plan": staged.plan.model_copy(update={"keeps": kept})})


class _Halt:
    """The time in which PostgreSQL is stopped."""

    def __init__(self, door: "LocalDoor") -> None:
        self._door = door
        self._start: float | None = None

    @property
    def seconds(self) -> float:
        return 0.0 if self._start is None else time.monotonic() - self._start

    def begin(self) -> None:
        if self._start is None:
            self._start = time.monotonic()
            _halt(self._door)

    def end(self) -> None:
        """Has it run again, if it was stopped."""
        if self._start is not None:
            _start(self._door)


def _staged(door: "LocalDoor", wanted: InPlace) -> Restored:
    request: dict[str, Any] = restoring("stage", wanted.target, wanted.source, LIVE, wanted.replace)
    staged = read(Restored, "stage", door.ask(request))
    if staged.staged is None:
        raise BackupError("host.recovery (stage): names nothing that it has laid ready")
    return staged


def _halt(door: "LocalDoor") -> None:
    door.say("stopping PostgreSQL")
    door.here.supervisor.halt(door.way.postgres.name)


def _start(door: "LocalDoor") -> None:
    """Starts it, unless it runs, and waits until it answers."""
    door.say("starting PostgreSQL")
    door.here.supervisor.ensure(door.way.postgres)
    database.wait_socket(door.here, door.way)


def _start_swapped(door: "LocalDoor", kept: str) -> None:
    try:
        _start(door)
    except (HybridError, KeyboardInterrupt) as error:
        door.say(f"what was restored does not answer: going back to {kept}")
        _halt(door)
        door.ask({"act": "unswap", "kept": kept})
        _start(door)
        if isinstance(error, KeyboardInterrupt):
            raise
        raise BackupError(f"{LIVE}: what was restored did not start, so the old data serve again: {error}") from error
