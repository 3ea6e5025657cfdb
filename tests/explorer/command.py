"""`./hybrid …` for a stack that has only the parts that hold data: no edge, no name server, no proxies.

The plan is one that was recorded before, with what the explorer changes in it; all else is the command's own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from local.common.parts import PARTS
from local.host import root_filesystem
from plan import codec
from plan.model import Plan
from tests.explorer.clock import Clock

CLOCK = "clock"
"""The name of the clock's folder, beside the plan."""
HOLDING_DATA = tuple(part for part in PARTS if part.name in ("objects", "postgres", "pooler"))


@contextmanager
def only_data(plan: Plan, clock: Clock) -> Iterator[None]:
    """Commands in this process realise this plan, and of its parts these alone; a root that they make has the clock."""
    unpack = root_filesystem.unpack

    def unpacked(tar: Path, root: Path) -> None:
        unpack(tar, root)
        clock.install(root)

    with (
        mock.patch.object(root_filesystem, "unpack", unpacked),
        mock.patch("local.stack.up.PARTS", HOLDING_DATA),
        mock.patch("local.stack.running.PARTS", HOLDING_DATA),
        mock.patch("scripts.local._gated", return_value=plan),
    ):
        yield


def argv(plan: Path, *words: str) -> list[str]:
    """The same as a process of its own, which can be killed; from the project's folder on its path."""
    return [sys.executable, "-P", "-m", "tests.explorer.command", str(plan), *words]


def main() -> int:
    from scripts.__main__ import main as run

    file = Path(sys.argv[1])
    sys.argv = ["./hybrid", *sys.argv[2:]]
    with only_data(codec.read(file), Clock(folder=file.with_name(CLOCK))):
        code: int = run()
    return code


if __name__ == "__main__":
    sys.exit(main())
