"""The database in a container, where namespaces are refused: compose.yaml builds and runs it from the same host/."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from host.common.report import Report
from local.common.errors import LocalError
from local.host.runtime import APPLY_SECONDS, report
from local.processes import processes
from local.processes.program import Program, content_hash
from local.processes.stack import Progress, Stack, run

SERVICE = "database"
SPEC = "/etc/hybrid-host.json"
"""Where compose.yaml mounts what host/ is given."""
RECOVERY_PID = "/run/hybrid-recovery.pid"
BUILD_SECONDS = 1800
COMMAND_SECONDS = 120
# What tells the command where its engine is; parts get nothing else of the caller's.
ENGINE_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY")


def faults() -> list[str]:
    """What keeps a container from being run here; [] is fine."""
    if not shutil.which("docker"):
        return ["docker: not found; install a container engine with Compose"]
    found = []
    if _output("compose", "version") is None:
        found.append("docker compose: not found; install the Compose plugin")
    engine = _output("info", "--format", "{{.Name}} {{.SecurityOptions}}")
    if engine is None:
        found.append("docker: its engine does not answer; start it, and see that you may use it")
    elif engine.split()[0] != os.uname().nodename:
        found.append(
            f"docker: its engine runs on {engine.split()[0]}; one is needed that shares this machine's loopback"
        )
    elif "name=rootless" in engine:
        found.append("docker: its engine runs rootless, and so does not share this machine's loopback; use one as root")
    return found


def _output(*arguments: str) -> str | None:
    """What docker prints; None when it fails, prints nothing or hangs."""
    try:
        answer = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


class Container:
    """PostgreSQL and the pooler as one part, which ends with either: host/container.py is its first process."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._mark = stack.state.container_mark
        self._project = f"hybrid-{hashlib.sha256(os.fsencode(stack.state.folder)).hexdigest()[:10]}"
        # As Compose names the first container of a service.
        self._name = f"{self._project}-{SERVICE}-1"
        # It is started last, when the database has been applied to.
        self.ready_port = stack.ports.pooler

    @property
    def is_made(self) -> bool:
        return self._mark.exists()

    @property
    def postgres(self) -> Program:
        """`docker start` hands its SIGTERM on to the container; `docker compose up`, in some versions, does not."""
        files = (self._stack.state.host_file, self._stack.store_ca, self._compose_file)
        return Program(
            name=SERVICE,
            command=("docker", "start", "--attach", self._name),
            environment={name: os.environ[name] for name in ENGINE_VARIABLES if name in os.environ},
            stop_seconds=70,
            contents=(content_hash(*files), self._image_key()),
        )

    @property
    def pooler(self) -> Program:
        return self.postgres

    def faults(self) -> list[str]:
        return faults()

    def ensure_root(self, progress: Progress) -> bool:
        self._stack.state.write(self._mark, "")
        if self._docker("image", "inspect", f"hybrid-database:{self._image_key()}").returncode == 0:
            return False
        progress("building the database's image")
        self._compose("build", "--quiet", seconds=BUILD_SECONDS)
        return True

    def launch(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def prepare(self) -> Report:
        """The container, made again unless it runs: what a killed supervisor left may be of an older specification.

        Its first process applies the files; whatever they are made of is in the part's fingerprint.
        """
        known = self._stack.supervisor.status().get(SERVICE)
        self._compose("create", *([] if known and known.is_running else ["--force-recreate"]))
        return Report()

    def apply(self, stage: str) -> Report:
        command = ["python", "-P", "-m", "host.apply", SPEC, "--root", "/", "--stage", stage]
        return report(stage, self._run("exec", "-T", SERVICE, *command, seconds=APPLY_SECONDS))

    def in_host(self, argv: Sequence[str], *, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return self._run("exec", "-T", "--user", "postgres", SERVICE, *argv, seconds=seconds)

    def permit(self, path: str) -> None:
        answer = self._run("exec", "-T", "--user", "root", SERVICE, "touch", path, seconds=10)
        if answer.returncode:
            raise LocalError(f"{path}: can't be made on the host: {answer.stderr.strip()}")

    def terminal(self, argv: Sequence[str], variables: Sequence[str]) -> list[str]:
        """Variables by name alone: the engine's command line takes their values from its own environment."""
        tty = ["--tty"] if sys.stdin.isatty() else []
        handed = [part for name in variables for part in ("--env", name)]
        return ["docker", "exec", "--interactive", *tty, "--user", "postgres", *handed, self._name, *argv]

    def recovery(self) -> list[str]:
        """Command of the recovery engine. It notes its process id: the container engine's client hands no signal on."""
        noted = ["sh", "-c", 'echo $$ >"$0" && exec env --block-signal=INT "$@"', RECOVERY_PID]
        command = ["python", "-P", "-m", "host.recovery", SPEC, "--root", "/"]
        return ["docker", "exec", "--interactive", self._name, *noted, *command]

    def interrupt_recovery(self, pid: int) -> None:
        # What is noted is an earlier one's number until this one has started.
        runs = f'grep -qs host.recovery "/proc/$(cat {RECOVERY_PID})/cmdline"'
        wait = f"for _ in $(seq 50); do {runs} && break; sleep 0.1; done"
        self._docker("exec", self._name, "sh", "-c", f'{wait}; kill -INT "$(cat {RECOVERY_PID})"')

    def pids(self) -> set[int]:
        """The engine's children, not ours. Its first process is 0 when it does not run."""
        answer = self._docker("inspect", "--format", "{{.State.Pid}}", self._name)
        first = int(answer.stdout) if answer.returncode == 0 else 0
        return {process.pid for process in processes.tree(first)} if first else set()

    def end(self, *, is_final: bool) -> None:
        """Removes the container, even if its part was killed and left it running."""
        if self.is_made:
            self._compose("down", *(["--volumes", "--rmi", "all"] if is_final else []))

    @property
    def _compose_file(self) -> Path:
        return self._stack.project / "compose.yaml"

    def _image_key(self) -> str:
        """Changes with anything that is copied into the image, or says how it is made."""
        copied = (path for folder in ("host", "durable") for path in (self._stack.project / folder).rglob("*"))
        sources = sorted(path for path in copied if path.is_file() and "__pycache__" not in path.parts)
        return content_hash(self._stack.project / "Dockerfile", *sources)[:12]

    def _compose(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> None:
        answer = self._run(*arguments, seconds=seconds)
        if answer.returncode:
            raise LocalError(f"docker compose {arguments[0]}: {' '.join(answer.stderr.split()[-80:])}")

    def _run(self, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
        # compose.yaml leaves these to be filled in, and Compose wants them for every command.
        variables = {
            "HYBRID_IMAGE": self._image_key(),
            "HYBRID_HOST_SPEC": str(self._stack.state.host_file),
            "HYBRID_OBJECTS_CA": str(self._stack.store_ca),
        }
        filled = ["env", *(f"{name}={value}" for name, value in variables.items())]
        options = ["--project-name", self._project, "--file", str(self._compose_file)]
        return run([*filled, "docker", "compose", *options, *arguments], seconds=seconds, folder=self._stack.project)

    def _docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(["docker", *arguments], seconds=COMMAND_SECONDS, folder=self._stack.project)
