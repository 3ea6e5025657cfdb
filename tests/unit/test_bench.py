"""The figures' own manners."""

import subprocess
import sys

from tests.commands import ROOT

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
    answer = subprocess.run([sys.executable, "-c", ENDED], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (answer.returncode, answer.stdout) == (143, "removed\n"), answer.stderr
