"""The bundles that the edge serves: built where they are not of the sources that are there."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from local.common.errors import LocalError

MAKE = ("make", "--silent", "--old-file=node_modules/made", "apps/made")
# Two at once would rename each other's files away.
ALONE = ("flock", "--no-fork", "Makefile")
# Of a make that runs this command: its jobs are not ours.
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")


def ensure(project: Path) -> None:
    """Builds them where their sources, or they themselves, have changed since. Raises LocalError."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    if subprocess.run((*ALONE, *MAKE), cwd=project, env=environment, stdout=subprocess.DEVNULL).returncode:
        raise LocalError("apps/: bundling failed (error above); fix it, then try again")


class Builder:
    """Builds again and again, by a process that keeps what it has parsed. A context manager."""

    def __init__(self, project: Path) -> None:
        self._process = subprocess.Popen(
            [project / "node_modules/.bin/node", "apps/build.mjs", "--each-line"],
            cwd=project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def __enter__(self) -> "Builder":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def build(self) -> None:
        """Raises LocalError when they can't be built; why stands on stderr."""
        with suppress(BrokenPipeError):
            cast(IO[str], self._process.stdin).write("\n")
        if cast(IO[str], self._process.stdout).readline() != "built\n":
            raise LocalError("apps/: bundling failed (error above); what was served before still is")
