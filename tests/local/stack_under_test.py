"""A local stack of a test's own, driven by its commands as an operator does, or by what they call."""

import http.client
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest

from host.common.layout import SOCKETS
from local.common import certificates
from local.common.ports import Ports
from local.common.state import State
from local.host import backups, database, namespace
from local.identity.part import access_token
from local.objects.part import Objects
from local.processes.program import PartState, PartStatus
from local.processes.stack import Stack
from local.stack.running import down, parts_of
from local.stack.traffic import account, bearer
from local.stack.up import Wish, up
from plan.model import Plan
from plan.project import ROOT
from plan.record import record
from tests.commands import in_this_process, ran
from tests.host.running import PROGRAMS
from tests.run.ports import claim
from tests.waiting import until


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


@cache
def declared() -> Plan:
    """The dev stack of this project."""
    return record("dev")


def copy_project(folder: Path) -> Path:
    """The project as it is now, with its environment and packages linked, for a test that changes it."""
    listed = ran(["git", "ls-files", "--cached", "--others", "--exclude-standard"], check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(ROOT / "apps/made", folder / "apps")
    for name in ("apps/worker/dist", "apps/web/dist"):
        shutil.copytree(ROOT / name, folder / name)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def request(port: int, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"content-type": "application/json", **(bearer(token) if token else {})}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content.startswith((b"{", b"[")) else content.decode()


class StackUnderTest:
    """A stack of this project, which its tests leave as it is, or of a copy that one of them changes.

    Its state is where a project has it, unless another folder is named.
    """

    def __init__(self, state: Path | None = None, project: Path = ROOT) -> None:
        self.project, self.state = project, state or project / ".state" / "local"
        self.first_port = claim().first
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "HYBRID_STATE"},
            **({"HYBRID_STATE": str(state)} if state else {}),
            "HYBRID_FIRST_PORT": str(self.first_port),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    @property
    def here(self) -> Stack:
        return Stack(project=self.project, state=State(self.state), ports=Ports(self.first_port))

    def command(self, *arguments: str) -> list[str]:
        return [str(self.project / "hybrid"), "local", *arguments]

    def hybrid(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [str(self.project / "hybrid"), *arguments]
        return ran(argv, env=self.environment)

    def told(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a command as hybrid() does, but in this process."""
        assert self.project == ROOT
        return in_this_process(self.environment, *arguments)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.hybrid("local", *arguments)

    def up(self) -> str:
        """What the command says; the stack must come up."""
        answer = self.run("up")
        assert answer.returncode == 0, answer.stderr
        return answer.stderr

    def bring_up(self, plan: Plan | None = None, wish: Wish | None = None) -> list[str]:
        """What the command does once it has a plan, in this process: half as much work. The steps that changed."""
        # A copy's parts would be this project's afterwards.
        assert self.project == ROOT
        return up(self.here, plan or declared(), quiet, quiet, wish)

    def stop(self) -> None:
        """Stops it as `down` does."""
        down(self.here, quiet, is_final=False)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in a process group of its own that Ctrl-C reaches, also where the tests run in the background."""
        return subprocess.Popen(
            ["env", "--default-signal=INT", *self.command(*arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
        )

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def parts(self) -> dict[str, PartStatus]:
        return parts_of(self.here)

    def pid(self, part: str) -> int:
        found = self.parts()[part].pid
        assert found, part
        return found

    def kill(self, part: str) -> None:
        """Kills a part as a crash would; nothing starts it again but `up`."""
        psutil.Process(self.pid(part)).kill()
        until(lambda: self.parts()[part].state is PartState.EXITED)

    def host(self) -> dict[str, Any]:
        """The specification of the database's host."""
        found: dict[str, Any] = json.loads((self.state / "host.json").read_text())
        return found

    def psql(self, *queries: str, port: int | None = None) -> str:
        """What the host's superuser is answered; `port` is that of a cluster beside the one that serves."""
        postgres = self.host()["postgres"]
        place = ["-h", SOCKETS, "-p", str(port or postgres["port"]), "-d", postgres["database"]]
        arguments = [word for query in queries for word in ("-c", query)]
        argv = [f"{PROGRAMS}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *place, *arguments]
        answer = database.runtime(self.here).in_host(argv)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def store(self) -> Objects:
        state = State(self.state)
        return Objects(state=state, port=self.here.ports.objects, tls=certificates.ensure(state)[0])

    def backups(self) -> list[str]:
        """Labels, as pgBackRest finds them."""
        return [found["label"] for found in backups.backups(self.here, self.host()["backup"]["stanza"])]

    def command_lines(self) -> list[str]:
        """Command lines of its processes, but for those that end meanwhile."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                found.append(" ".join(process.cmdline()))
        return found

    def processes(self) -> list[psutil.Process]:
        """Everything of this stack, found by what only it has on its command lines or in its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                arguments = [*process.cmdline(), *process.environ().values(), process.cwd()]
            except (psutil.Error, OSError):
                continue
            if process.pid != os.getpid() and any(str(self.state) in word for word in arguments):
                found.append(process)
        return found

    def mounts(self) -> list[str]:
        return [line for line in Path("/proc/mounts").read_text().splitlines() if str(self.state) in line]

    def listens(self) -> list[int]:
        """Ports of this stack on which somebody listens."""
        open_ports = []
        for port in self.here.ports.all.values():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    open_ports.append(port)
        return open_ports


def skip_without_stack() -> None:
    if faults := namespace.faults():
        pytest.skip(f"no local stack here: {'; '.join(faults)}", allow_module_level=True)


@contextmanager
def removed(stack: StackUnderTest) -> Iterator[StackUnderTest]:
    """Removes the stack at the end, however far it came."""
    try:
        yield stack
    finally:
        down(stack.here, quiet, is_final=True)
    assert (stack.processes(), stack.state.exists()) == ([], False)


def add_entry(stack: StackUnderTest, description: str) -> None:
    token = access_token(stack.here)
    entry = {"accountId": account(stack.here, token), "description": description, "amountCents": 1250}
    assert request(stack.first_port, "POST", "/api/v1/ledger-entries", entry, token)[0] == 201


def descriptions(stack: StackUnderTest) -> list[str]:
    token = access_token(stack.here)
    status, answer = request(stack.first_port, "GET", "/api/v1/ledger-entries?limit=100", token=token)
    assert status == 200
    return [entry["description"] for entry in answer["entries"]]


def api_config(stack: StackUnderTest) -> dict[str, Any]:
    """What the running edge was given for the API's Worker."""
    config = json.loads((stack.state / "edge/config.json").read_text())
    return next(worker for worker in config["workers"] if worker["name"] == config["direct"]["worker"])
