"""A state folder, ports and processes of a test's own."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from local.common.ports import Ports
from local.common.state import State
from local.processes.supervisor import Supervisor
from tests.local.object_store.under_test import StoreUnderTest
from tests.local.snapshot import running_stack
from tests.local.stack_under_test import StackUnderTest
from tests.run.ports import claim

Launch = Callable[[Sequence[str]], list[str]]


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state")
    made.prepare()
    return made


@pytest.fixture(scope="session")
def stack(shared_stack: StackUnderTest) -> StackUnderTest:
    return shared_stack


@pytest.fixture(scope="module")
def own_stack(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """A running stack for one file of tests alone, which may do it harm."""
    with running_stack(snapshot, tmp_path_factory.mktemp("stack") / "state") as made:
        yield made


@pytest.fixture
def supervisor(state: State) -> Iterator[Supervisor]:
    made = Supervisor(state)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def namespaced() -> Launch:
    """Puts a PID namespace around a command line."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    prefix = ["unshare", *user, "--mount", "--mount-proc", "--pid", "--fork", "--kill-child", "--"]
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, timeout=10, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")
    return lambda argv: [*prefix, *argv]


@pytest.fixture
def started(supervisor: Supervisor) -> Supervisor:
    supervisor.start(list)
    return supervisor


@pytest.fixture(scope="module")
def running_store(tmp_path_factory: pytest.TempPathFactory, free_ports: Ports) -> Iterator[StoreUnderTest]:
    state = State(tmp_path_factory.mktemp("store") / "state")
    state.prepare()
    supervisor = Supervisor(state)
    try:
        supervisor.start(list)
        yield StoreUnderTest(state, supervisor, free_ports)
    finally:
        supervisor.stop()


@pytest.fixture
def inside(supervisor: Supervisor, namespaced: Launch) -> Supervisor:
    """Started in a PID namespace."""
    supervisor.start(namespaced)
    return supervisor


@pytest.fixture(scope="session")
def free_ports() -> Ports:
    return claim()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Waits until a condition holds, and fails when it does not within the time."""

    def wait(condition: Callable[[], object], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(0.01)

    return wait
