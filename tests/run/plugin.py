"""Hooks of pytest: a folder for each run, the order of the groups, an end on SIGTERM, and nothing left behind."""

import fcntl
import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil
import pytest
from _pytest.nodeid import NodeId
from xdist.workermanage import NodeManager

from local.host.root_filesystem import spread
from scripts.machine import TEST_GIGABYTES, no_room
from tests.run import leftovers
from tests.run.soak import IS_SOAK
from tests.run.watchdog import ENDED

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("tests/scripts", "tests/bench", "tests/components", "tests/pictures", "tests/edge", "tests/plan")
"""Folders whose tests make no stack and no host."""
PREFIX, LOCK = "hybrid-", "run.lock"
AGAIN_SECONDS = 60
"""Seconds after which a test that goes on past its time is told so again."""
SHARED = "shared_stack"
"""Fixture of the tests that leave a stack as they found it."""
FIRST = ("explorer", "host/recovery", "host", "failover", "local", "backups", "database", "edge", ".")
"""Folders whose tests wait most for others: begun first, so that what only computes fills the gaps."""


MEMORY = Path("/dev/shm")
"""A file system in memory: with it the same tests took 0.7 of the processor's time."""
MEMORY_GIGABYTES = TEST_GIGABYTES + 4
"""What must be free: what the tests write, and what they run."""


def parent_folder() -> Path:
    """Where a run's folder is made: in memory, where there is enough of it and programs may run from there.

    What was written outlives kill -9 there too. The soak stays on the disk, and so does who names a folder in TMPDIR.
    """
    disk = Path(tempfile.gettempdir())
    if IS_SOAK or "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return disk
    free = min(psutil.virtual_memory().available, psutil.disk_usage(str(MEMORY)).free)
    forbidden = os.statvfs(MEMORY).f_flag & (os.ST_NOEXEC | os.ST_NOSUID | os.ST_NODEV)
    return disk if forbidden or free < MEMORY_GIGABYTES * 2**30 else MEMORY


class Run:
    """What the controlling process of a run has made."""

    def __init__(self, parent: Path) -> None:
        for folder in {MEMORY, parent}:
            _remove_abandoned(folder)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Whoever of the run lives holds it: this process, and the watchdog.
        lock = (self.folder / "lock.new").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        (self.folder / "lock.new").rename(self.folder / LOCK)
        spread(self.folder)
        self.left: list[str] = []
        os.environ[leftovers.MARK] = str(self.folder)
        # Whatever a program under test puts into the temporary folder, it puts here.
        os.environ["TMPDIR"] = str(self.folder)
        tempfile.tempdir = None
        # Where a container's image sets it, each of the thousands of processes would compile its libraries again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False
        environment = {name: value for name, value in os.environ.items() if value != str(self.folder)}
        self._watchdog = subprocess.Popen(
            [sys.executable, "-m", "tests.run.watchdog", str(self.folder)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
        self._lock = lock

    def end(self) -> None:
        """Looks for what is left, and ends it."""
        self.left = leftovers.end_all(self.folder)
        self._watchdog.communicate(ENDED, timeout=10)
        self._lock.close()


def _remove_abandoned(folder: Path) -> None:
    """Removes what is left of runs that were killed with their watchdogs."""
    for lock in folder.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError), lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            leftovers.end_all(lock.parent)


RUN = pytest.StashKey[Run]()
ENDING = (signal.SIGINT, signal.SIGTERM)
# An interrupted worker has a stack to end; after its own 10 s xdist kills it.
NodeManager.EXIT_TIMEOUT = 60


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: only in `make test-long`; tests/README.md names what stands for it")
    for number in ENDING:
        signal.signal(number, _interrupt)
    if hasattr(config, "workerinput"):
        return
    is_small = config.args and all(str(argument).startswith(SMALL) for argument in config.args)
    parent = parent_folder()
    if not is_small and (fault := no_room(parent)):
        raise pytest.UsageError(fault)
    run = config.stash[RUN] = Run(parent)
    # Short, as all in this path: that of a supervisor's socket may have 99 bytes.
    config.option.basetemp = config.option.basetemp or run.folder / "t"


def _interrupt(number: int, _: FrameType | None) -> None:
    """SIGTERM is as Ctrl-C: fixtures end what they made, and a second signal does not break that off."""
    for other in ENDING:
        signal.signal(other, lambda *_: None)
    raise KeyboardInterrupt(signal.Signals(number).name)


@pytest.fixture(scope="session", autouse=True)
def spread_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    spread(tmp_path_factory.getbasetemp())


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer() -> Generator[None, object, object]:
    """What a test that took too long waits for on its way out, a process in a `with`, may not end either."""
    done = yield
    left, _ = signal.getitimer(signal.ITIMER_REAL)
    if left:
        signal.setitimer(signal.ITIMER_REAL, left, AGAIN_SECONDS)
    return done


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What is collected lives as long as the run: to look through it for garbage took a third of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    # What tests import and keep, the models of AWS above all, was looked through a thousand times.
    gc.set_threshold(100_000)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not IS_SOAK:
        soaked = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=soaked)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    if config.getoption("loadgroup", default=False):
        for item in items:
            # pytest-xdist 3.8 puts it into `_nodeid`, which pytest 9.2 no longer reads.
            item._id = NodeId.parse(f"{item.nodeid}@{_group(item)}")
    items.sort(key=_turn)


def _group(item: pytest.Item) -> str:
    """What shares a stack, a host or a booted machine stays with one worker; by default a file does."""
    if mark := item.get_closest_marker("xdist_group"):
        return str(mark.args[0])
    place = Path(os.path.relpath(item.path, ROOT))
    # Each worker that had such a test would make a stack.
    return f"stack of {place.parts[1]}" if SHARED in getattr(item, "fixturenames", ()) else str(place)


def _turn(item: pytest.Item) -> int:
    tests = ROOT / "tests"
    folder = item.path.parent.relative_to(tests).as_posix() if item.path.is_relative_to(tests) else "."
    return next((turn for turn, first in enumerate(FIRST) if f"{folder}/".startswith(f"{first}/")), len(FIRST))


@pytest.hookimpl(tryfirst=True, specname="pytest_sessionfinish")
def interrupt_workers(session: pytest.Session, exitstatus: int) -> None:
    """Whom only the controlling process's signal has not reached."""
    if RUN in session.config.stash and exitstatus == pytest.ExitCode.INTERRUPTED:
        for child in psutil.Process().children():
            if child.environ().get(leftovers.MARK) and "execnet" in " ".join(child.cmdline()):
                child.terminate()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Runs after the fixtures' own ends, and the workers'."""
    if run := session.config.stash.get(RUN, None):
        run.end()
        if run.left and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run and run.left:
        terminalreporter.section("left behind, and ended now", red=True)
        for line in run.left:
            terminalreporter.line(line)
