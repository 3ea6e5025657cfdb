"""A kept cluster started beside main, so that rows can be read out of it, and stopped again.

It reads and writes its own files alone, as one that recovers, and sees no network and no other server's socket. What
it has not archived stays, with its marks, for the day on which it may serve again.
"""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from host.common import layout
from host.recovery import clusters, recovering, restore
from host.recovery.contract import CloseRequest, Opened, OpenRequest
from host.recovery.errors import RecoveryError, say
from host.recovery.lock import alone
from host.recovery.machine import ENVIRONMENT, RESERVE_BYTES, Confinement, Machine, free_bytes

OPEN_SECONDS = 900
"""One that was killed recovers first."""
LOG = "postgresql.log"


def open_cluster(machine: Machine, request: OpenRequest) -> Opened:
    """A restored one that has ended is started as it was. One that runs stays as it is."""
    name = request.name
    with alone(machine, "open"):
        clusters.clean(machine, but=name)
        _ensure_known(machine, name)
        if clusters.pid(machine, name):
            # Who began to open it may have been killed while it recovered.
            _wait(machine, name, clusters.written(machine, name).port or 0, lambda: not clusters.pid(machine, name))
        else:
            _ensure_room(machine)
            if clusters.KEPT.fullmatch(name):
                _start(machine, name)
            else:
                restore.start(machine, name, clusters.written(machine, name).port or 0)
        return Opened(cluster=clusters.written(machine, name))


def close_cluster(machine: Machine, request: CloseRequest) -> Opened:
    with alone(machine, "close"):
        clusters.clean(machine, but=request.name)
        _ensure_known(machine, request.name)
        restore.stop(machine, request.name)
        return Opened(cluster=clusters.written(machine, request.name))


def _ensure_known(machine: Machine, name: str) -> None:
    known = [one.name for one in clusters.listed(machine)]
    if name not in known:
        raise RecoveryError(f"{name}: is not a restored or kept cluster; there are: {', '.join(known) or 'none'}")


def _ensure_room(machine: Machine) -> None:
    if (free := free_bytes(machine)) < RESERVE_BYTES:
        raise RecoveryError(
            f"{machine.clusters}: {free:,} bytes are free, and {RESERVE_BYTES:,} are kept for main; make room first"
        )


def _start(machine: Machine, name: str) -> None:
    data, own, port = machine.clusters / name, clusters.opened(machine, name), clusters.free_port(machine)
    clusters.forget_opened(machine, name)
    settings = _settings(machine, data, own, port)
    try:
        sockets = own / "sockets"
        for folder in (own, sockets):
            machine.make_folder(folder)
        recovering.write_settings(machine, own, {})
        restore.show_socket(machine, sockets, port)
        # No process runs on it; another one may have the number of the one that was killed.
        (clusters.folder(machine, name) / "postmaster.pid").unlink(missing_ok=True)
        say(f"starting {name} on the socket of port {port}; one that was killed recovers first")
        # On the command line they go before what ALTER SYSTEM has left.
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        covered = {PurePosixPath(layout.SOCKETS): sockets, own: own}
        covered |= {path: path for path in _elsewhere(machine, name)}
        confinement = Confinement(data, covered, hidden=restore.HIDDEN)
        argv = machine.confined([machine.program("postgres"), "-D", str(own), *words], confinement)
        _launch(machine, name, argv, port)
    except BaseException:
        restore.stop(machine, name)
        raise


def _settings(machine: Machine, data: PurePosixPath, own: PurePosixPath, port: int) -> dict[str, str]:
    minimums = recovering.minimums(machine, str(data))
    return {
        **recovering.quiet(machine, minimums),
        # It writes them into its log, which may be followed again.
        **recovering.declared(machine, minimums),
        "data_directory": str(data),
        "hba_file": f"{own}/pg_hba.conf",
        "ident_file": f"{own}/pg_ident.conf",
        "unix_socket_directories": layout.SOCKETS,
        "port": str(port),
        "default_transaction_read_only": "on",
        # Were it off, PostgreSQL would remove log that was never archived.
        "archive_mode": "on",
        "archive_command": "",
        "archive_library": "",
    }


def _elsewhere(machine: Machine, name: str) -> Iterator[PurePosixPath]:
    """The cluster's own folders outside its data directory."""
    yield from clusters.tablespaces(machine, name).values()
    if clusters.folder(machine, name).joinpath("pg_wal").is_symlink():
        yield clusters.log(machine, name)


def _launch(machine: Machine, name: str, argv: Sequence[str], port: int) -> None:
    """Starts it where it outlives the engine; returns once it answers."""
    log = machine.path(clusters.opened(machine, name) / LOG)
    is_unit = machine.spec.platform == "lightsail"
    with log.open("a") as file:
        process = subprocess.Popen(
            restore.as_unit(name, argv, log=str(log)) if is_unit else argv,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            # Without systemd the first process of the namespaces takes it over, and ends with it.
            start_new_session=True,
        )
    try:
        _wait(machine, name, port, lambda: process.poll() is not None and not (is_unit and _is_active(machine, name)))
    except BaseException:
        # It may not have said yet that it runs here.
        process.send_signal(signal.SIGINT)
        if is_unit:
            machine.here(["systemctl", "stop", restore.unit(name)], seconds=restore.STOP_SECONDS)
        raise


def _wait(machine: Machine, name: str, port: int, has_ended: Callable[[], bool]) -> None:
    """Returns once it answers; raises RecoveryError."""
    end = time.monotonic() + OPEN_SECONDS
    while not restore.answers(machine, port):
        if has_ended():
            log = machine.path(clusters.opened(machine, name) / LOG)
            reason = recovering.fatal(log.read_text(errors="replace")) if log.exists() else "without a reason"
            raise RecoveryError(f"{name}: PostgreSQL ended: {reason}")
        if time.monotonic() > end:
            raise RecoveryError(f"{name}: does not answer within {OPEN_SECONDS} s")
        time.sleep(0.1)


def _is_active(machine: Machine, name: str) -> bool:
    argv = ["systemctl", "is-active", "--quiet", restore.unit(name)]
    return machine.here(argv, seconds=restore.STOP_SECONDS).returncode == 0
