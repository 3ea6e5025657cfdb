"""Becomes the program that a part's file describes; started by supervisord.

Arguments and secrets so reach it as they are, past supervisord's quoting and % expansion, and no secret is ever on a
command line. Uses the standard library only, to start fast.
"""

import json
import os
import signal
import sys
from pathlib import Path


def main(path: Path) -> None:
    part = json.loads(path.read_bytes())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPERVISOR_")}
    # Python ignores SIGPIPE, and what is ignored stays so in the program that follows.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(part["command"][0], part["command"], inherited | part["environment"])
    except OSError as error:
        print(f"{part['command'][0]}: can't be started: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
