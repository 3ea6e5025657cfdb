"""The token: from the environment or a file that nobody else can read, and never in a message."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from failover.common.errors import FailoverError

VARIABLE = "HYBRID_ROLLBACK_TOKEN"


def token(file: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """--token-file wins over the variable. Raises FailoverError."""
    if file:
        return _checked(_read(file), str(file))
    text = environment.get(VARIABLE, "")
    if not text:
        raise FailoverError(f"no token: set {VARIABLE}, or name a file of mode 0600 with --token-file")
    return _checked(text, VARIABLE)


def _read(path: Path) -> str:
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
