"""A repository to archive into, and a first backup in it: without either the log stays on the disk and fills it.

pgBackRest's settings come first (stage `files`): backups and write-ahead log go encrypted to an S3 bucket.
"""

import json
import re
import time
from collections.abc import Generator

from pyinfra.api.command import FunctionCommand
from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import files

from host.backup import credentials, schedule
from host.backup.repository_state import MAKE, MAKE_AGAIN, RepositoryState
from host.common import layout, rendering
from host.common.facts import root
from host.common.rendering import RefusedError, render, written
from host.recovery import choice, inventory, repository_acts
from host.recovery.contract import Backup, BackupRequest, Loss, Target, is_lsn
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.timelines import last_known, missing, segments
from host.recovery.wal import SEGMENT_BYTES, number_of, position
from host.specification.model import Spec

SETTING = "; on a host in the cloud the setting for --set is restoredFrom, of this host in `postgresHosts`"
# Of two segments that are archived at once the later one may be there first.
HOLE_SECONDS = 3


class BackupRepository(FactBase[RepositoryState]):
    """Read as PostgreSQL's own user; fails where the repository does not answer."""

    def command(self, stanza: str) -> str:
        info = f"{layout.AS_OWNER} pgbackrest --stanza={stanza} --output=json info"
        # It quotes what it could not decipher, which pyinfra could not read as text.
        return f"found=$({info}) || exit; printf %s \"$found\" | tr -cd '\\12\\40-\\176'"

    def process(self, output: list[str]) -> RepositoryState:
        return RepositoryState.of(json.loads("\n".join(output), strict=False))


def apply_settings(spec: Spec) -> None:
    for name, path in (("spool of backups", layout.SPOOL), ("folder of backups' logs", layout.BACKUP_LOGS)):
        files.directory(name=name, path=path, user=layout.OWNER, group=layout.OWNER, mode="750")
    written(
        name="backup settings",
        text=settings_text(spec),
        path=layout.BACKUP_SETTINGS,
        owner=layout.OWNER,
        mode="600",
        grammar=rendering.BACKUPS_GRAMMAR,
    )


def settings_text(spec: Spec) -> str:
    endpoint, _, port = spec.backup.endpoint.partition(":")
    return render(
        "pgbackrest.conf.j2",
        spec=spec,
        endpoint=endpoint,
        port=port,
        layout=layout,
        credentials=layout.BACKUP_CREDENTIALS,
    )


def apply(spec: Spec) -> None:
    """Sets up the schedule, and the repository on the host that serves: a repository belongs to one cluster."""
    # First, for a store that does not answer now may do so tonight.
    schedule.apply(spec)
    if spec.platform == "lightsail" and spec.postgres.is_serving:
        credentials.needed(spec)
        first(spec)


def first(spec: Spec) -> None:
    """The repository and a first backup; both again where the bucket lost its content."""
    repository(name="backup repository", stanza=spec.backup.stanza)
    first_backup(name="first backup", spec=spec)


def newest(spec: Spec) -> str:
    """Label of the backup from which the newest state of the timeline that served last is restored.

    Raises RefusedError, also where a host that is to serve would be without what lies behind a hole in the log and
    nobody named the backup.
    """
    machine = Machine(root(), spec)
    repository = Repository(machine)
    try:
        found, fault = choice.read_situation(machine, repository, inventory.read(repository))
    except RecoveryError as error:
        raise RefusedError("database cluster", "; ".join(error.faults)) from error
    named = spec.postgres.restored_from
    chosen = choice.choose(Target(kind="latest", label=named), found)
    faults = [fault] if fault else [*chosen.faults]
    if chosen.backup and chosen.loss and spec.postgres.is_serving and not named:
        faults.append(loss_fault(chosen.backup, chosen.note, chosen.loss))
    if faults or chosen.backup is None:
        raise RefusedError("database cluster", "; ".join(faults) + (SETTING if spec.platform == "lightsail" else ""))
    return chosen.backup.label


def loss_fault(backup: Backup, hole: str, loss: Loss) -> str:
    return (
        f"{hole}: {loss.bytes:,} bytes of log and {loss.seconds:,.0f} s of what was committed would not come back;"
        f" allowed only with the backup named: {backup.label} (--set)"
    )


def ahead_fault(spec: Spec, lsn: str) -> str | None:
    """Why a standby that has replayed up to here is not promoted: it would wait for ever, or end before a hole.

    PostgreSQL takes a missing segment for the end of the log, though more is archived behind it.
    """
    machine, end = Machine(root(), spec), time.monotonic() + HOLE_SECONDS
    repository = Repository(machine)
    while True:
        try:
            found, fault = choice.read_situation(machine, repository, inventory.read(repository))
        except RecoveryError as error:
            return f"the archive can't be read, and what it has must not be left out: {'; '.join(error.faults)}"
        # Who named a backup has given up what lies behind a hole.
        fault = fault or (None if spec.postgres.restored_from else _hole_ahead(found, lsn))
        if fault is None or time.monotonic() > end:
            return fault
        time.sleep(1)


def _hole_ahead(found: choice.Situation, lsn: str) -> str | None:
    there = {one.number for one in segments(found.lineage, found.held)}
    last = max([last_known(found.lineage, found.held), *there])
    # Where it stands within a segment it has that one. One that was never started stands nowhere yet.
    reached = position(lsn) if is_lsn(lsn) else 0
    restored = next((number_of(one.wal_start) for one in reversed(found.held.usable)), last + 1)
    ahead = range(-(-reached // SEGMENT_BYTES) or restored, last + 1)
    lacking = [number for number in ahead if number not in there]
    if not lacking:
        return None
    behind = next((number for number in ahead if number > lacking[0] and number in there), last + 1)
    hole = missing((lacking[0], behind - 1), found.lineage, found.held)
    return f"{hole}: {(last + 1 - lacking[0]) * SEGMENT_BYTES:,} bytes of log from there on would not come back"


def later_major(spec: Spec) -> str | None:
    """The stanza of a later major version that has archived since this host's did: another host has served since.

    Raises RefusedError where nobody knows.
    """
    repository, own = Repository(Machine(root(), spec)), spec.backup.stanza
    form = re.compile(rf"{re.escape(own.removesuffix(f'-{spec.postgres.major}'))}-(\d+)")
    try:
        found = filter(None, map(form.fullmatch, repository.json("repo-ls", "archive") or {}))
        later = [one[0] for one in found if int(one[1]) > spec.postgres.major]
        since = _archived_at(repository, own) if later else 0
        return next((name for name in later if _archived_at(repository, name) > since), None)
    except RecoveryError as error:
        raise RefusedError("serving", f"the backup repository can't be read: {'; '.join(error.faults)}") from error


def _archived_at(repository: Repository, stanza: str) -> int:
    """When its newest segment was; 0 where it has none."""
    files = repository.json("repo-ls", "--recurse", f"archive/{stanza}") or {}
    return max((one["time"] for path, one in files.items() if inventory.SEGMENT_FILE.fullmatch(path)), default=0)


@operation()
def repository(stanza: str) -> Generator[str, None, None]:
    found = host.get_fact(BackupRepository, stanza=stanza)
    if found.is_readable:
        host.noop("the repository knows this cluster")
        return
    if not found.is_lost:
        raise RefusedError(
            "backup repository",
            "it can't be read, and nothing is made over it: it is there, written with another passphrase or damaged;"
            " `pgbackrest info` on the host says which",
        )
    again = " && ".join(_pgbackrest(stanza, command) for command in MAKE_AGAIN)
    # Refused where something is left: a log file that landed there before the repository was, or what was overwritten.
    yield f"{_pgbackrest(stanza, MAKE)} || {{ {again}; }}"


@operation()
def first_backup(spec: Spec) -> Generator[FunctionCommand, None, None]:
    """Makes the first backup with the recovery engine, which notes its transactions: each may be a restore's target."""
    if host.get_fact(BackupRepository, stanza=spec.backup.stanza).backups:
        host.noop("there is a backup")
        return
    faults: list[str] = []
    yield FunctionCommand(_taken, [Machine(root(), spec), faults], {})
    if faults:
        raise RefusedError("first backup", "; ".join(faults))


def _taken(machine: Machine, faults: list[str]) -> None:
    try:
        repository_acts.take_backup(machine, BackupRequest(kind="full"))
    except RecoveryError as error:
        faults += error.faults


def _pgbackrest(stanza: str, command: tuple[str, ...]) -> str:
    return f"{layout.AS_OWNER} pgbackrest --stanza={stanza} {' '.join(command)}"
