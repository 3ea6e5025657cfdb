"""Whole-file writes. By hand: of the libraries for it none is kept up, and it is these few calls."""

import os
import stat
import tempfile
from pathlib import Path

UNFINISHED = ".new"
"""Suffix of the file that a killed writer leaves beside the real one."""


def replace(path: Path, content: str | bytes, mode: int | None = None, *, is_cache: bool = False) -> None:
    """A reader, or a machine that loses power, finds the old content or the new.

    Raises OSError that names the file; nothing is left then. `mode` None: the file keeps its own, and a new one is
    0644. `is_cache`: its reader checks what it finds, so nobody waits for the disk.
    """
    if mode is None:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    try:
        _replace(path, content, mode, is_cache=is_cache)
    except OSError as error:
        # write(2) and fsync(2) have no path to name.
        error.filename = str(path)
        raise


def _replace(path: Path, content: str | bytes, mode: int, *, is_cache: bool) -> None:
    handle, unfinished = tempfile.mkstemp(prefix=f".{path.name.removeprefix('.')}.", suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content.encode() if isinstance(content, str) else content)
            if not is_cache:
                file.flush()
                os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    if not is_cache:
        flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """A new name lasts only when its folder has reached the disk too (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
