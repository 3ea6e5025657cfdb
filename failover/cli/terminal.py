"""What is printed: data to stdout, messages to stderr. A rollback goes on where nobody reads them any more."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO


def tell(text: str) -> None:
    """A message. What can't be written is left out."""
    _write(sys.stderr, text)


def progress(text: str) -> None:
    tell(f"  {text}")


def show(lines: Iterable[str]) -> bool:
    """Prints data; False where stdout failed. The operation's exit code is unaffected."""
    fault = _write(sys.stdout, "\n".join(lines))
    # `| head` closes the pipe on purpose.
    if fault and not isinstance(fault, BrokenPipeError):
        tell(
            f"standard output can't be written: {fault.strerror}; what was done stands in the journal and the evidence"
        )
    return fault is None


def show_json(document: Any) -> None:
    show([json.dumps(document, indent=2, ensure_ascii=False, default=str)])


def _write(stream: TextIO, text: str) -> OSError | None:
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
