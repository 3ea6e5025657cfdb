"""The acts on the repository that make no cluster: take a backup, list what there is, verify every file."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress

from host.recovery import choice, clusters, inventory, lock, timelines
from host.recovery.contract import (
    Archive,
    BackupRequest,
    Damage,
    Listing,
    ListRequest,
    Source,
    Taken,
    Verified,
    VerifyRequest,
    Window,
)
from host.recovery.errors import RecoveryError, say
from host.recovery.inventory import NEXT_XID, Inventory
from host.recovery.lock import BusyError, alone
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository, one_line
from host.recovery.timelines import gaps
from host.recovery.wal import wal_name

KINDS = {"full": "a full", "diff": "a differential", "incr": "an incremental"}
# Each request to the store is repeated for a minute already. With every file tried three times, as is pgBackRest's
# default, a store that is away would be told after five minutes.
TRY_ONCE = {"PGBACKREST_JOB_RETRY": "0"}
# pgBackRest's words (command/verify/verify.c). That a WAL file is missing is a warning: it may just have expired.
FILE = re.compile(
    r"^INFO: (?P<fault>file missing|invalid checksum|invalid size|invalid result)"
    r" '?(?P<file>[^':\s]+)'?(?:: \[(?P<code>\d+)\] (?P<message>.*))?$"
)
# pgBackRest's codes of a content that is wrong (build/error.yaml: checksum, file-invalid, format, crypto, json-format).
# With any other, such as a store that did not answer in time, nothing is known of the file.
OF_CONTENT = {"26", "28", "29", "95", "99"}
LISTED = re.compile(r"^WARN: backup '(?P<file>[^']+)' (?P<fault>found in .* but not in the repository)$")
BACKUP = re.compile(r"^ *backup: (?P<label>\S+), status: (?P<status>invalid|manifest missing), ")
ARCHIVED = re.compile(r"\d+(?:\.\d+)?-\d+/")
TOTAL = re.compile(r"total WAL checked: (\d+)")


def take_backup(machine: Machine, request: BackupRequest) -> Taken:
    # A backup may be taken while another act makes a cluster.
    with suppress(BusyError), alone(machine, "backup"):
        clusters.clean(machine)
    repository = Repository(machine)
    before = inventory.read(repository)
    kind = request.kind or ("diff" if any(backup.kind == "full" for backup in before.usable) else "full")
    say(f"taking {KINDS[kind]} backup of {repository.backup.stanza}")
    repository.run("backup", f"--type={kind}", extra=TRY_ONCE)
    known = {backup.label for backup in before.backups}
    made = [backup for backup in inventory.read(repository).backups if backup.label not in known]
    if not made:
        raise RecoveryError("backup: pgBackRest ended well, but the repository lists no new backup")
    noted(machine, repository, made[-1].label)
    (found,) = [one for one in inventory.read(repository).backups if one.label == made[-1].label]
    return Taken(backup=found)


def noted(machine: Machine, repository: Repository, label: str) -> None:
    """Every transaction from this number on began after the backup, so that one of them as a target fits it."""
    repository.run("annotate", f"--set={label}", f"--annotation={NEXT_XID}={machine.next_xid()}")


def listing(machine: Machine, request: ListRequest) -> Listing:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    at_work = lock.running(machine)
    return Listing(
        stanza=repository.backup.stanza,
        now=held.now,
        source=Source(repository=request.source.repository, as_of=request.source.as_of),
        backups=list(held.backups),
        archive=archive(held),
        windows=list(_windows(machine, repository, held)),
        running=at_work,
        # What an act that runs works in is nobody's rest.
        leftovers=[] if at_work else [path.name for path in clusters.leftovers(machine)],
        restored=clusters.listed(machine),
    )


def _windows(machine: Machine, repository: Repository, held: Inventory) -> tuple[Window, ...]:
    """What can be restored along the newest timeline."""
    try:
        found, _ = choice.read_situation(machine, repository, held)
    except RecoveryError as error:
        # The list is what one looks with: it has to come, and without the timeline's history nothing can be restored.
        say(str(error))
        return ()
    return found.windows


def archive(held: Inventory) -> list[Archive]:
    """Each timeline's part of the archive, with its gaps."""
    return [
        Archive(
            first=segments[0].name,
            last=segments[-1].name,
            last_at=max(one.archived_at for one in segments),
            timeline=timeline,
            gaps=tuple(
                (wal_name(timeline, first), wal_name(timeline, last)) for first, last in timelines.gaps(segments)
            ),
        )
        for timeline, segments in sorted(held.segments.items())
        if segments
    ]


def verify(machine: Machine, request: VerifyRequest) -> Verified:
    """Raises RecoveryError where nothing can be read, or no fault is known but that files could not be."""
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    say(f"reading every file of {repository.backup.stanza} in {repository.bucket}")
    start = time.monotonic()
    options = ("--verbose", "--output=text")
    answer = repository.attempt("verify", *options, extra={"PGBACKREST_LOG_LEVEL_STDERR": "info"})
    if answer.returncode:
        raise RecoveryError(repository.fault("verify", answer.returncode, answer.stderr))
    found = list(dict.fromkeys([*damages(answer.stdout, answer.stderr), *_holes(held)]))
    if found and all(one.is_unread for one in found):
        raise RecoveryError(
            f"{repository.bucket}: of {len(found)} files nothing is known, for they could not be read; verify again. "
            f"The first: {found[0].file}: {found[0].fault}"
        )
    stanza = repository.backup.stanza
    return Verified(
        is_sound=not found,
        seconds=round(time.monotonic() - start, 3),
        backups=len(held.backups),
        wal_files=sum(map(int, TOTAL.findall(answer.stdout))),
        damaged=[Damage(file=_path(one.file, stanza), fault=one.fault) for one in found],
    )


def damages(report: str, log: str) -> Iterator[Damage]:
    """What `pgbackrest verify` names in its log, and where that names nothing, in its report."""
    named = False
    for line in log.splitlines():
        match = FILE.match(line) or LISTED.match(line)
        if match:
            named = True
            facts = match.groupdict()
            is_unread = facts.get("code") not in {None, *OF_CONTENT}
            fault = "could not be read" if is_unread else match["fault"]
            message = facts.get("message")
            told = f"{fault}: {one_line(message)}" if message else fault
            yield Damage(file=match["file"], fault=told, is_unread=is_unread)
    for line in report.splitlines():
        if (match := BACKUP.match(line)) and (match["status"] != "invalid" or not named):
            named = True
            yield Damage(file=match["label"], fault=match["status"])
    if not named and "status: error" in report:
        lines = [one_line(line) for line in report.splitlines()[2:] if not line.startswith("  archiveId")]
        fault = "; ".join(line for line in lines if line) or "an error that was not named"
        yield Damage(file="repository", fault=fault)


def _path(file: str, stanza: str) -> str:
    """Within the repository; pgBackRest begins with the label, or with the archive's version and number."""
    folder = "archive" if ARCHIVED.match(file) else "backup"
    return f"{folder}/{stanza}/{file}" if "/" in file else file


def _holes(held: Inventory) -> Iterator[Damage]:
    for timeline, segments in held.segments.items():
        for first, last in gaps(segments):
            names = {wal_name(timeline, first), wal_name(timeline, last)}
            yield Damage(file=" .. ".join(sorted(names)), fault="missing in the archive: no restore goes across it")
