"""An interruption ends all that recording and the gate started, without a word."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from plan.project import ROOT
from scripts import __main__ as entry
from tests.commands import ran

STUBBORN = """
import os, pathlib, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
pathlib.Path("pid").write_text(f"{os.getpid()}\\n")
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
"""
RECORD = "import sys; from pathlib import Path; from plan.record import record; record('dev', Path(sys.argv[1]))"
WAIT_SECONDS = 120


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known, so that there is something to interrupt."""
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path_factory.mktemp("cache")))


@contextlib.contextmanager
def started(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """A process that can be interrupted, also where the tests can't: a shell's `&` has all below it ignore SIGINT."""
    # Set before it is started: what the process itself sets comes too late for an interruption at once.
    with interruption(signal.default_int_handler), in_session(*argv) as process:
        yield process


@contextlib.contextmanager
def started_in_background(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """Starts it as a shell's `&` does: SIGINT is ignored from the first moment on."""
    with interruption(signal.SIG_IGN), in_session(*argv) as process:
        yield process


@contextlib.contextmanager
def interruption(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def in_session(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        # Whoever is left would hold the pipes open, and be waited for.
        for pid in of_session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def of_session(session: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            # PID (NAME) STATE PPID PGRP SESSION
            state, _, _, owner = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
            if int(owner) == session and state != "Z":
                found.append(pid)
    return found


def eventually(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := is_so()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def of_session_at(session: int, part: str) -> list[int]:
    """Those that have this in their command line."""
    found = []
    for pid in of_session(session):
        with contextlib.suppress(OSError):
            if part in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                found.append(pid)
    return found


RECORDER, PACKS = "-m plan.recorder", "policies/"


class PacksAsked:
    """The recorder was there, and is no longer; the packs are."""

    def __init__(self) -> None:
        self.has_recorded = False

    def __call__(self, session: int) -> bool:
        is_recording = bool(of_session_at(session, RECORDER))
        self.has_recorded |= is_recording
        return self.has_recorded and not is_recording and bool(of_session_at(session, PACKS))


MOMENTS: dict[str, Callable[[int], bool]] = {
    "at once": lambda _: True,
    "recording": lambda session: bool(of_session_at(session, RECORDER)),
    "packs starting": lambda session: bool(of_session_at(session, PACKS)),
    "packs asked": PacksAsked(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_gate_says_nothing_and_leaves_nobody(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for attempt in range(3):
        # Nothing is known of the stacks from another time.
        monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / str(attempt)))
        with started("./hybrid", "gate", "dev", "prod") as process:
            assert eventually(lambda: MOMENTS[moment](process.pid) or process.poll() is not None)
            if process.poll() is not None:
                # This test was kept from running for so long that the moment went by.
                continue
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT_SECONDS)
            # Before Python the signal itself ends the process, which is 130 to a shell.
            assert (process.returncode, errors) in ((130, ""), (-signal.SIGINT, ""))
            assert eventually(lambda: of_session(process.pid) == [])
            return
    pytest.fail(f"{moment}: never met")


@pytest.mark.parametrize("milliseconds", range(0, 120, 12))
def test_an_interruption_of_the_start_says_nothing(milliseconds: int) -> None:
    with started("./hybrid", "preview", "dev") as process:
        time.sleep(milliseconds / 1000)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        assert (process.returncode, errors) in ((130, ""), (-signal.SIGINT, ""))


def test_an_interruption_before_a_command_runs_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.main.get_command", interrupted)
    assert entry.main() == 130


def test_a_gate_in_the_background_is_not_interrupted() -> None:
    with started_in_background("./hybrid", "gate", "dev") as process:
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.1)
        out, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
        assert out.startswith("dev: passed")


def test_a_recorder_whose_caller_has_ended_before_it_looks_records_nothing(program: Callable[..., Path]) -> None:
    folder = program('import pathlib; pathlib.Path("ran").touch()')
    task = {"project": "trial", "stack": "dev", "values": {}, "secret_keys": []}
    # Of another process, as the number is once somebody else has taken this one in.
    order = {"parent": os.getpid() + 1, "folder": str(folder), "seconds": 60, "tasks": [task]}
    answer = ran([sys.executable, "-P", "-m", "plan.recorder"], env={"PYTHONPATH": str(ROOT)}, input=json.dumps(order))
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", "")
    assert not (folder / "ran").exists()


def test_a_recorder_that_is_told_nothing_ends_without_a_word() -> None:
    """Whoever asks may be interrupted between starting it and saying what for."""
    command = [sys.executable, "-P", "-m", "plan.recorder"]
    environment = {"PYTHONPATH": str(ROOT)}
    answer = ran(command, env=environment, input="")
    assert (answer.stdout, answer.stderr) == ("", "")


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_does_not_listen_ends_with_its_recorder(
    program: Callable[..., Path], by: signal.Signals
) -> None:
    folder = program(STUBBORN)
    with started(sys.executable, "-c", RECORD, str(folder)) as process:
        assert eventually(lambda: (folder / "pid").exists() and (folder / "pid").read_text().endswith("\n"))
        assert int((folder / "pid").read_text()) in of_session(process.pid)
        process.send_signal(by)
        process.wait(timeout=WAIT_SECONDS)
        assert eventually(lambda: of_session(process.pid) == [])
