"""A restored cluster that runs on beside the one that serves, and its end."""

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from host import layout
from host.recovery import clusters, progress, work
from host.recovery import settings as restored
from host.recovery.contract import MAIN, Discarded, DiscardRequest
from host.recovery.errors import RecoveryError
from host.recovery.lock import alone
from host.recovery.machine import Machine
from host.recovery.work import Work

START_SECONDS = 60
STOP_SECONDS = 60
LOG = "hybrid-restored.log"


def settings(machine: Machine, name: str, port: int) -> dict[str, str]:
    data = machine.clusters / name
    return {
        "data_directory": str(data),
        "hba_file": f"{data}/pg_hba.conf",
        "ident_file": f"{data}/pg_ident.conf",
        "unix_socket_directories": layout.SOCKETS,
        "unix_socket_permissions": "0770",
        "port": str(port),
        "autovacuum": "on",
    }


def configure(folder: Work, found: Mapping[str, str]) -> None:
    """In the data directory, whose own files of these names nothing reads."""
    minimums = restored.minimums(folder.machine, str(folder.data))
    restored.write(folder.machine, folder.data, restored.quiet(folder.machine, minimums) | dict(found))


def start(machine: Machine, name: str, port: int) -> None:
    """It runs on when the engine ends, in a network namespace of its own. Raises RecoveryError."""
    data = machine.clusters / name
    progress.say(f"starting {name} on the socket of port {port}")
    argv = _as_unit(machine, name, data) if machine.spec.platform == "lightsail" else _detached(machine, data)
    answer = machine.here(argv, seconds=START_SECONDS)
    if answer.returncode:
        raise RecoveryError(f"{name}: could not be started: {' '.join((answer.stderr or answer.stdout).split())}")
    end = time.monotonic() + START_SECONDS
    while not _answers(machine, port):
        if time.monotonic() > end:
            raise RecoveryError(f"{name}: does not answer within {START_SECONDS} s; its log: {data}/{LOG}")
        time.sleep(0.1)


def act(machine: Machine, request: DiscardRequest) -> Discarded:
    """A restored or a kept cluster is ended and deleted, never the one that serves."""
    with alone(machine, "discard"):
        work.clean(machine, but=request.name)
        name = request.name
        is_known = (
            clusters.is_restored(machine, name) or clusters.KEPT.fullmatch(name) or clusters.STAGED.fullmatch(name)
        )
        if name == MAIN or not is_known or not clusters.folder(machine, name).exists():
            known = ", ".join(one.name for one in clusters.listed(machine)) or "none"
            raise RecoveryError(f"{name}: is no restored or kept cluster; there are: {known}")
        return Discarded(freed_bytes=discard(machine, name))


def set_aside(machine: Machine, name: str) -> None:
    """Ended and out of sight, until what replaces it answers."""
    stop(machine, name)
    os.rename(clusters.folder(machine, name), _aside(machine, name))


def put_back(machine: Machine, name: str) -> None:
    """What was set aside is there again, and runs; what was to replace it is deleted. Raises RecoveryError."""
    if clusters.folder(machine, name).exists():
        discard(machine, name)
    os.rename(_aside(machine, name), clusters.folder(machine, name))
    start(machine, name, clusters.written(machine, name).port or 0)


def forget(machine: Machine, name: str) -> None:
    """Delete what was set aside."""
    gone = clusters.folder(machine, work.OLD)
    os.rename(_aside(machine, name), gone)
    shutil.rmtree(gone, ignore_errors=True)


def _aside(machine: Machine, name: str) -> Path:
    return clusters.folder(machine, f".hybrid-recovery-replaced-{name}")


def discard(machine: Machine, name: str) -> int:
    """The bytes that are free again."""
    progress.say(f"deleting {name}")
    stop(machine, name)
    path = clusters.folder(machine, name)
    freed = clusters.size(path)
    # In one step out of sight: half of a cluster is none, and the next act removes what a killed one leaves of it.
    gone = clusters.folder(machine, work.OLD)
    os.rename(path, gone)
    shutil.rmtree(gone, ignore_errors=True)
    return freed


def stop(machine: Machine, name: str) -> None:
    number = clusters.pid(machine, name)
    if machine.spec.platform == "lightsail" and number:
        machine.here(["systemctl", "stop", f"hybrid-restored-{name}.service"], seconds=STOP_SECONDS)
        number = clusters.pid(machine, name)
    if number is None:
        return
    os.kill(number, signal.SIGINT)
    end = time.monotonic() + STOP_SECONDS
    while clusters.is_its(machine, number, name):
        if time.monotonic() > end:
            os.kill(number, signal.SIGKILL)
            end = time.monotonic() + STOP_SECONDS
        time.sleep(0.05)


def _detached(machine: Machine, data: PurePosixPath) -> list[str]:
    """Locally it is taken over by the first process of the namespaces, and ends with them."""
    root = ["chroot", str(machine.root)] if str(machine.root) != "/" else []
    pg_ctl = [machine.program("pg_ctl"), "start", "--wait", "--silent", "-D", str(data), "-l", f"{data}/{LOG}"]
    return [*root, "unshare", "--net", "--", *layout.AS_OWNER.split(), *pg_ctl]


def _as_unit(machine: Machine, name: str, data: PurePosixPath) -> list[str]:
    properties = {
        "User": layout.OWNER,
        "Group": layout.OWNER,
        "PrivateNetwork": "yes",
        "KillSignal": "SIGINT",
        "KillMode": "mixed",
        "TimeoutStopSec": "60",
        "StandardOutput": f"append:{data}/{LOG}",
        "StandardError": f"append:{data}/{LOG}",
    }
    options = [f"--property={key}={value}" for key, value in properties.items()]
    unit = [f"--unit=hybrid-restored-{name}", "--collect", "--quiet", *options]
    return ["systemd-run", *unit, machine.program("postgres"), "-D", str(data)]


def _answers(machine: Machine, port: int) -> bool:
    try:
        return machine.psql("SELECT pg_is_in_recovery()", port=port, database="postgres") == [["f"]]
    except RecoveryError:
        return False
