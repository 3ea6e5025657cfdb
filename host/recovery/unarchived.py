"""The log of a main that does not run, as far as the repository lacks it: a crash leaves its newest without a mark.

PostgreSQL archives its last, partial segment as it shuts down, and only then. What a killed one acknowledged since is
in its own folder alone: a restore takes it from there.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from host.recovery import clusters
from host.recovery.contract import MAIN
from host.recovery.errors import RecoveryError, say
from host.recovery.inventory import Inventory, Segment
from host.recovery.machine import Machine, of_epoch
from host.recovery.pgbackrest import Repository
from host.recovery.wal import SEGMENT_BYTES, number_of, position, timeline_of

SEGMENT_NAME = re.compile(r"[0-9A-F]{24}")
HISTORY_NAME = re.compile(r"([0-9A-F]{8})\.history")
# XLogLongPageHeaderData, with which each segment begins (PostgreSQL, access/xlog_internal.h): its place in the log is
# its fourth field, the number of its database system the sixth.
HEADER = struct.Struct("<HHIQI4xQII")
# What each page begins with: its place is the fourth field, the fifth how much is left of a record that goes on here.
PAGE, PAGE_BYTES = struct.Struct("<HHIQI4x"), 8192
CONTINUES = 1
"""Of a page's second field: it begins in the middle of a record."""
PUSH_SECONDS = 120
READ_SECONDS = 600
# pg_waldump's words: of the record that it read last, or where it looked for a first one.
LAST_RECORD = re.compile(r"(?:error in WAL record at|could not find a valid record after) ([0-9A-F]+/[0-9A-F]+)")


@dataclass(frozen=True)
class Unarchived:
    timeline: int
    """That main has written last."""
    segments: tuple[Segment, ...]
    """In order; the last one may be written in part."""
    histories: dict[int, datetime]
    end: int
    """A position that main's log has reached for sure."""
    most: int
    """One that it has not gone beyond."""
    readable: int
    """Up to where records of its timeline follow each other, of which each is whole; beyond, none can be restored."""
    ended_at: datetime
    folder: PurePosixPath

    def path(self, name: str) -> PurePosixPath:
        return self.folder / name


def read(machine: Machine, held: Inventory) -> Unarchived | None:
    """Main's log that is not archived; None while main runs, and where its log is of another database system."""
    folder = clusters.log(machine, MAIN)
    if clusters.pid(machine, MAIN) or not machine.path(folder).is_dir():
        return None
    own = sorted(
        (found for path in machine.path(folder).iterdir() if (found := _segment(path, held.system_id))),
        key=lambda one: (one.number, one.name),
    )
    if not own:
        return None
    archived = {one.name for found in held.segments.values() for one in found}
    histories = {
        int(name[1], 16): of_epoch(path.stat().st_mtime)
        for path in machine.path(folder).iterdir()
        # An empty one only shows that the number is taken (host/database/beginning.py).
        if (name := HISTORY_NAME.fullmatch(path.name))
        and int(name[1], 16) not in held.histories
        and path.stat().st_size
    }
    timeline = max(timeline_of(one.name) for one in own)
    newest = max((one for one in own if timeline_of(one.name) == timeline), key=lambda one: one.number)
    end, most = _ends(machine.path(folder / newest.name), newest.name)
    missing = tuple(one for one in own if one.name not in archived)
    readable = _readable(machine, folder, [one.name for one in missing if timeline_of(one.name) == timeline], most)
    return Unarchived(timeline, missing, histories, end, most, readable, newest.archived_at, folder)


def _readable(machine: Machine, folder: PurePosixPath, names: Sequence[str], most: int) -> int:
    """Where pg_waldump finds no next record, as a recovery does: just behind the beginning of the last one."""
    if not names:
        return most
    argv = [machine.program("pg_waldump"), "--quiet", f"--path={folder}", names[0], names[-1]]
    found = LAST_RECORD.search(machine.run(argv, seconds=READ_SECONDS).stderr)
    return position(found[1]) + 1 if found else most


def joined(held: Inventory, found: Unarchived) -> Inventory:
    """The inventory as if main's own log were archived, too."""
    lines = {line: list(segments) for line, segments in held.segments.items()}
    for one in found.segments:
        lines.setdefault(timeline_of(one.name), []).append(one)
    ordered = {line: tuple(sorted(segments, key=lambda one: one.name)) for line, segments in lines.items()}
    return replace(held, segments=ordered, histories={**found.histories, **held.histories})


def archive(machine: Machine, found: Unarchived) -> None:
    """Hands over all but the newest segment, as main's archiver would have; raises RecoveryError.

    The newest is not whole; what it holds begins the new timeline, and is archived with that.
    """
    repository = Repository(machine)
    names = [f"{line:08X}.history" for line in sorted(found.histories)]
    names += [one.name for one in found.segments[:-1]]
    if names:
        say(f"archiving what {MAIN} had not yet: {len(names)} files of its log")
    for name in names:
        # Not dropped, however much waits.
        repository.run("archive-push", "--reset-archive-push-queue-max", str(found.path(name)), seconds=PUSH_SECONDS)


def _segment(path: Path, system_id: int) -> Segment | None:
    """None for what has no log of its name: a file that is kept for later, or one of another system."""
    if not SEGMENT_NAME.fullmatch(path.name):
        return None
    with path.open("rb") as file:
        begin = file.read(2 * PAGE_BYTES)
    if len(begin) < 2 * PAGE_BYTES:
        return None
    start = number_of(path.name) * SEGMENT_BYTES
    _, _, _, place, _, system, _, _ = HEADER.unpack_from(begin)
    # Where the first page is damaged, the second one tells.
    is_own = system == system_id if place == start else PAGE.unpack_from(begin, PAGE_BYTES)[3] == start + PAGE_BYTES
    if not is_own:
        return None
    about = path.stat()
    return Segment(path.name, about.st_size, of_epoch(about.st_mtime), sha1=None)


def _ends(path: Path, name: str) -> tuple[int, int]:
    """The page on which the record begins with which the log of this segment ends, for it may not be whole; its end.

    Counted by pages, since a page that is damaged hides the records behind it from whoever reads one after the other.
    """
    content, start = path.read_bytes(), number_of(name) * SEGMENT_BYTES
    pages = [PAGE.unpack_from(content, offset) for offset in range(0, len(content), PAGE_BYTES)]
    written = [page[3] == start + number * PAGE_BYTES for number, page in enumerate(pages)]
    last = max(number for number, is_written in enumerate(written) if is_written)
    most = start + (last + 1) * PAGE_BYTES
    while last and pages[last][1] & CONTINUES and written[last - 1]:
        last -= 1
        # Nearly every page goes on with a record of the one before: it need not be the same one.
        if pages[last][4] < PAGE_BYTES - PAGE.size:
            break
    return start + last * PAGE_BYTES, most


def ensure_stopped(machine: Machine) -> None:
    if clusters.pid(machine, MAIN):
        raise RecoveryError(f"{MAIN}: runs, and what it acknowledges from now on would be lost; stop it first")
