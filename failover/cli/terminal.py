"""What is printed: data to stdout, messages to stderr. A rollback goes on where nobody reads them any more."""

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from failover.common.errors import FailoverError


def tell(text: str) -> None:
    """A message. What can't be written is left out."""
    _write(sys.stderr, text)


def progress(text: str) -> None:
    tell(f"  {text}")


def show(lines: Iterable[str], *, is_done: bool = False) -> bool:
    """Prints data; False where its reader has gone. `is_done`: it is about what was done, whose exit code stays.

    Raises FailoverError where stdout fails, unless `is_done`.
    """
    fault = _write(sys.stdout, "\n".join(lines))
    # `| head` closes the pipe on purpose.
    if fault and not isinstance(fault, BrokenPipeError):
        message = f"standard output can't be written: {fault.strerror}"
        if not is_done:
            raise FailoverError(message)
        tell(f"{message}; what was done stands in the journal and the evidence")
    return fault is None


def show_json(document: Any, *, is_done: bool = False) -> None:
    show([json.dumps(document, indent=2, ensure_ascii=False, default=str)], is_done=is_done)


def _write(stream: TextIO | None, text: str) -> OSError | None:
    if stream is None:
        return OSError(errno.EBADF, os.strerror(errno.EBADF))
    try:
        print(text, file=stream, flush=True)
    except OSError as error:
        # What the stream still holds is written to nowhere, so that Python does not try again at the end.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        return error
    return None
