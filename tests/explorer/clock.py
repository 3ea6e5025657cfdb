"""The clock of a world, which can be set while it runs: a library before C's tells it (`clock.c`).

It is told to all that runs in the roots, PostgreSQL and pgBackRest above all, and to the operator's commands with what
they start. The store has a clock of its own, as one in the cloud has; so has who looks on: moments by that one are
"real" here. Debian's libfaketime was tried first: with it Python's time.sleep fails, or hangs.
"""

import os
import platform
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

COMPILER = "cc"
NANOSECONDS, NEVER = 10**9, 2**63 - 1
PAIR, PAGE_BYTES = struct.Struct("qq"), 4096
COMPILE_SECONDS = 60


def is_available() -> bool:
    """A root's files are changed, which belong to users of their own where an ordinary user made them."""
    return os.geteuid() == 0 and shutil.which(COMPILER) is not None and platform.machine() == "x86_64"


@dataclass(kw_only=True)
class Clock:
    folder: Path
    """Has the library and what it reads; the same path in every root of the world."""
    steps: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    """From which real moment on the clock is how many seconds ahead."""

    @property
    def offset(self) -> float:
        return self.steps[-1][1]

    def make(self) -> None:
        if self.folder.is_relative_to("/dev"):
            raise ValueError(f"{self.folder}: the roots have a /dev of their own; TMPDIR has to be elsewhere")
        self.folder.mkdir()
        self._file.write_bytes(PAIR.pack(NEVER, 0) * (PAGE_BYTES // PAIR.size))
        words = ("-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-nostdlib", f'-DFILE="{self._file}"')
        source = Path(__file__).with_suffix(".c")
        subprocess.run([COMPILER, *words, "-o", self._library, source], check=True, timeout=COMPILE_SECONDS)

    def install(self, root: Path) -> None:
        """What runs in this root goes by it, where the world has made one."""
        if not self.folder.exists():
            return
        here = root / self.folder.relative_to("/")
        here.mkdir(parents=True)
        for path in self.folder.iterdir():
            (here / path.name).hardlink_to(path)
        (root / "etc/ld.so.preload").write_text(f"{self._library}\n")

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a program outside of the roots that goes by it."""
        return {"LD_PRELOAD": str(self._library)} if self.folder.exists() else {}

    def step(self, seconds: float) -> None:
        self.steps.append((time.time(), self.offset + seconds))
        since, ahead = (round(value * NANOSECONDS) for value in self.steps[-1])
        place = PAIR.size * (len(self.steps) - 2)
        # In its place, for programs have it in their memory, and the roots have links to it.
        with self._file.open("r+b", buffering=0) as file:
            # What is ahead first: the moment makes it count.
            for value, start in ((ahead, place + PAIR.size // 2), (since, place)):
                file.seek(start)
                file.write(struct.pack("q", value))

    def now(self) -> float:
        return time.time() + self.offset

    def at(self, real: float) -> float:
        """What it told at a real moment."""
        return real + next(offset for since, offset in reversed(self.steps) if since <= real)

    def reals(self, told: float) -> list[float]:
        """When it came to this: more than once where it was set back since, and as it was set forward past it."""
        spans = self._spans()
        come = [told - offset for since, until, offset in spans if since <= told - offset < until]
        passed = [
            since for (_, _, before), (since, _, after) in pairwise(spans) if since + before <= told < since + after
        ]
        return sorted([*come, *passed])

    def told(self, since: float, until: float) -> list[tuple[float, float]]:
        """What it told in a real span, in spans of its own."""
        parts = [(max(a, since) + offset, min(b, until) + offset) for a, b, offset in self._spans()]
        return [(a, b) for a, b in parts if a < b]

    def set_back(self, since: float) -> float:
        """By how many seconds since a real moment."""
        pairs = pairwise(self.steps)
        return sum(max(before - after, 0.0) for (_, before), (moment, after) in pairs if moment >= since)

    def _spans(self) -> list[tuple[float, float, float]]:
        ends = [since for since, _ in self.steps[1:]]
        return [
            (since, until, offset) for (since, offset), until in zip(self.steps, [*ends, float("inf")], strict=True)
        ]

    @property
    def _file(self) -> Path:
        return self.folder / "offset"

    @property
    def _library(self) -> Path:
        return self.folder / "clock.so"
