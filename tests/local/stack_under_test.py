"""A project of its own with a local stack, driven by its commands as an operator does."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import certificates, namespace
from local.objects import Objects
from local.state import State
from tests.run.ports import claim

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 60


def until(fact: Callable[[], Any]) -> Any:
    """The fact's first true value."""
    end = time.monotonic() + LIMIT_SECONDS
    while not (value := fact()):
        if time.monotonic() > end:
            raise TimeoutError(f"not so within {LIMIT_SECONDS} s")
        time.sleep(0.02)
    return value


def copy_project(folder: Path) -> Path:
    """The project as it is now, with its environment and packages linked: what it changes stays in the folder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for name in ("apps/worker/dist", "apps/web/dist"):
        shutil.copytree(ROOT / name, folder / name)
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def request(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if content.startswith((b"{", b"[")) else content.decode()


class StackUnderTest:
    def __init__(self, project: Path) -> None:
        self.project = project
        self.first_port = claim().first
        self.state = project / ".state/local"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("HYBRID_STATE")},
            "HYBRID_FIRST_PORT": str(self.first_port),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    def command(self, *words: str) -> list[str]:
        return [str(self.project / "hybrid"), "local", *words]

    def hybrid(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [str(self.project / "hybrid"), *words]
        return subprocess.run(argv, capture_output=True, text=True, env=self.environment, timeout=300)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.hybrid("local", *words)

    def up(self) -> str:
        """What it says; the stack must come up."""
        answer = self.run("up")
        assert answer.returncode == 0, answer.stderr
        return answer.stderr

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command in a process group of its own that Ctrl-C reaches, also where the tests run in the background."""
        return subprocess.Popen(
            ["env", "--default-signal=INT", *self.command(*words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            start_new_session=True,
        )

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").stdout)

    def parts(self) -> dict[str, dict[str, Any]]:
        return {part["name"]: part for part in self.json("status")["parts"]}

    def host(self) -> dict[str, Any]:
        """The specification of the database's host."""
        found: dict[str, Any] = json.loads((self.state / "host.json").read_text())
        return found

    def store(self) -> Objects:
        state = State(self.state)
        return Objects(state=state, port=self.first_port + 4, tls=certificates.ensure(state)[0])

    def backups(self) -> list[str]:
        """Labels, as pgBackRest finds them."""
        stanza = self.host()["backup"]["stanza"]
        answer = self.run("exec", "--", "pgbackrest", f"--stanza={stanza}", "info", "--output=json")
        return [found["label"] for found in json.loads(answer.stdout)[0]["backup"]]

    def processes(self) -> list[psutil.Process]:
        """Everything of this stack, found by what only it has on its command lines or in its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [*process.cmdline(), *process.environ().values(), process.cwd()]
            except (psutil.Error, OSError):
                continue
            if process.pid != os.getpid() and any(str(self.state) in word for word in words):
                found.append(process)
        return found

    def mounts(self) -> list[str]:
        return [line for line in Path("/proc/mounts").read_text().splitlines() if str(self.project) in line]

    def listens(self) -> list[int]:
        """Ports of this stack on which somebody listens."""
        open_ports = []
        for port in range(self.first_port, self.first_port + 10):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    open_ports.append(port)
        return open_ports


@contextmanager
def running_stack(folder: Path) -> Iterator[StackUnderTest]:
    """Of a copy of the project in the folder. Skips where there can be none; at the end nothing of it runs."""
    if namespace.faults():
        pytest.skip(f"no local stack here: {'; '.join(namespace.faults())}")
    made = StackUnderTest(copy_project(folder))
    try:
        made.up()
        yield made
    finally:
        made.run("down", "--remove")
    assert made.processes() == []


def add_entry(stack: StackUnderTest, description: str) -> None:
    entry = {"description": description, "amountCents": 1250, "currency": "CAD"}
    assert request(stack.first_port, "POST", "/api/v1/ledger-entries", entry)[0] == 201


def descriptions(stack: StackUnderTest) -> list[str]:
    status, answer = request(stack.first_port, "GET", "/api/v1/ledger-entries?limit=100")
    assert status == 200
    return [entry["description"] for entry in answer["entries"]]
