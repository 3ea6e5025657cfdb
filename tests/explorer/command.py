"""`./hybrid …` for a stack that has all parts, or those alone that hold data: no edge, no name server, no proxies.

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

SITE, DATA = "site", "data"
CLOCK = "clock"
"""The name of the clock's folder, beside the plan."""
HOLDING_DATA = tuple(part for part in PARTS if part.name in ("objects", "postgres", "pooler"))


@contextmanager
def realised(plan: Plan, clock: Clock, *, has_site: bool) -> Iterator[None]:
    """Commands in this process realise this plan, and of its parts these alone; a root that they make has the clock."""
    parts = PARTS if has_site else HOLDING_DATA
    unpack = root_filesystem.unpack

    def unpacked(tar: Path, root: Path) -> None:
        unpack(tar, root)
        clock.install(root)

    with (
        mock.patch.object(root_filesystem, "unpack", unpacked),
        mock.patch("local.stack.up.PARTS", parts),
        mock.patch("local.stack.running.PARTS", parts),
        mock.patch("scripts.local._gated", return_value=plan),
    ):
        yield


def argv(plan: Path, *words: str, has_site: bool) -> list[str]:
    """The same as a process of its own, which can be killed; from the project's folder on its path."""
    return [sys.executable, "-P", "-m", "tests.explorer.command", SITE if has_site else DATA, str(plan), *words]


def main() -> int:
    from scripts.__main__ import main as run

    parts, file, *words = sys.argv[1:]
    sys.argv = ["./hybrid", *words]
    clock = Clock(folder=Path(file).with_name(CLOCK))
    with realised(codec.read(Path(file)), clock, has_site=parts == SITE):
        code: int = run()
    return code


if __name__ == "__main__":
    sys.exit(main())
