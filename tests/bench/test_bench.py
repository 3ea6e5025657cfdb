"""The figures' own manners."""

import sys

from tests.commands import ran

ENDED = """
import os, signal
from bench.__main__ import _end_on_sigterm
_end_on_sigterm()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
finally:
    os.kill(os.getpid(), signal.SIGTERM)
    print("removed")
"""


def test_what_was_made_is_removed_when_it_is_ended() -> None:
    answer = ran([sys.executable, "-c", ENDED])
    assert (answer.returncode, answer.stdout) == (143, "removed\n"), answer.stderr
