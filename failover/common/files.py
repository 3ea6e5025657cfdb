"""Files of the operator's: read up to a limit, written as a whole; the token's only where nobody else can read it."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from durable import files
from failover.common.errors import FailoverError

VARIABLE = "HYBRID_ROLLBACK_TOKEN"


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


def token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """The token: the file wins over the environment's variable, and no message shows it. Raises FailoverError."""
    if file:
        return _checked(_secret(file), str(file))
    text = environment.get(VARIABLE, "")
    if not text:
        raise FailoverError(f"no token: set {VARIABLE}, or name a file of mode 0600 with --token-file")
    return _checked(text, VARIABLE)


def _secret(path: Path) -> str:
    try:
        # Opened once: what is checked is what is read.
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            # A pipe is what a shell makes of <(pass show …).
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
                raise FailoverError(f"{path}: is not a file")
            if stat.S_IMODE(found.st_mode) & 0o077:
                mode = f"{stat.S_IMODE(found.st_mode):04o}"
                raise FailoverError(f"{path}: others may read the token (mode {mode}); `chmod 600` it")
            return file.read(4096).decode("ascii", errors="replace")
    except OSError as error:
        raise FailoverError(f"{path}: the token can't be read: {error.strerror}") from error


def _checked(text: str, where: str) -> str:
    """A line feed in a header would be a fault deep down, and its message would show the token."""
    found = text.strip()
    if not found or not all("!" <= letter <= "~" for letter in found):
        raise FailoverError(f"{where}: does not hold a token: one word of printable letters is expected")
    return found
