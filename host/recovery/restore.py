"""Restores into a cluster that runs on beside the one that serves, or lays one ready to take its place."""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from host.common import layout
from host.database import beginning
from host.recovery import clusters, plan, recovering, swap, tablespaces, unarchived
from host.recovery.clusters import Work
from host.recovery.contract import MAIN, Cluster, Discarded, DiscardRequest, Restored, RestoreRequest, written
from host.recovery.errors import RecoveryError, faults_of, say
from host.recovery.lock import IN_PLACE, alone
from host.recovery.machine import Confinement, Machine, utc_now
from host.recovery.plan import Plan
from host.recovery.recovering import Purpose

UNMARK = f"""
SELECT format('ALTER DATABASE %I RESET {layout.SERVING}', datname)
FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
WHERE datname = current_database() AND setrole = 0 AND setconfig::text LIKE '%{layout.SERVING}=%'
\\gexec
"""
"""Whoever restores in place serves. With the mark of an earlier moment its standby would not wait for the next one."""
START_SECONDS = 60
STOP_SECONDS = 60
LOG = "hybrid-restored.log"
SOCKETS = "hybrid-sockets"
"""In the data directory; it is seen as the folder of main's."""
HIDDEN = ("/proc",)
"""There a process of the same user shows its own root, in which all of main can be written and its socket reached."""


def act(machine: Machine, request: RestoreRequest) -> Restored:
    """Raises RecoveryError, and then nothing has changed."""
    with alone(machine, IN_PLACE if request.into == MAIN else "restore"):
        if request.into == MAIN:
            return in_place(machine, request)
        clusters.clean(machine)
        wanted = prepared(machine, request)
        with clusters.working(machine) as folder:
            with recovering.recovered(folder, wanted, Purpose("beside")) as found:
                found.server.stop()
            cluster = _put_beside(folder, wanted)
        return Restored(plan=wanted.answer(), cluster=cluster, recovered=found.answer(), seconds=found.seconds)


def stage(machine: Machine, request: RestoreRequest) -> Restored:
    """A cluster that is ready to take the place of main."""
    if request.into != MAIN:
        raise RecoveryError(f"into {request.into}: only {MAIN} is staged; act=restore makes another one")
    with alone(machine, IN_PLACE):
        return staged(machine, request)


def staged(machine: Machine, request: RestoreRequest) -> Restored:
    clusters.clean(machine, has_staged=True)
    if request.target.kind == "latest":
        first = prepared(machine, request, is_archived=False)
        unarchived.ensure_stopped(machine)
        if first.situation.stopped:
            unarchived.archive(machine, first.situation.stopped)
    wanted = prepared(machine, request)
    with clusters.working(machine) as folder:
        with recovering.recovered(folder, wanted, Purpose("stage")) as found:
            found.server.psql(UNMARK)
            found.server.stop()
        # Those of another exchange, which the backup has.
        clusters.forget_notes(folder.inside("data"))
        # It serves in main's place, with what ALTER SYSTEM has set there; not before, lest it hinders the recovery.
        machine.write(folder.data / beginning.SETTINGS, beginning.own_settings(clusters.folder(machine, MAIN)))
        tablespaces.settle(folder)
        recovering.durable(folder)
        if request.target.kind == "latest":
            swap.note_state(machine, folder.data)
        name = clusters.fresh_name(machine, "staged")
        os.rename(folder.inside("data"), clusters.folder(machine, name))
    return Restored(plan=wanted.answer(), staged=name, recovered=found.answer(), seconds=found.seconds)


def in_place(machine: Machine, request: RestoreRequest) -> Restored:
    """Main stops for the exchange alone, and for `latest` from the start; where that fails the old one serves on."""
    if machine.spec.platform != "lightsail":
        raise RecoveryError(
            f"into {MAIN}: on this platform the client stops the server, between act=stage and act=swap"
        )
    first = prepared(machine, request, is_archived=False)
    with swap.stopped_at_the_end(machine, from_the_start=request.target.kind == "latest") as exchange:
        made = staged(machine, request)
        kept = exchange(made.staged or "")
    say(f"{MAIN} serves what was restored; what it had is in {kept}")
    told = first.answer().model_copy(update={"keeps": kept})
    return Restored(plan=told, cluster=None, recovered=made.recovered, seconds=made.seconds)


def prepared(machine: Machine, request: RestoreRequest, *, is_archived: bool = True) -> Plan:
    """The plan that is carried out; raises RecoveryError with all that speaks against it."""
    wanted = plan.made(machine, request)
    faults = list(wanted.faults)
    if wanted.needs_replace and request.replace != request.into:
        faults.append(f"into {request.into}: has data, and would be overwritten; allowed: replace {request.into}")
    if faults:
        raise RecoveryError(*faults)
    if is_archived and recovering.is_live(wanted):
        recovering.archive_up_to_now(machine)
        # What was archived meanwhile is brought before it is asked for.
        wanted = plan.made(machine, request)
        if wanted.faults:
            raise RecoveryError(*wanted.faults)
    return wanted


def _put_beside(folder: Work, wanted: Plan) -> Cluster:
    machine, name = folder.machine, wanted.into
    port = clusters.free_port(machine)
    configure(folder, settings_beside(machine, name, port))
    note = {"made_at": written(utc_now()), "port": port}
    machine.write(folder.data / clusters.NOTE, json.dumps(note))
    tablespaces.settle(folder)
    recovering.durable(folder)
    is_there = clusters.exists(machine, name)
    try:
        if is_there:
            set_aside(machine, name)
        os.rename(folder.inside("data"), clusters.folder(machine, name))
        start(machine, name, port)
    except BaseException as error:
        if is_there:
            _put_back(machine, name, error)
        raise
    if is_there:
        forget(machine, name)
    return clusters.written(machine, name)


def _put_back(machine: Machine, name: str, cause: BaseException) -> None:
    """Raises RecoveryError with both faults where that fails, too."""
    say(f"{name}: the old one is put back")
    try:
        put_back(machine, name)
    except RecoveryError as error:
        raise RecoveryError(*faults_of(cause), *error.faults) from cause


def settings_beside(machine: Machine, name: str, port: int) -> dict[str, str]:
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
    """Writes the settings into the data directory, whose own files of these names nothing reads."""
    minimums = recovering.minimums(folder.machine, str(folder.data))
    recovering.write_settings(folder.machine, folder.data, recovering.quiet(folder.machine, minimums) | dict(found))


def start(machine: Machine, name: str, port: int) -> None:
    """Starts a cluster that outlives the engine, without a network, and writes its own files alone.

    Raises RecoveryError.
    """
    data = machine.clusters / name
    say(f"starting {name} on the socket of port {port}")
    sockets = data / SOCKETS
    if not machine.path(sockets).exists():
        machine.make_folder(sockets)
    show_socket(machine, sockets, port)
    own = {path: path for path in clusters.tablespaces(machine, name).values()}
    confinement = Confinement(data, {PurePosixPath(layout.SOCKETS): sockets, **own}, hidden=HIDDEN)
    is_service = machine.spec.platform == "lightsail"
    argv = _as_unit(machine, name, confinement) if is_service else _detached(machine, confinement)
    answer = machine.here(argv, seconds=START_SECONDS)
    if answer.returncode:
        raise RecoveryError(f"{name}: could not be started: {' '.join((answer.stderr or answer.stdout).split())}")
    end = time.monotonic() + START_SECONDS
    while not answers(machine, port):
        if time.monotonic() > end:
            raise RecoveryError(f"{name}: does not answer within {START_SECONDS} s; its log: {data}/{LOG}")
        time.sleep(0.1)


def show_socket(machine: Machine, sockets: PurePosixPath, port: int) -> None:
    """Lets who looks for a confined server's socket beside main's find it."""
    link = machine.path(layout.SOCKETS) / f".s.PGSQL.{port}"
    link.unlink(missing_ok=True)
    link.symlink_to(sockets / link.name)


def discard_cluster(machine: Machine, request: DiscardRequest) -> Discarded:
    """A restored or a kept cluster is ended and deleted, never the one that serves."""
    with alone(machine, "discard"):
        clusters.clean(machine, but=request.name)
        name = request.name
        is_known = (
            clusters.is_restored(machine, name) or clusters.KEPT.fullmatch(name) or clusters.STAGED.fullmatch(name)
        )
        if name == MAIN or not is_known or not clusters.folder(machine, name).exists():
            known = ", ".join(one.name for one in clusters.listed(machine)) or "none"
            raise RecoveryError(f"{name}: is not a restored or kept cluster; there are: {known}")
        return Discarded(freed_bytes=discard(machine, name))


def set_aside(machine: Machine, name: str) -> None:
    """Stops the old cluster and moves it aside, until the new one answers."""
    stop(machine, name)
    os.rename(clusters.folder(machine, name), _aside(machine, name))


def put_back(machine: Machine, name: str) -> None:
    """Puts the old cluster back, starts it and deletes the new one. Raises RecoveryError."""
    if clusters.folder(machine, name).exists():
        discard(machine, name)
    os.rename(_aside(machine, name), clusters.folder(machine, name))
    start(machine, name, clusters.written(machine, name).port or 0)


def forget(machine: Machine, name: str) -> None:
    """Deletes the old cluster that was set aside."""
    _delete(machine, _aside(machine, name).name)


def _aside(machine: Machine, name: str) -> Path:
    return clusters.folder(machine, f".hybrid-recovery-replaced-{name}")


def discard(machine: Machine, name: str) -> int:
    """The bytes that are free again."""
    say(f"deleting {name}")
    stop(machine, name)
    freed = clusters.size(machine, name)
    _delete(machine, name)
    return freed


def _delete(machine: Machine, name: str) -> None:
    """In one step out of sight: half of a cluster is none, and the next act removes what a killed one leaves of it."""
    gone = clusters.folder(machine, clusters.OLD)
    folders = [clusters.folder(machine, one) for one in clusters.tablespace_folders(machine, name)]
    os.rename(clusters.folder(machine, name), gone)
    for path in (*clusters.files_elsewhere(machine, gone.name), gone, *folders):
        clusters.erase(path)


def stop(machine: Machine, name: str) -> None:
    number = clusters.pid(machine, name)
    if machine.spec.platform == "lightsail" and number:
        machine.here(["systemctl", "stop", unit(name)], seconds=STOP_SECONDS)
        number = clusters.pid(machine, name)
    if number:
        os.kill(number, signal.SIGINT)
        end = time.monotonic() + STOP_SECONDS
        while clusters.is_its(machine, number, name):
            if time.monotonic() > end:
                os.kill(number, signal.SIGKILL)
                end = time.monotonic() + STOP_SECONDS
            time.sleep(0.05)
    clusters.forget_opened(machine, name)


def _detached(machine: Machine, given: Confinement) -> list[str]:
    """Locally it is taken over by the first process of the namespaces, and ends with them."""
    data = str(given.writable)
    pg_ctl = [machine.program("pg_ctl"), "start", "--wait", "--silent", "-D", data, "-l", f"{data}/{LOG}"]
    return machine.confined(pg_ctl, given)


def _as_unit(machine: Machine, name: str, given: Confinement) -> list[str]:
    data = str(given.writable)
    return as_unit(name, machine.confined([machine.program("postgres"), "-D", data], given), log=f"{data}/{LOG}")


def as_unit(name: str, argv: Sequence[str], *, log: str) -> list[str]:
    """The command that has systemd run a cluster's server, which it stops as PostgreSQL wants to be."""
    found = {
        "KillSignal": "SIGINT",
        "KillMode": "mixed",
        "TimeoutStopSec": "60",
        "StandardOutput": f"append:{log}",
        "StandardError": f"append:{log}",
    }
    options = [f"--property={key}={value}" for key, value in found.items()]
    return ["systemd-run", f"--unit={unit(name)}", "--collect", "--quiet", *options, *argv]


def unit(name: str) -> str:
    return f"hybrid-restored-{name}.service"


def answers(machine: Machine, port: int) -> bool:
    try:
        return machine.psql("SELECT pg_is_in_recovery()", port=port, database="postgres") == [["f"]]
    except RecoveryError:
        return False
