"""The supervisord process of one state folder, found again from outside its namespaces."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from local.common import logs
from local.common.errors import LocalError
from local.common.state import State
from local.processes import processes
from local.processes.processes import Identity
from local.processes.supervisor_client import LONGEST_PATH, SupervisorClient

START_SECONDS = 15
Launch = Callable[[Sequence[str]], list[str]]


class Daemon:
    """Starts it, and knows it by number and start time."""

    def __init__(self, state: State, client: SupervisorClient) -> None:
        self._state = state
        self._client = client
        self._identity_file = state.supervisor / "process.json"
        self._log = state.logs / "launch.log"

    @property
    def pid(self) -> int | None:
        """Its number in our own PID namespace; None when it is gone."""
        data = self._state.read_json(self._identity_file, can_be_remade=True)
        if isinstance(data, dict) and Identity(data.get("pid", 0), data.get("started", "")).is_alive:
            return int(data["pid"])
        return self._client.peer()

    def start(self, launch: Launch, configuration: Path) -> None:
        """Start it in a session of its own and wait until it answers; LocalError with its words when it does not."""
        self._refuse_long_path()
        launcher = self._spawn(launch, configuration)
        deadline = time.monotonic() + START_SECONDS
        while not self._client.answers():
            if launcher.returncode is not None or time.monotonic() > deadline:
                words = " ".join(logs.tail(self._log, 5)) or f"no answer after {START_SECONDS} s"
                raise LocalError(f"supervisord: can't be started: {words}")
            time.sleep(0.02)

    def remember(self) -> None:
        """Write down which process answers."""
        pid = self._client.peer()
        identity = Identity.of(pid) if pid else None
        if identity is None:
            raise LocalError("supervisord: ended right after its start; see supervisord.log")
        self._state.write_json(self._identity_file, {"pid": identity.pid, "started": identity.started})

    def forget(self) -> None:
        for path in (self._client.path, self._identity_file):
            path.unlink(missing_ok=True)

    def _refuse_long_path(self) -> None:
        if len(os.fsencode(self._client.path)) > LONGEST_PATH:
            raise LocalError(
                f"{self._client.path}: longer than a unix socket's path may be ({LONGEST_PATH} bytes); "
                "name a shorter state folder in HYBRID_STATE"
            )

    def _spawn(self, launch: Launch, configuration: Path) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
        with self._log.open("wb") as log:
            launcher = subprocess.Popen(
                launch(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._state.folder,
                env=self._environment(),
                start_new_session=True,
            )
        # It outlives this command; should it end first, nobody else would collect its exit code.
        threading.Thread(target=launcher.wait, daemon=True).start()
        return launcher

    def _environment(self) -> dict[str, str]:
        """Little of the caller's: no credentials, no proxies, and parts that do not depend on who runs `up`."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
        return {**kept, "LANG": "C.UTF-8", processes.STACK: str(self._state.folder)}
