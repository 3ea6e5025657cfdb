"""Errors and progress of an act, so that an operator can act on them."""

import errno
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath


class RecoveryError(Exception):
    """One line a fault: thing, fault, what is allowed. No secret is in it."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class StoppedError(RecoveryError):
    """PostgreSQL ended before it had recovered as far as was asked."""


def faults_of(error: BaseException) -> list[str]:
    return error.faults if isinstance(error, RecoveryError) else [f"{type(error).__name__}: {error}".rstrip(": ")]


@contextmanager
def plain_faults(place: PurePosixPath) -> Iterator[None]:
    """Makes what a disk, a file or a program that hangs raises a RecoveryError of one line.

    `place` is named where a fault names no file, as write(2) does.
    """
    try:
        yield
    except OSError as error:
        reason = "no space is left" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise RecoveryError(f"{error.filename or place}: {reason}") from error
    except subprocess.TimeoutExpired as error:
        command = [error.cmd] if isinstance(error.cmd, str) else [str(word) for word in error.cmd]
        raise RecoveryError(f"{' '.join(command)[-200:]}: has not ended within {error.timeout:.0f} s") from error


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
