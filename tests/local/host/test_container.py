"""The database in a container: when it is chosen, its first process, and a stack brought up in it.

No engine is needed: where one would run the container, a stand-in does (engine_stand_in.py).
"""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.common.errors import LocalError
from local.common.parts import PARTS
from local.common.ports import Ports
from local.common.state import State
from local.host import container, database, namespace
from local.host.container import Container
from local.host.runtime import HostRuntime, Namespaces
from local.processes.stack import Stack
from local.stack.running import down
from local.stack.up import up
from local.stack.verify import verify
from plan.model import Plan
from plan.record import record

pytestmark = pytest.mark.random_order(disabled=True)

ROOT = Path(__file__).resolve().parents[3]
HERE = os.uname().nodename


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a shell script in docker's place, and no other programs."""
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()

    def write(script: str) -> None:
        program = tmp_path / "programs" / "docker"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return write


def answers(*, compose: str = "echo v2", info: str = f"echo {HERE} [name=seccomp]") -> str:
    return f'case "$1" in compose) {compose} ;; info) {info} ;; esac'


def test_an_engine_of_this_machine_with_compose_has_no_faults(docker: Callable[[str], None]) -> None:
    docker(answers())
    assert container.faults() == []


def test_a_container_without_docker_is_refused(docker: Callable[[str], None]) -> None:
    assert container.faults() == ["docker: not found; install a container engine with Compose"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"compose": "exit 1"}, "docker compose: not found"),
        ({"info": "exit 1"}, "docker: its engine does not answer"),
        ({"info": "true"}, "docker: its engine does not answer"),
        ({"info": "echo docker-desktop []"}, "docker: its engine runs on docker-desktop"),
        ({"info": f"echo {HERE} [name=seccomp name=rootless]"}, "docker: its engine runs rootless"),
    ],
)
def test_an_engine_that_can_not_run_the_container_is_refused(
    changes: dict[str, str], fault: str, docker: Callable[[str], None]
) -> None:
    docker(answers(**changes))
    (found,) = container.faults()
    assert found.startswith(fault)


def test_all_faults_of_the_container_are_listed_at_once(docker: Callable[[str], None]) -> None:
    docker(answers(compose="exit 1", info="exit 1"))
    assert len(container.faults()) == 2


def refuse(monkeypatch: pytest.MonkeyPatch, *, namespaces: bool = False, containers: bool = False) -> None:
    monkeypatch.setattr(namespace, "faults", lambda: ["no namespaces"] if namespaces else [])
    monkeypatch.setattr(container, "faults", lambda: ["no container"] if containers else [])


@pytest.fixture
def stack(state: State, free_ports: Ports) -> Stack:
    return Stack(project=ROOT, state=state, ports=free_ports)


@pytest.mark.parametrize(("namespaces", "kind"), [(False, Namespaces), (True, Container)])
def test_a_container_is_taken_where_namespaces_are_refused(
    namespaces: bool, kind: type[HostRuntime], stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, namespaces=namespaces)
    assert isinstance(database.choose(stack), kind)


def test_faults_of_namespaces_and_container_are_both_listed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, namespaces=True, containers=True)
    with pytest.raises(LocalError, match=r"^no namespaces\nno container$"):
        database.choose(stack)


def test_a_stack_made_in_a_container_stays_in_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch)
    (stack.state.folder / "container").touch()
    assert isinstance(database.choose(stack), Container)
    refuse(monkeypatch, containers=True)
    with pytest.raises(LocalError, match=r"^no container$"):
        database.choose(stack)


def test_the_container_is_recreated_for_what_host_says_and_not_for_pythons_caches(
    state: State, free_ports: Ports, tmp_path: Path
) -> None:
    for path in (tmp_path / "compose.yaml", tmp_path / "Dockerfile", state.host_file, state.tls / "objects-ca.crt"):
        path.touch()
    made = Container(Stack(project=tmp_path, state=state, ports=free_ports))
    before = made.postgres.fingerprint
    (tmp_path / "host/__pycache__").mkdir(parents=True)
    (tmp_path / "host/__pycache__/apply.pyc").touch()
    assert made.postgres.fingerprint == before
    (tmp_path / "host/apply.py").touch()
    assert made.postgres.fingerprint != before


@pytest.fixture
def first_process(
    namespaced: Callable[[Sequence[str]], list[str]],
) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Runs lines of Python as the first process of a container; `programs` is there."""
    # SIGINT is ignored as in what a shell starts in the background.
    opening = """
import signal
from host.container import Programs, EndError
signal.signal(signal.SIGINT, signal.SIG_IGN)
programs = Programs()
"""
    started = []

    def start(lines: str) -> subprocess.Popen[str]:
        command = namespaced([sys.executable, "-c", opening + lines])
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_containers_first_process_takes_note_of_orphans(
    first_process: Callable[[str], subprocess.Popen[str]],
) -> None:
    process = first_process("""
import os
print(programs.finish("parent", ["sh", "-c", "sleep 0.2 & exit 3"]))
programs.wait(5)
try: os.waitpid(-1, os.WNOHANG)
except ChildProcessError: print("none left")
""")
    assert process.communicate(timeout=10)[0].split("\n")[:2] == ["3", "none left"]


SERVICE_LINES = """
script = "trap 'echo {0} told; exit' INT; echo {0} ready; while :; do sleep 0.02; done"
try:
    programs.start("postgres", ["sh", "-c", script.format("postgres")])
    programs.start("pooler", ["sh", "-c", %r])
    while True: programs.wait()
except EndError as error:
    programs.end()
    print(error, error.code, flush=True)
"""


def test_the_container_hands_a_stop_signal_on_as_a_fast_shutdown(
    first_process: Callable[[str], subprocess.Popen[str]],
) -> None:
    process = first_process(SERVICE_LINES % "exec sleep 100")
    assert process.stdout
    assert process.stdout.readline() == "postgres ready\n"
    (child,) = psutil.Process(process.pid).children()
    child.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10)[0] == "postgres told\nSIGTERM: shutting down 0\n"


def test_the_container_ends_when_a_service_does(first_process: Callable[[str], subprocess.Popen[str]]) -> None:
    process = first_process(SERVICE_LINES % "sleep 0.3; exit 7")
    said = process.communicate(timeout=10)[0]
    assert said == "postgres ready\npostgres told\npooler: ended by itself, exit code 7 1\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a stand-in engine, on a machine that refuses namespaces."""
    if namespace.faults():
        pytest.skip("the stand-in for an engine needs namespaces")
    folder = tmp_path_factory.mktemp("engine")
    program = folder / "docker"
    script = shlex.join([sys.executable, "-P", str(Path(__file__).with_name("engine_stand_in.py"))])
    program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {script} "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        patch.setenv("DOCKER_CONFIG", str(folder))
        patch.setattr(namespace, "faults", lambda: ["namespaces: refused here"])
        yield folder


@pytest.fixture(scope="module")
def plan() -> Plan:
    return record("dev")


@pytest.fixture(scope="module")
def contained(engine: Path, plan: Plan, tmp_path_factory: pytest.TempPathFactory, free_ports: Ports) -> Iterator[Stack]:
    """A running stack whose database is in a container."""
    made = Stack(project=ROOT, state=State(tmp_path_factory.mktemp("contained") / "state"), ports=free_ports)
    try:
        up(made, plan, quiet, quiet)
        yield made
    finally:
        if made.state.exists:
            down(made, quiet, is_final=True)


def calls(engine: Path, word: str) -> list[str]:
    return [line for line in (engine / "calls").read_text().splitlines() if word in line.split()]


def pid_of(stack: Stack, program: str) -> int:
    return next(
        one.pid for one in map(psutil.Process, database.runtime(stack).pids()) if one.cmdline()[:1] == [program]
    )


@pytest.mark.local
@pytest.mark.slow
def test_a_stack_in_a_container_is_verified(contained: Stack) -> None:
    result = verify(contained, 20)
    assert result.is_passed, result
    alone = {part.name for part in PARTS if part.is_available} - {"postgres", "pooler"}
    assert contained.supervisor.status().keys() == {"database", *alone}


@pytest.mark.local
@pytest.mark.slow
def test_a_second_up_in_a_container_changes_nothing(contained: Stack, plan: Plan, engine: Path) -> None:
    before, builds = database.runtime(contained).pids(), calls(engine, "build")
    assert up(contained, plan, quiet, quiet) == []
    assert pid_of(contained, "/usr/sbin/pgbouncer") in before
    assert calls(engine, "build") == builds


@pytest.mark.local
@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    ["/usr/lib/postgresql/17/bin/postgres", pytest.param("/usr/sbin/pgbouncer", marks=pytest.mark.soak)],
)
def test_a_service_killed_in_a_container_is_seen_and_healed(
    program: str, contained: Stack, plan: Plan, eventually: Callable[..., None]
) -> None:
    os.kill(pid_of(contained, program), signal.SIGKILL)
    eventually(lambda: contained.supervisor.status()["database"].exit_code == 1)
    assert "postgres" in up(contained, plan, quiet, quiet)
    assert verify(contained, 20).is_passed


@pytest.mark.local
@pytest.mark.slow
def test_a_container_that_outlived_its_part_is_replaced(contained: Stack, plan: Plan) -> None:
    before = pid_of(contained, "/usr/sbin/pgbouncer")
    part = contained.supervisor.status()["database"]
    assert part.pid
    os.kill(part.pid, signal.SIGKILL)
    assert psutil.pid_exists(before)
    assert "postgres" in up(contained, plan, quiet, quiet)
    assert pid_of(contained, "/usr/sbin/pgbouncer") != before


@pytest.mark.local
@pytest.mark.slow
def test_down_stops_the_container_and_in_the_end_removes_it(
    contained: Stack, plan: Plan, engine: Path, eventually: Any
) -> None:
    pids = database.runtime(contained).pids()
    down(contained, quiet, is_final=False)
    eventually(lambda: not any(map(psutil.pid_exists, pids)))
    assert "database system is shut down" in (contained.state.logs / "database.log").read_text()
    assert (engine / "root").exists()
    up(contained, plan, quiet, quiet)
    down(contained, quiet, is_final=True)
    assert calls(engine, "down")[-1].endswith("down --volumes --rmi all")
    assert not contained.state.folder.exists()
