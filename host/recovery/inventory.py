"""What the backup repository holds: backups, archived WAL by timeline, and where timelines begin."""

import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from host.recovery.contract import Backup, written
from host.recovery.errors import RecoveryError, say
from host.recovery.machine import of_epoch, utc_now
from host.recovery.pgbackrest import NO_INI, SHORT_SECONDS, UNREACHABLE, Repository, one_line
from host.recovery.wal import number_of, timeline_of

SEGMENT_FILE = re.compile(r"(?:.*/)?([0-9A-F]{24})-([0-9a-f]{40})(?:\.[a-z0-9]+)?")
HISTORY_FILE = re.compile(r"(?:.*/)?([0-9A-F]{8})\.history(?:\.[a-z0-9]+)?")
KEY_FOLDER = "postgresql"
"""repo1-path without its slash."""
IS_THERE, NO_BACKUP = 0, 2
"""pgBackRest's codes for a stanza with backups, and one with none (command/info/info.c)."""
NO_STANZA = "missing stanza"
"""pgBackRest's words for a repository in which nothing was made."""
IO_SECONDS = "5"
CONNECT_SECONDS = 5
TELL_SECONDS = 2
HTTPS = 443
NEXT_XID = "next-xid"
DAMAGED = {"primary": "damaged", "copy": "damaged-copy"}
DAMAGED_LOG = {"primary": "damaged-log", "copy": "damaged-copy-log"}
"""Annotations, by repository, with what a verification found wrong: of the backup, and segments of the log after it.

In the repository itself, so that they survive the host, and every host that reads it sees them; pgBackRest keeps them
in the list of backups, which each act reads first, and drops them with the backup. What is wrong with the copy is said
in the primary one, whose list is copied.
"""


@dataclass(frozen=True)
class Segment:
    name: str
    bytes: int
    """Size in the repository, compressed."""
    archived_at: datetime
    sha1: str | None
    """SHA-1 of its content, as pgBackRest put it into the file's name; None for a file that is not archived."""

    @property
    def number(self) -> int:
        return number_of(self.name)

    @property
    def is_archived(self) -> bool:
        return self.sha1 is not None


@dataclass(frozen=True, kw_only=True)
class Inventory:
    archive_id: str
    system_id: int
    """The database system's identifier, to which log and backups belong."""
    backups: tuple[Backup, ...]
    """Oldest first."""
    segments: Mapping[int, tuple[Segment, ...]]
    """Segments by timeline, each in order."""
    histories: Mapping[int, datetime] = field(default_factory=dict)
    """Timelines that branched off another one, and when their beginning was archived."""
    now: datetime
    damaged: frozenset[str] = frozenset()
    """Segments that a verification found damaged."""
    notes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The annotations of each backup, by label."""
    is_backing_up: bool = False
    """Whether a backup is being taken on this host, or old ones are expired, by whomever."""

    @property
    def timelines(self) -> list[int]:
        """All of which the archive has anything, in order."""
        return sorted({line for line, found in self.segments.items() if found} | set(self.histories))

    @property
    def current_timeline(self) -> int:
        """The one that served last: whoever begins to serve begins one above all (host/database/beginning.py).

        Not the one that was archived last: a host that was told to stop archives what it writes as it shuts down.
        """
        return max(self.timelines, default=1)

    @property
    def usable(self) -> list[Backup]:
        return [backup for backup in self.backups if backup.is_usable]


def read(repository: Repository) -> Inventory:
    """Ask the store; raises RecoveryError where it does not answer, can't be decrypted, or knows no backup."""
    waiting = threading.Timer(TELL_SECONDS, say, [f"waiting for the store {repository.endpoint}"])
    waiting.daemon = True
    waiting.start()
    try:
        _ensure_answers(repository)
        stanza = _stanza(repository)
    finally:
        waiting.cancel()
    database = stanza["db"][-1]
    archive_id = f"{database['version']}-{database['id']}"
    files = repository.json("repo-ls", "--recurse", f"archive/{repository.backup.stanza}/{archive_id}")
    now = utc_now()
    segments: dict[int, list[Segment]] = {}
    histories: dict[int, datetime] = {}
    for path, entry in (files or {}).items():
        if found := SEGMENT_FILE.fullmatch(path):
            segment = Segment(found[1], entry["size"], of_epoch(entry["time"]), found[2])
            segments.setdefault(timeline_of(found[1]), []).append(segment)
        elif found := HISTORY_FILE.fullmatch(path):
            histories[int(found[1], 16)] = of_epoch(entry["time"])
    backups = [one for one in stanza["backup"] if one["database"]["id"] == database["id"]]
    kind = repository.source.repository
    noted = {one["label"]: one.get("annotation", {}) for one in backups}
    return Inventory(
        archive_id=archive_id,
        system_id=database["system-id"],
        backups=tuple(_backup(one, repository.backup.stanza, _damage(one, noted, DAMAGED[kind])) for one in backups),
        segments={line: tuple(sorted(found, key=lambda one: one.name)) for line, found in segments.items()},
        histories=histories,
        now=now,
        damaged=frozenset(name for one in noted.values() for name in one.get(DAMAGED_LOG[kind], "").split()),
        notes=noted,
        is_backing_up=stanza["status"]["lock"]["backup"]["held"],
    )


def _damage(found: Any, noted: Mapping[str, Mapping[str, str]], key: str) -> str | None:
    """A backup takes files from those that it builds on."""
    label = found["label"]
    if fault := noted[label].get(key):
        return fault
    damaged = [one for one in found.get("reference") or () if noted.get(one, {}).get(key)]
    return f"builds on {damaged[0]}, which is damaged" if damaged else None


def history(repository: Repository, archive_id: str, timeline: int) -> str:
    """The text of a timeline's history file, as PostgreSQL wrote it."""
    path = f"archive/{repository.backup.stanza}/{archive_id}/{timeline:08X}.history"
    return repository.run("repo-get", path, seconds=SHORT_SECONDS)


def _ensure_answers(repository: Repository) -> None:
    """Raises RecoveryError after CONNECT_SECONDS without an answer; pgBackRest would try for a minute."""
    host, _, port = repository.endpoint.partition(":")
    end = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            with socket.create_connection((host, int(port or HTTPS)), timeout=CONNECT_SECONDS) as connection:
                # The kernel accepts for a process that hangs, too. Whose certificate it is pgBackRest judges.
                ssl._create_unverified_context().wrap_socket(connection, server_hostname=host).close()
            return
        except ssl.SSLError:
            return
        except OSError as error:
            if time.monotonic() > end:
                reason = "timed out" if isinstance(error, TimeoutError) else error.strerror or error
                raise RecoveryError(
                    f"backup repository {repository.bucket}: the store {repository.endpoint} does not answer, tried for"
                    f" {CONNECT_SECONDS} s: {reason}"
                ) from None
        time.sleep(0.2)


def _stanza(repository: Repository) -> Any:
    answer = repository.attempt("info", "--output=json", extra={"PGBACKREST_IO_TIMEOUT": IO_SECONDS})
    if answer.returncode:
        raise RecoveryError(repository.fault("info", answer.returncode, answer.stderr))
    found = repository.parsed(answer.stdout)
    code = found[0]["status"]["code"] if found else 1
    if code in (IS_THERE, NO_BACKUP):
        return found[0]
    messages = [part["status"]["message"] for part in (found[0]["repo"] if found else ()) if part["status"]["code"]]
    message = "; ".join(messages) or NO_STANZA
    if repository.refusal(message) or any(sign in message for sign in (*UNREACHABLE, "CryptoError", NO_INI)):
        raise RecoveryError(repository.fault("info", 0, message))
    raise RecoveryError(no_stanza(repository, message))


def no_stanza(repository: Repository, message: str) -> str:
    """What is said of a repository that is empty, or can't be read."""
    if repository.source.as_of:
        then = written(repository.source.as_of)
        return (
            f"backup repository {repository.bucket}: as it was on {then} it had no backups of stanza"
            f" {repository.backup.stanza}: {one_line(message)}; name another time, or none"
        )
    return f"backup repository {repository.bucket}: {_unusable(message)}; {_way_out(repository)}"


def _unusable(message: str) -> str:
    if NO_STANZA in message:
        return "is empty: it was emptied or made anew, or nothing was backed up into it yet"
    # Behind these signs pgBackRest shows the whole request.
    return f"can't be read, as where its bucket is gone: {one_line(message.partition('***')[0]).rstrip(': ')}"


def _way_out(repository: Repository) -> str:
    if repository.source.repository == "copy":
        return "what it held once may be in older versions: --as-of TIME"
    if repository.backup.replica:
        return "what it held is in the copy: --from copy (docs/runbooks/restore.md, Lost bucket)"
    return "to be restored from, it needs a backup first"


def _backup(found: Any, stanza: str, damage: str | None) -> Backup:
    label, info = found["label"], found["info"]
    started, stopped = (of_epoch(found["timestamp"][edge]) for edge in ("start", "stop"))
    noted = found.get("annotation", {}).get(NEXT_XID, "")
    return Backup(
        label=label,
        kind=found["type"],
        prior=found["prior"],
        started_at=started,
        stopped_at=stopped,
        seconds=(stopped - started).total_seconds(),
        database_bytes=info["size"],
        repository_bytes=info["repository"]["delta"],
        delta_bytes=info["delta"],
        lsn_start=found["lsn"]["start"],
        lsn_stop=found["lsn"]["stop"],
        wal_start=found["archive"]["start"],
        wal_stop=found["archive"]["stop"],
        timeline=timeline_of(found["archive"]["start"]),
        error=found.get("error"),
        next_xid=int(noted) if noted.isdigit() else None,
        manifest_key=f"{KEY_FOLDER}/backup/{stanza}/{label}/backup.manifest",
        references=tuple(found.get("reference") or ()),
        damage=damage,
    )
