"""Whole-file writes that survive a kill and a power cut."""

import os
import tempfile
from pathlib import Path

from failover.errors import FailoverError


def replace(path: Path, text: str, mode: int = 0o644) -> None:
    """A reader sees the old text or the new one. Raises FailoverError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
