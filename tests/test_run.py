"""A run of the tests that is ended half-way leaves nothing: no process, no mount, no folder, however it is ended."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.common.ports import Ports
from local.host import namespace
from tests.commands import ran
from tests.run import leftovers, plugin
from tests.run.ports import claim
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[1]
# Each test makes a process that outlives its parent, and a file; nothing ends the process but the run's own end.
INNER = """
import subprocess, time, pytest

@pytest.mark.parametrize("number", range(2))
def test_it(number, tmp_path, tmp_path_factory):
    subprocess.run(["setsid", "--fork", "sleep", "1000"], check=True)
    (tmp_path_factory.getbasetemp().parent / f"ready-{number}").touch()
    time.sleep(SECONDS)
"""
# It gets next to nothing of an environment.
OF_A_LOCAL_STACK = f"""
from local.processes.supervisor import Daemon
from local.common.state import State
{INNER.replace("check=True", 'check=True, env=Daemon(State(tmp_path / "state"), None)._environment()')}"""


class InnerRun:
    """Pytest with two workers, in a temporary folder of its own."""

    def __init__(
        self, folder: Path, seconds: float, text: str = INNER, distribution: str = "load", **variables: str
    ) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        test = folder / "test_inner.py"
        test.write_text(text.replace("SECONDS", str(seconds)))
        options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), "-p", "tests.run.plugin"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, "-n2", f"--dist={distribution}", str(test)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(self.temporary), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def folder(self) -> Path:
        """Its own, once both tests are under way."""
        until(lambda: len([*self.temporary.glob("hybrid-*/t/ready-*")]) == 2)
        (found,) = self.temporary.glob("hybrid-*")
        return found

    def is_gone(self) -> bool:
        return not [*self.temporary.iterdir()]

    def end(self) -> str:
        """What it printed."""
        return self.process.communicate(timeout=120)[0]


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[InnerRun]:
    made = InnerRun(tmp_path, 1000)
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_run_that_is_ended_leaves_nothing(inner: InnerRun, number: signal.Signals) -> None:
    folder = inner.folder()
    started = leftovers.processes(folder)
    assert [process for process in started if "sleep" in process.cmdline()]
    os.kill(inner.process.pid, number)
    inner.end()
    # After kill -9 the watchdog does it.
    until(inner.is_gone)
    assert leftovers.processes(folder) == []
    assert not [process for process in started if process.is_running()]


def test_what_is_left_of_a_run_whose_watchdog_was_killed_too_goes_with_the_next(
    inner: InnerRun, tmp_path: Path
) -> None:
    folder = inner.folder()
    started = leftovers.processes(folder)
    (watchdog,) = (one for one in psutil.Process(inner.process.pid).children() if "tests.run.watchdog" in one.cmdline())
    watchdog.kill()
    inner.process.kill()
    inner.end()
    (tmp_path / "next").mkdir()
    after = InnerRun(tmp_path / "next", 0, GROUPED, TMPDIR=str(inner.temporary))
    assert "8 passed" in after.end()
    until(inner.is_gone)
    assert not [process for process in started if process.is_running()]


@pytest.mark.parametrize("text", [INNER, OF_A_LOCAL_STACK], ids=["process", "local-stack"])
def test_a_run_names_what_its_tests_left_and_fails(tmp_path: Path, text: str) -> None:
    inner = InnerRun(tmp_path, 0, text)
    output = inner.end()
    assert inner.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert "2 passed" in output
    assert output.count(": sleep 1000") == 2
    assert inner.is_gone()


MOUNTED = """
import subprocess, time

def test_it(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "left", tmp_path], check=True)
    with (tmp_path.parent / "disk.img").open("wb") as image:
        image.truncate(2**20)
    subprocess.run(["losetup", "--find", tmp_path.parent / "disk.img"], check=True)
"""


def test_a_mount_and_a_device_that_are_left_are_named_and_ended(tmp_path: Path) -> None:
    if os.geteuid() or subprocess.run(["losetup", "--find"], capture_output=True, check=False).returncode:
        pytest.skip("needs root and a loop device")
    inner = InnerRun(tmp_path, 0, MOUNTED)
    output = inner.end()
    assert inner.process.returncode == pytest.ExitCode.TESTS_FAILED
    assert f"mount {inner.temporary}/hybrid-" in output
    assert "loop device /dev/loop" in output
    assert inner.is_gone()
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_two_runs_side_by_side_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first, second = InnerRun(tmp_path / "1", 1000), InnerRun(tmp_path / "2", 1)
    try:
        folder = first.folder()
        second.end()
        # What ends with the one leaves the other's alone.
        assert [process for process in leftovers.processes(folder) if "sleep" in process.cmdline()]
    finally:
        os.kill(first.process.pid, signal.SIGTERM)
        first.end()
    until(first.is_gone)
    assert second.is_gone()


def test_a_make_waits_for_another_and_ends_with_sigterm(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    with (tmp_path / "Makefile").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        make = subprocess.Popen(["make", "check"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        assert make.stderr
        # Before it are the words of what does not find the project's files in the copy.
        assert "waiting for another make that sets up this clone\n" in iter(make.stderr.readline, "")
        below = psutil.Process(make.pid).children(recursive=True)
        make.terminate()
        make.communicate(timeout=60)
        assert below
        psutil.wait_procs(below, timeout=10)
        assert not [process for process in below if process.is_running()]


GROUPED = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("group", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("one", "two")])
def test_it(group, number):
    with (pathlib.Path(__file__).parent / group).open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
"""


def test_a_group_stays_with_one_worker(tmp_path: Path) -> None:
    inner = InnerRun(tmp_path, 0, text=GROUPED, distribution="loadgroup")
    assert "8 passed" in inner.end()
    for group in ("one", "two"):
        assert len(set((tmp_path / group).read_text().split())) == 1


HANGING = """
import pytest, time

@pytest.mark.parametrize("number", range(6))
@pytest.mark.timeout(2)
def test_it(number):
    time.sleep(1000 * (number == 2))
"""


def test_a_hang_costs_one_test(tmp_path: Path) -> None:
    inner = InnerRun(tmp_path, 0, text=HANGING)
    output = inner.end()
    assert "1 failed, 5 passed" in output
    assert "Timeout (>2.0s)" in output
    assert inner.is_gone()


def test_a_test_that_goes_on_after_its_time_is_told_so_again() -> None:
    left, again = signal.getitimer(signal.ITIMER_REAL)
    assert left > 0
    assert again == plugin.AGAIN_SECONDS


@pytest.mark.parametrize("folder", plugin.FIRST)
def test_what_is_begun_first_is_a_folder_of_tests(folder: str) -> None:
    assert [*(ROOT / "tests" / folder).glob("test_*.py")]


@pytest.mark.parametrize(
    ("folder", "code"), [("tests/host", pytest.ExitCode.USAGE_ERROR), ("tests/scripts", pytest.ExitCode.OK)]
)
def test_a_disk_without_room_is_named_before_anything_is_made(tmp_path: Path, folder: str, code: int) -> None:
    """Where room is needed; and nothing is left there."""
    if namespace.faults():
        pytest.skip("no namespaces, so no small disk")
    mounted = 'mount -t tmpfs -o size=64m tmpfs "$TMPDIR" && "$@"; code=$?; ls -A "$TMPDIR" | wc -l >&2; exit $code'
    argv = ["sh", "-c", mounted, "sh", sys.executable, "-m", "pytest", "--collect-only", "-q", folder]
    collected = ran(namespace.throwaway(argv), env={**os.environ, "TMPDIR": str(tmp_path)})
    assert collected.returncode == code, collected.stdout + collected.stderr
    says = f"{tmp_path}: 0.1 GB are free, and the tests need 12; free some, or name another folder in TMPDIR"
    assert (says in collected.stderr) == (code == pytest.ExitCode.USAGE_ERROR)
    assert collected.stderr.splitlines()[-1] == "0"


def test_two_claims_are_never_the_same_ports() -> None:
    claimed = [claim().first for _ in range(20)]
    assert len(set(claimed)) == 20
    assert all(first % 10 == 0 and isinstance(Ports(first), Ports) for first in claimed)
    program = f"from tests.run.ports import _is_claimed; print(_is_claimed({claimed[0]}))"
    other = ran([sys.executable, "-c", program], check=True)
    assert other.stdout == "False\n"
