"""The acts on the repository that make no cluster: take a backup, list what there is, verify it."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from host.common.layout import SERVE_WITHOUT_LATER_ROWS
from host.common.services import postgres
from host.recovery import choice, clusters, inventory, lock, pages, timelines
from host.recovery.contract import (
    MAIN,
    Archive,
    Backup,
    BackupRequest,
    Damage,
    Hole,
    Listing,
    ListRequest,
    Source,
    Taken,
    Target,
    Verified,
    VerifyRequest,
    Window,
)
from host.recovery.errors import RecoveryError, say
from host.recovery.inventory import DAMAGED, DAMAGED_LOG, NEXT_XID, Inventory
from host.recovery.lock import BusyError, alone
from host.recovery.machine import Machine
from host.recovery.pgbackrest import CODES, Repository, one_line
from host.recovery.timelines import gaps
from host.recovery.wal import number_of, wal_name

KINDS = {"full": "a full", "diff": "a differential", "incr": "an incremental"}
# Each request to the store is repeated for a minute already. With every file tried three times, as is pgBackRest's
# default, a store that is away would be told after five minutes.
TRY_ONCE = {"PGBACKREST_JOB_RETRY": "0"}
ANNOTATE_SECONDS = 600
MEND = "restore the table from an earlier backup, or build the index again, and take a full one"
# A row alone may find room in an earlier page. With the table go its indexes and long values.
MEND_GROWN = "once the table has grown, or VACUUM FULL has written it anew, take a full one"
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
PUSH_SECONDS = 120
TOTAL = re.compile(r"total WAL checked: (\d+)")


def take_backup(machine: Machine, request: BackupRequest) -> Taken:
    """Raises RecoveryError where none was taken, and where pages are damaged: that backup is none to restore from."""
    if (act := lock.running(machine)) and act.startswith(lock.IN_PLACE):
        raise RecoveryError(f"backup: {act}; wait until it has ended")
    if not clusters.pid(machine, MAIN):
        is_service = machine.spec.platform == "lightsail"
        advice = f"; start it: systemctl start {postgres(machine.spec).unit}" if is_service else ""
        raise RecoveryError(f"backup: PostgreSQL does not run, and only one that runs can be backed up{advice}")
    # A backup may be taken while another act makes a cluster.
    with suppress(BusyError), alone(machine, "backup"):
        clusters.clean(machine)
    repository = Repository(machine)
    before = inventory.read(repository)
    kind, reason = kind_of(request.kind, before.backups)
    if reason:
        say(reason)
    _complete_histories(machine, repository, before)
    say(f"taking {KINDS[kind]} backup of {repository.backup.stanza}")
    answer = repository.attempt("backup", f"--type={kind}", "--no-expire-auto", extra=TRY_ONCE)
    damaged = pages.searched(machine) if answer.returncode < 0 else pages.faults(machine, answer.stderr)
    if answer.returncode:
        if not clusters.pid(machine, MAIN):
            raise RecoveryError("backup: PostgreSQL does not run any more: it was stopped while the backup was taken")
        raise RecoveryError(*damaged, repository.fault("backup", answer.returncode, answer.stderr))
    known = {backup.label for backup in before.backups}
    made = [backup for backup in inventory.read(repository).backups if backup.label not in known]
    if not made:
        raise RecoveryError("backup: pgBackRest ended well, but the repository lists no new backup")
    noted(machine, repository, made[-1].label)
    after = inventory.read(repository)
    (found,) = [one for one in after.backups if one.label == made[-1].label]
    if damaged or found.error:
        mend = MEND_GROWN if damaged and all(one.endswith(pages.GROWS) for one in damaged) else MEND
        rest = f"backup {found.label}: is not restored from, and none that is sound was removed for it; {mend}"
        raise RecoveryError(*(damaged or ["backup: pgBackRest met errors that it did not name"]), rest)
    _expire(repository, after)
    return Taken(backup=found)


def kind_of(wanted: str | None, backups: Sequence[Backup]) -> tuple[str, str]:
    """The kind that is taken, and why not the wanted one: pgBackRest would build on a backup that is damaged."""
    fulls = [one for one in backups if one.kind == "full"]
    kind = wanted or "diff"
    if kind == "full" or not fulls:
        return "full", ""
    if not fulls[-1].is_usable:
        return "full", f"{fulls[-1].label}: is damaged, so a full backup is taken, and nothing is built on it"
    if kind == "incr" and not backups[-1].is_usable:
        return "diff", f"{backups[-1].label}: is damaged, so a differential backup is taken, and nothing is built on it"
    return kind, ""


def _expire(repository: Repository, held: Inventory) -> None:
    """As after each backup, but that those which can't be restored keep none of the others from staying."""
    damaged = sum(one.kind == "full" and not one.is_usable for one in held.backups)
    repository.run("expire", f"--repo1-retention-full={repository.backup.retention_full + damaged}")


def _complete_histories(machine: Machine, repository: Repository, held: Inventory) -> None:
    """Archive the histories that a repository lacks which was made since main began its timeline."""
    log = clusters.log(machine, MAIN)
    for path in sorted(machine.path(log).glob("*.history")):
        if path.stat().st_size and int(path.stem, 16) not in held.histories:
            say(f"archiving {path.name}, which the repository lacks")
            repository.run("archive-push", str(log / path.name), seconds=PUSH_SECONDS)


def noted(machine: Machine, repository: Repository, label: str) -> None:
    """Every transaction from this number on began after the backup, so that one of them as a target fits it."""
    _annotate(repository, label, {NEXT_XID: str(machine.next_xid())})


def _annotate(repository: Repository, label: str, notes: Mapping[str, str]) -> None:
    """An empty note is taken away. Waits for a backup that runs."""
    options = [f"--annotation={name}={text}" for name, text in notes.items()]
    end = time.monotonic() + ANNOTATE_SECONDS
    while True:
        answer = repository.attempt("annotate", f"--set={label}", *options)
        if answer.returncode == 0:
            return
        if answer.returncode != CODES["lock"] or time.monotonic() > end:
            raise RecoveryError(repository.fault("annotate", answer.returncode, answer.stderr))
        time.sleep(1)


def listing(machine: Machine, request: ListRequest) -> Listing:
    repository = Repository(machine, request.source)
    held = inventory.read(repository)
    windows, holes = _covered(machine, repository, held)
    at_work = lock.running(machine)
    # What an act that runs works in is nobody's rest.
    left = [] if at_work else clusters.leftovers(machine)
    displaced = [path.name for path in left if clusters.rightful(machine, path)]
    return Listing(
        stanza=repository.backup.stanza,
        now=held.now,
        source=Source(repository=request.source.repository, as_of=request.source.as_of),
        backups=list(held.backups),
        archive=archive(held),
        windows=list(windows),
        holes=list(holes),
        running=at_work,
        leftovers=[path.name for path in left if path.name not in displaced],
        displaced=displaced,
        restored=clusters.listed(machine),
    )


def _covered(machine: Machine, repository: Repository, held: Inventory) -> tuple[Sequence[Window], Sequence[Hole]]:
    """What can be restored along the newest timeline, and what can't."""
    try:
        found, _ = choice.read_situation(machine, repository, held, has_unarchived=True)
    except RecoveryError as error:
        # The list is what one looks with: it has to come, and without the timeline's history nothing can be restored.
        say(str(error))
        first = min((timelines.usable_from(one) for one in held.backups), default=held.now)
        return (), [Hole(since=first, until=held.now, cause=str(error))] if first < held.now else ()
    return found.covered.windows, found.covered.holes


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
    say(f"reading all backups and all log of {repository.backup.stanza} in {repository.bucket}")
    start = time.monotonic()
    options = ("--verbose", "--output=text")
    answer = repository.attempt("verify", *options, extra={"PGBACKREST_LOG_LEVEL_STDERR": "info"})
    if answer.returncode:
        raise RecoveryError(repository.fault("verify", answer.returncode, answer.stderr))
    found = list(
        dict.fromkeys([*damages(answer.stdout, answer.stderr), *_holes(held), *_unreachable(machine, repository, held)])
    )
    if found and all(one.is_unread for one in found):
        raise RecoveryError(
            f"{repository.bucket}: of {len(found)} files nothing is known, for they could not be read; verify again. "
            f"The first: {found[0].file}: {found[0].fault}"
        )
    if request.source.as_of is None:
        try:
            _mark(machine, request.source, found)
        except RecoveryError as error:
            # Without the primary repository the copy is all that there is.
            if request.source.repository == "primary":
                raise RecoveryError(*(f"{one.file}: {one.fault}" for one in found), f"not marked: {error}") from None
            say(f"not marked: {error}")
    stanza = repository.backup.stanza
    return Verified(
        is_sound=not found,
        seconds=round(time.monotonic() - start, 3),
        backups=len(held.backups),
        wal_files=sum(map(int, TOTAL.findall(answer.stdout))),
        damaged=[Damage(file=_path(one.file, stanza), fault=one.fault) for one in found],
    )


def _mark(machine: Machine, source: Source, found: Sequence[Damage]) -> None:
    """Notes what is damaged at the backups of the primary repository, and takes notes back of what is sound again."""
    repository = Repository(machine)
    held = inventory.read(repository)
    for label, notes in marks(held, source.repository, found).items():
        words = " and ".join(filter(None, notes.values()))
        say(f"{label}: is marked as damaged: {words}" if words else f"{label}: is sound again")
        _annotate(repository, label, notes)


def marks(held: Inventory, repository: str, found: Sequence[Damage]) -> dict[str, dict[str, str]]:
    """The notes that change, by the backup's label; of what could not be read the old ones stay."""
    damaged = {label: one for one in reversed(found) if not one.is_unread and (label := one.file.split("/")[0])}
    log = {name for one in found if not one.is_unread and (name := _segment_of(one.file))}
    unread = {one.file.split("/")[0] for one in found if one.is_unread}
    unread |= {name for one in found if one.is_unread and (name := _segment_of(one.file))}
    owners = {name: _owner(held, name) for name in log}
    changed = {}
    for backup in held.backups:
        before = held.notes.get(backup.label, {})
        fault = damaged.get(backup.label)
        own = sorted(name for name, label in owners.items() if label == backup.label)
        kept = [name for name in before.get(DAMAGED_LOG[repository], "").split() if name in unread]
        wanted = {
            DAMAGED[repository]: f"{fault.fault} of {fault.file}" if fault else "",
            DAMAGED_LOG[repository]: " ".join(dict.fromkeys([*own, *kept])),
        }
        if backup.label in unread and not fault:
            del wanted[DAMAGED[repository]]
        notes = {name: text for name, text in wanted.items() if before.get(name, "") != text}
        if notes:
            changed[backup.label] = notes
    return changed


def _segment_of(file: str) -> str | None:
    found = inventory.SEGMENT_FILE.fullmatch(file)
    return found[1] if found else None


def _owner(held: Inventory, name: str) -> str | None:
    """The newest backup before a segment, with which this expires; the first one where none is."""
    before = [one.label for one in held.backups if number_of(one.wal_start) <= number_of(name)]
    return before[-1] if before else next((one.label for one in held.backups), None)


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


def _unreachable(machine: Machine, repository: Repository, held: Inventory) -> Iterator[Damage]:
    """Why the newest state could not be restored, read as a restore reads it."""
    archive = f"archive/{repository.backup.stanza}/{held.archive_id}"
    try:
        found, fault = choice.read_situation(machine, repository, held)
    except RecoveryError as error:
        yield Damage(file=archive, fault="; ".join(error.faults))
        return
    faults = [fault] if fault else choice.choose(Target(kind="latest"), found).faults
    yield from (Damage(file=archive, fault=f"the newest state can't be restored: {one}") for one in faults)
    if found.live and found.live.timeline < held.current_timeline:
        yield Damage(
            file=f"{archive}/{held.current_timeline:08X}.history",
            fault=(
                f"timeline {held.current_timeline} was begun after {found.live.timeline}, on which this host serves:"
                " were it lost, the other would be restored; have this one begin its own: touch"
                f" {machine.path(SERVE_WITHOUT_LATER_ROWS)}, and apply it again"
            ),
        )


def _holes(held: Inventory) -> Iterator[Damage]:
    for timeline, segments in held.segments.items():
        for first, last in gaps(segments):
            names = {wal_name(timeline, first), wal_name(timeline, last)}
            yield Damage(file=" .. ".join(sorted(names)), fault="missing in the archive: no restore goes across it")
