"""A stack as its first `up` leaves it, stopped: made once a run, and begun from by whoever needs one of its own.

Ports, paths and what `up` rewrites are another's; `up` brings them in, as it does after a changed setting.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.host.namespace import throwaway
from tests.host.tree import made_once
from tests.local.stack_under_test import StackUnderTest, removed

# Nothing writes into a file of the packages; a link to it is as good, and nine tenths of the root are such.
COPY = """set -e
mkdir -m 700 "$2"
for path in "$1"/* "$1"/.[!.]*; do
    test "$path" = "$1/root" || cp -a --reflink=auto "$path" "$2"
done
mkdir "$2/root"
for path in "$1"/root/*; do
    case $path in */usr) how=--link ;; *) how=--reflink=auto ;; esac
    cp -a "$how" "$path" "$2/root"
done
"""
COPY_SECONDS = 120


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """The state folder, from which no stack is started."""

    def make(unfinished: Path) -> None:
        stack = StackUnderTest(unfinished)
        try:
            stack.bring_up()
        finally:
            stack.stop()

    with made_once(folder, make):
        yield


@contextmanager
def stopped_stack(snapshot: Path, state: Path) -> Iterator[StackUnderTest]:
    """A copy that is not started."""
    stack = StackUnderTest(state)
    with removed(stack):
        copy = throwaway(["sh", "-c", COPY, "sh", str(snapshot), str(state)])
        subprocess.run(copy, check=True, timeout=COPY_SECONDS)
        yield stack


@contextmanager
def running_stack(snapshot: Path, state: Path) -> Iterator[StackUnderTest]:
    """A running stack, of which nothing is left at the end."""
    with stopped_stack(snapshot, state) as stack:
        stack.bring_up()
        yield stack
