"""Reading the logs of parts."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# Enough for hundreds of lines, little enough to read at once.
TAIL_BYTES = 128 * 1024


def tail(path: Path, lines: int) -> list[str]:
    """The last lines, oldest first; none when there is no log yet."""
    try:
        with path.open("rb") as file:
            start = max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES)
            file.seek(start)
            found = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    whole = found[1:] if start else found
    return whole[-lines:] if lines > 0 else []


def follow(path: Path, goes_on: Callable[[], bool] = lambda: True, poll_seconds: float = 0.2) -> Iterator[str]:
    """Lines as they are written from now on, across rotation, until `goes_on` says no."""
    file, rest = path.open("rb"), b""
    try:
        file.seek(0, os.SEEK_END)
        while True:
            is_last = not goes_on()
            *lines, rest = (rest + file.read()).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            if is_last:
                return
            if _is_rotated(path, file.fileno()):
                file.close()
                file = path.open("rb")
            elif not lines:
                time.sleep(poll_seconds)
    finally:
        file.close()


def _is_rotated(path: Path, handle: int) -> bool:
    """True when the log has a new file and the old one is read to its end."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
