"""Whole-file writes that survive a kill and a power cut."""

import os
import stat
import tempfile
from pathlib import Path

from failover.common.errors import FailoverError

NEW_MODE = 0o644


def content(path: Path, most: int) -> bytes:
    """Of a file of at most so many bytes. Raises FailoverError, also for what would never end; FileNotFoundError."""
    try:
        # A pipe without a writer would hold the opening up.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FailoverError(f"{path}: is not a file")
            found = file.read(most + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FailoverError(f"{path}: can't be read: {error.strerror}") from error
    if len(found) > most:
        raise FailoverError(f"{path}: is larger than {most >> 20} MB, and so not what it should be")
    return found


def replace(path: Path, text: str, *, makes_folder: bool = False) -> None:
    """A reader sees the old text or the new one; who may read it stays. Raises FailoverError."""
    try:
        if makes_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else NEW_MODE
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        flush_folder(path.parent)
    except OSError as error:
        raise FailoverError(f"{path}: can't be written: {error.strerror}") from error


def flush_folder(folder: Path) -> None:
    """A new name lasts only when its folder has reached the disk too (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
