"""Ends what a run of the tests left when the run itself was killed: python -m tests.run.watchdog FOLDER.

The run holds the other end of this process's standard input: kill -9 closes it as well.
"""

import signal
import sys
import time
from pathlib import Path

from tests.run import leftovers

ENDED = b"ended"
"""What a run says that has looked for itself."""
GRACE_SECONDS = 30
"""Time in which workers whose run was killed end what they started, in its order."""


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    folder = Path(sys.argv[1])
    if sys.stdin.buffer.read() == ENDED:
        return
    until = time.monotonic() + GRACE_SECONDS
    while leftovers.processes(folder) and time.monotonic() < until:
        time.sleep(0.2)
    leftovers.end_all(folder)


if __name__ == "__main__":
    main()
