"""A clock that is set: which real moments are those that it tells."""

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.commands import ran
from tests.explorer.clock import Clock, is_available

ASKED = """
import os, sys, time
time.sleep(0.01)
print(time.time(), *(os.stat(path).st_mtime for path in sys.argv[1:]))
"""


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """At 1,000 it is set ten minutes forward, at 1,100 two minutes back: to before what it was set to then."""
    return Clock(folder=tmp_path / "none", steps=[(0.0, 0.0), (1000.0, 600.0), (1100.0, 480.0)])


@pytest.mark.parametrize(("real", "told"), [(999, 999), (1000, 1600), (1099, 1699), (1100, 1580), (1200, 1680)])
def test_it_tells_what_it_was_set_to(clock: Clock, real: float, told: float) -> None:
    assert clock.at(real) == told


@pytest.mark.parametrize(
    ("told", "reals"),
    [(900, [900]), (1300, [1000]), (1590, [1000, 1110]), (1650, [1050, 1170]), (1710, [1230])],
)
def test_a_moment_may_be_twice_or_be_skipped(clock: Clock, told: float, reals: list[float]) -> None:
    assert clock.reals(told) == reals


def test_a_real_span_is_told_in_parts(clock: Clock) -> None:
    assert clock.told(990, 1150) == [(990, 1000), (1600, 1700), (1580, 1630)]


def test_only_what_is_set_back_counts_as_such(clock: Clock) -> None:
    assert (clock.set_back(900), clock.set_back(1101)) == (120.0, 0.0)


@pytest.mark.skipif(not is_available(), reason="takes root and a C compiler")
@pytest.mark.parametrize("seconds", [-20.5, 3600.0])
def test_a_program_is_told_what_was_set(tmp_path: Path, seconds: float) -> None:
    # The run's own folder may be in /dev, which a clock refuses.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        _told(Clock(folder=Path(folder) / "clock"), tmp_path / "old", tmp_path / "new", seconds)


def test_a_clock_in_dev_is_refused() -> None:
    with pytest.raises(ValueError, match="the roots have a /dev of their own"):
        Clock(folder=Path("/dev/shm/clock")).make()


def _told(clock: Clock, old: Path, new: Path, seconds: float) -> None:
    clock.make()
    old.touch()
    clock.step(seconds)
    # The kernel stamps a file with the time of its last tick.
    time.sleep(0.02)
    new.touch()
    argv = [sys.executable, "-c", ASKED, str(old), str(new)]
    told = ran(argv, env={**os.environ, **clock.variables}, check=True).stdout.split()
    assert [float(word) - time.time() for word in told] == pytest.approx([seconds, 0, seconds], abs=5)
