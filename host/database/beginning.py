"""Whoever begins to serve again begins a timeline, above all that are known: the highest is the one that served last.

PostgreSQL begins one only as it ends a recovery. A server that was stopped, and goes on with its own log, is started
through one that needs nothing but that log; the numbers that are taken are shown to it by files of their names.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from host.common import links

HISTORY = re.compile(r"([0-9A-F]{8})\.history")
TIMELINE = re.compile(r"([0-9A-F]{8})(?:[0-9A-F]{16}|\.history)(?:\.partial)?")
SETTINGS = "postgresql.auto.conf"
UNFINISHED = f"{SETTINGS}.tmp"
"""As PostgreSQL calls its own of this file, which no backup takes."""
MARK = "# Written by hybrid"
# The last command runs once the timeline is begun and written down; with its slash pg_wal may be a link. What ALTER
# SYSTEM set stands before these lines.
RECOVERY = f"""\
{MARK}: this server begins a timeline as it starts, and then removes these lines.
restore_command = 'false'
recovery_target_timeline = 'current'
hot_standby = off
recovery_end_command = 'find pg_wal/ -maxdepth 1 -name "*.history" -empty -delete; \
sed ''/^{MARK}/,$d'' {SETTINGS} >{UNFINISHED} && sync {UNFINISHED} && mv {UNFINISHED} {SETTINGS}'
"""


def prepare(data: Path, beside: Iterable[Path], archived: Iterable[int], root: Path) -> int | None:
    """Have the stopped server of a data directory begin a timeline as it starts; its number, or None where none is due.

    `beside` are the host's other data directories, `archived` the timelines in the archive, `root` is the host's.
    Raises OSError, and then shows no number as taken that was not.
    """
    if not (data / "global/pg_control").exists() or (data / "standby.signal").exists():
        return None
    beside = list(beside)
    found = [_histories(one, root) for one in beside]
    own = timelines(data, root)
    newest = max([1, *own, *archived, *(line for one in beside for line in timelines(one, root))])
    log = _log(data, root)
    there = {int(name[1], 16) for path in _files(log) if (name := HISTORY.fullmatch(path.name))}
    lacking = [line for line in range(2, newest + 1) if line not in there]
    try:
        for line in lacking:
            source = next((one[line] for one in found if line in one), None)
            _taken(log, line, source if line not in set(archived) else None)
        _write(data, SETTINGS, (own_settings(data) + RECOVERY).encode())
        # Last: without it the server starts as before.
        _write(data, "recovery.signal", b"")
    except BaseException:
        for line in lacking:
            for begun in (_history(line), _ready(line)):
                (log / begun).unlink(missing_ok=True)
        raise
    return newest + 1


def own_settings(data: Path) -> str:
    """What ALTER SYSTEM has set there; empty where it has set nothing."""
    path = data / SETTINGS
    found = path.read_text().partition(MARK)[0] if path.exists() else ""
    # The file may have been written by hand.
    return found if not found or found.endswith("\n") else f"{found}\n"


def _log(data: Path, root: Path) -> Path:
    inside = links.followed(root, PurePosixPath("/", data.relative_to(root), "pg_wal"))
    return root / inside.relative_to("/")


def _files(log: Path) -> Iterable[Path]:
    return log.iterdir() if log.is_dir() else ()


def timelines(data: Path, root: Path) -> set[int]:
    """Those of which a data directory has log or a history."""
    return {int(name[1], 16) for path in _files(_log(data, root)) if (name := TIMELINE.fullmatch(path.name))}


def _histories(data: Path, root: Path) -> dict[int, Path]:
    """Those that PostgreSQL wrote; an empty one only shows that the number is taken."""
    return {
        int(name[1], 16): path
        for path in _files(_log(data, root))
        if (name := HISTORY.fullmatch(path.name)) and path.stat().st_size
    }


def _taken(log: Path, timeline: int, source: Path | None) -> None:
    """Show PostgreSQL that a timeline is there; its history is archived where only this host has it."""
    _write(log, _history(timeline), source.read_bytes() if source else b"")
    if source:
        _write(log, _ready(timeline), b"")


def _history(timeline: int) -> str:
    return f"{timeline:08X}.history"


def _ready(timeline: int) -> str:
    return f"archive_status/{timeline:08X}.history.ready"


def _write(folder: Path, name: str, content: bytes) -> None:
    """Nothing of it is left where that fails. By hand: PostgreSQL can't read a file before it is its own."""
    path, unfinished = folder / name, folder / f"{name}.tmp"
    unfinished.unlink(missing_ok=True)
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            about = folder.stat()
            os.fchown(file.fileno(), about.st_uid, about.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
