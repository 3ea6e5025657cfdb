"""Refuses a machine for which the Node.js packages have no programs. Runs before there is any environment.

python3 scripts/machine.py up
python3 scripts/machine.py test     also where the tests have no room
"""

import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path

NODE_MAJOR = 20
# What package-lock.json pins programs for: Node.js and workerd.
SYSTEM, PROCESSOR = "Linux", "x86_64"
# Of a program that says what it is.
SECONDS = 30
TEST_GIGABYTES = 12
"""Space in the temporary folder: roots and clusters of all workers at once (measured: 6.3 GB with six)."""


def faults() -> Iterator[str]:
    """What is missing or does not fit, one line each, and what to do about it."""
    if (platform.system(), platform.machine()) != (SYSTEM, PROCESSOR):
        yield (
            f"machine: {platform.system()} on {platform.machine()}; the pinned runtimes are for {SYSTEM} on {PROCESSOR}"
        )
    if not shutil.which("npm"):
        yield f"npm: not found; install it with Node.js {NODE_MAJOR} or newer"
    found = node_version()
    major = re.match(r"v(\d+)\.", found)
    if not major or int(major[1]) < NODE_MAJOR:
        yield f"node: {found or 'not found'}; install Node.js {NODE_MAJOR} or newer"


def no_room(folder: Path | None = None) -> str:
    """Why the tests can't run in a folder, by default the temporary one; nothing where they can."""
    folder = folder or Path(tempfile.gettempdir())
    free = shutil.disk_usage(folder).free / 2**30
    if free >= TEST_GIGABYTES:
        return ""
    return (
        f"{folder}: {free:.1f} GB are free, and the tests need {TEST_GIGABYTES}; free some, or name another folder in"
        " TMPDIR"
    )


def node_version() -> str:
    return printed("node", "--version").strip()


def printed(*argv: str, codes: Container[int] = (0,), folder: Path | None = None) -> str:
    """What a command prints; nothing when it is not there, hangs, or ends with another exit code."""
    try:
        answer = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode in codes else ""


def main() -> int:
    found = list(faults())
    if "test" in sys.argv[1:] and (fault := no_room()):
        found.append(fault)
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
