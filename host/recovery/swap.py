"""Puts a staged cluster in the place of main, and back; there is no moment without a data directory."""

import ctypes
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from durable.files import flush_folder
from host.common import convergence_lock, layout
from host.common.services import READY_SECONDS, postgres
from host.database import beginning
from host.recovery import clusters, inventory
from host.recovery.contract import MAIN, SWAP_NOTE, Swapped, SwapRequest, UnswapRequest
from host.recovery.errors import RecoveryError, faults_of, plain_faults, say
from host.recovery.lock import IN_PLACE, alone
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository

# Linux, renameat2(2).
AT_CURRENT_FOLDER = -100
RENAME_EXCHANGE = 2
SYSTEMCTL_SECONDS = 300
GUARD = 'tail --pid="$1" -f /dev/null; exec systemctl start "$2"'


def swap(machine: Machine, request: SwapRequest) -> Swapped:
    """Refused while main runs."""
    with alone(machine, IN_PLACE):
        clusters.clean(machine, but=request.staged)
        return Swapped(kept=exchange(machine, request.staged))


def unswap(machine: Machine, request: UnswapRequest) -> Swapped:
    """Main's old data directory serves again; what took its place has this name."""
    with alone(machine, IN_PLACE):
        clusters.clean(machine)
        return Swapped(kept=back(machine, request.kept))


def exchange(machine: Machine, staged: str) -> str:
    path = clusters.folder(machine, staged)
    if not clusters.STAGED.fullmatch(staged) or not path.is_dir():
        raise RecoveryError(f"staged {staged}: is not there; act=stage makes one, and names it")
    _ensure_serves(machine)
    _ensure_stopped(machine)
    _ensure_same_state(machine, path)
    kept = clusters.fresh_name(machine, "before")
    main = clusters.folder(machine, MAIN)
    if not main.exists():
        machine.make_folder(machine.clusters / MAIN)
    # Neither staged, which may be removed, nor kept, which is old data: after a kill here the next act tells by the
    # note which of them has this name.
    moving = clusters.folder(machine, f".{kept}")
    machine.write(machine.clusters / staged / SWAP_NOTE, moving.name)
    os.rename(path, moving)
    try:
        _exchange(main, moving)
    except RecoveryError:
        os.rename(moving, path)
        raise
    os.rename(moving, clusters.folder(machine, kept))
    clusters.forget_notes(main)
    return kept


def back(machine: Machine, kept: str) -> str:
    path = clusters.folder(machine, kept)
    if not clusters.KEPT.fullmatch(kept) or not path.is_dir():
        raise RecoveryError(f"kept {kept}: is not there; {_known(machine)}")
    _ensure_serves(machine)
    _ensure_stopped(machine)
    if clusters.pid(machine, kept):
        raise RecoveryError(f"kept {kept}: is open; act=close ends that")
    clusters.forget_opened(machine, kept)
    _begin_timeline(machine, kept)
    _exchange(clusters.folder(machine, MAIN), path)
    undone = clusters.fresh_name(machine, "undone")
    os.rename(path, clusters.folder(machine, undone))
    return undone


def _begin_timeline(machine: Machine, kept: str) -> None:
    """What served before goes on, and what took its place meanwhile may have archived a log of its own."""
    data = clusters.folder(machine, kept)
    if not (data / "global/pg_control").exists():
        return
    try:
        archived = inventory.read(Repository(machine)).timelines
    except RecoveryError as error:
        say(f"{error}; {MAIN} begins a timeline above those that are known on this host")
        archived = []
    others = [one for one in clusters.served(machine) if one != data]
    if number := beginning.prepare(data, others, archived, machine.root):
        say(f"{MAIN} begins timeline {number} as it starts")


@contextmanager
def stopped_at_the_end(machine: Machine, *, from_the_start: bool) -> Iterator[Callable[[str], str]]:
    """Gives the exchange of a staged cluster with main, which systemd runs; where that fails the old one serves on."""

    def exchanged(staged: str) -> str:
        _systemctl(machine, "stop")
        kept = exchange(machine, staged)
        try:
            _start(machine)
        except KeyboardInterrupt:
            say(f"{MAIN} is what was restored, and is started; what it had is in {kept}")
            raise
        except RecoveryError as error:
            if clusters.has_served(machine, MAIN):
                stays = f"{MAIN}: is what was restored, and stays it, for it has served; what it had is in {kept}"
                raise RecoveryError(*error.faults, stays) from error
            raise RecoveryError(*error.faults, *_taken_back(machine, kept)) from error
        return kept

    with _no_convergence(machine):
        _guard(machine)
        try:
            if from_the_start:
                _systemctl(machine, "stop")
            yield exchanged
        except BaseException as error:
            _start_again(machine, error)
            raise


def _taken_back(machine: Machine, kept: str) -> list[str]:
    """What became of it."""
    try:
        with plain_faults(machine.clusters):
            _systemctl(machine, "stop")
            undone = back(machine, kept)
    except RecoveryError as error:
        return [f"{MAIN}: still is what was restored, for {kept} could not be taken back", *error.faults]
    return [f"{MAIN}: the old one serves again; what failed is in {undone}"]


def _start_again(machine: Machine, cause: BaseException) -> None:
    """Raises RecoveryError with both faults where that fails, too."""
    try:
        _start(machine)
    except RecoveryError as error:
        raise RecoveryError(*faults_of(cause), *error.faults) from cause


def _guard(machine: Machine) -> None:
    """Has systemd start main as soon as this process ends, however it ends: nothing here runs after a SIGKILL."""
    name = f"--unit=hybrid-recovery-guard-{os.getpid()}"
    argv = ["sh", "-c", GUARD, "sh", str(os.getpid()), postgres(machine.spec).unit]
    answer = machine.here(["systemd-run", name, "--collect", "--quiet", *argv], seconds=SYSTEMCTL_SECONDS)
    if answer.returncode:
        raise RecoveryError(f"systemd-run: {' '.join(answer.stderr.split())}; {MAIN} is not stopped without it")


def note_state(machine: Machine, staged: PurePosixPath) -> None:
    """Notes in the staged cluster up to which state of main it is complete."""
    machine.write(staged / clusters.STATE_NOTE, _state(machine))


def _ensure_same_state(machine: Machine, staged: Path) -> None:
    note = staged / clusters.STATE_NOTE
    if note.exists() and note.read_text() != _state(machine):
        raise RecoveryError(
            f"{MAIN}: has run since {staged.name} was made, and what it acknowledged would be lost; stage again"
        )


def _state(machine: Machine) -> str:
    """Another one each time that a server has run."""
    control = clusters.folder(machine, MAIN) / "global/pg_control"
    return hashlib.sha256(control.read_bytes()).hexdigest() if control.exists() else ""


def _exchange(one: Path, other: Path) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if library.renameat2(AT_CURRENT_FOLDER, paths[0], AT_CURRENT_FOLDER, paths[1], RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise RecoveryError(f"{one.name} and {other.name}: can't change places: {os.strerror(number)}")
    flush_folder(one.parent)


def _ensure_stopped(machine: Machine) -> None:
    if number := clusters.pid(machine, MAIN):
        raise RecoveryError(f"{MAIN}: PostgreSQL runs (process {number}); stop it first")


def _ensure_serves(machine: Machine) -> None:
    if fault := clusters.serving_fault(machine):
        raise RecoveryError(fault)


def _known(machine: Machine) -> str:
    names = [one.name for one in clusters.listed(machine) if one.kind == "kept"]
    return f"there are: {', '.join(names)}" if names else "nothing was kept"


def _start(machine: Machine) -> None:
    _systemctl(machine, "start")
    end = time.monotonic() + READY_SECONDS
    while not machine.is_serving():
        if time.monotonic() > end:
            raise RecoveryError(f"{MAIN}: does not answer within {READY_SECONDS} s; {postgres(machine.spec).log}")
        time.sleep(0.2)


def _systemctl(machine: Machine, verb: str) -> None:
    unit = postgres(machine.spec).unit
    say(f"systemctl {verb} {unit}")
    answer = machine.here(["systemctl", verb, unit], seconds=SYSTEMCTL_SECONDS)
    if answer.returncode:
        raise RecoveryError(f"systemctl {verb} {unit}: {' '.join(answer.stderr.split())}")


@contextmanager
def _no_convergence(machine: Machine) -> Iterator[None]:
    """host.converge would start the server again in between."""
    with ExitStack() as stack:
        try:
            stack.enter_context(convergence_lock.alone(machine.path(layout.RUN)))
        except convergence_lock.BusyError:
            raise RecoveryError(f"host.converge: has not ended within {convergence_lock.LOCK_SECONDS} s") from None
        yield
