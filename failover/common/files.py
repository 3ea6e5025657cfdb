"""Files of the operator's: read up to a limit, written as a whole."""

import os
import stat
from pathlib import Path

from durable import files
from failover.common.errors import FailoverError


def content(path: Path, most: int) -> bytes:
    """Reads a regular file of at most `most` bytes; a pipe raises FailoverError. Raises FileNotFoundError, too."""
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
        files.replace(path, text)
    except OSError as error:
        raise FailoverError(f"{path}: can't be written: {error.strerror}") from error
