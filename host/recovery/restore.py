"""Restores into a cluster beside the one that serves, or lays one ready to take its place."""

import json
import os

from host.recovery import beside, clusters, plan, progress, restoring, swap, times, work
from host.recovery.contract import MAIN, Cluster, Restored, RestoreRequest, written
from host.recovery.errors import RecoveryError, faults_of
from host.recovery.lock import alone
from host.recovery.machine import Machine
from host.recovery.plan import Plan
from host.recovery.settings import Purpose
from host.recovery.work import Work


def act(machine: Machine, request: RestoreRequest) -> Restored:
    """Raises RecoveryError, and then nothing has changed."""
    with alone(machine, "restore"):
        if request.into == MAIN:
            return in_place(machine, request)
        work.clean(machine)
        wanted = prepared(machine, request)
        with work.working(machine) as folder:
            with restoring.recovered(folder, wanted, Purpose("beside")) as found:
                found.server.stop()
            cluster = _put_beside(folder, wanted)
        return Restored(plan=wanted.answer(), cluster=cluster, recovered=found.answer(), seconds=found.seconds)


def stage(machine: Machine, request: RestoreRequest) -> Restored:
    """A cluster that is ready to take the place of main."""
    if request.into != MAIN:
        raise RecoveryError(f"into {request.into}: only {MAIN} is staged; act=restore makes another one")
    with alone(machine, "stage"):
        return staged(machine, request)


def staged(machine: Machine, request: RestoreRequest) -> Restored:
    work.clean(machine, has_staged=True)
    if request.target.kind == "latest":
        prepared(machine, request, is_archived=False)
        swap.ensure_all_archived(machine)
    wanted = prepared(machine, request)
    with work.working(machine) as folder:
        with restoring.recovered(folder, wanted, Purpose("stage")) as found:
            found.server.stop()
        restoring.durable(folder)
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
    progress.say(f"{MAIN} serves what was restored; what it had is in {kept}")
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
    if is_archived and restoring.is_live(wanted):
        restoring.archive_up_to_now(machine)
        # What was archived meanwhile is brought before it is asked for.
        wanted = plan.made(machine, request)
        if wanted.faults:
            raise RecoveryError(*wanted.faults)
    return wanted


def _put_beside(folder: Work, wanted: Plan) -> Cluster:
    machine, name = folder.machine, wanted.into
    port = clusters.free_port(machine)
    beside.configure(folder, beside.settings(machine, name, port))
    note = {"made_at": written(times.now()), "port": port}
    machine.write(folder.data / clusters.NOTE, json.dumps(note))
    restoring.durable(folder)
    is_there = clusters.exists(machine, name)
    try:
        if is_there:
            beside.set_aside(machine, name)
        os.rename(folder.inside("data"), clusters.folder(machine, name))
        beside.start(machine, name, port)
    except BaseException as error:
        if is_there:
            _put_back(machine, name, error)
        raise
    if is_there:
        beside.forget(machine, name)
    return clusters.written(machine, name)


def _put_back(machine: Machine, name: str, cause: BaseException) -> None:
    """Raises RecoveryError with both faults where that fails, too."""
    progress.say(f"{name}: the old one is put back")
    try:
        beside.put_back(machine, name)
    except RecoveryError as error:
        raise RecoveryError(*faults_of(cause), *error.faults) from cause
