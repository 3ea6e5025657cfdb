"""Waiting for what becomes true, without keeping the machine from it."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

# Long beside what is waited for: a machine that does something else as well is several times slower.
LIMIT_SECONDS = 180
MOST_SECONDS = 0.5


def until(fact: Callable[[], Any], each_seconds: float = 0.02) -> Any:
    """The fact's first true value; TimeoutError where it has none in time."""
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        began = time.monotonic()
        if value := fact():
            return value
        now = time.monotonic()
        if now > end:
            raise TimeoutError(f"not so within {LIMIT_SECONDS} s: {fact}")
        # A look that starts programs takes a core for itself: two thirds of the time are left to others.
        time.sleep(max(each_seconds, min(MOST_SECONDS, 2 * (now - began))))


def seen(process: "subprocess.Popen[str]", message: str) -> None:
    """Returns as soon as a line on its standard error has the message."""
    assert process.stderr is not None
    while message not in (line := process.stderr.readline()):
        assert line
