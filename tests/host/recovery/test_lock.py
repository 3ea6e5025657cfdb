"""One act at a time, and what others are told of it."""

import os
from pathlib import Path

import pytest

from host.recovery.lock import BusyError, alone, running
from tests.host.recovery.machine import machine


def test_who_asks_is_told_what_runs(tmp_path: Path) -> None:
    made = machine(tmp_path)
    assert running(made) is None
    with alone(made, "drill"):
        assert str(running(made)).startswith(f"drill (process {os.getpid()}) has been running since ")
    assert running(made) is None


def test_a_second_act_is_refused(tmp_path: Path) -> None:
    made = machine(tmp_path)
    with alone(made, "drill"), pytest.raises(BusyError, match=r"^restore: drill \(process "), alone(made, "restore"):
        pytest.fail("it went on")
