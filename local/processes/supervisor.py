"""The process tree of a local stack: parts under one supervisord, steered from outside its namespaces."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from psutil import Process

from local.common import logs
from local.common.errors import LocalError
from local.common.state import State
from local.processes import part_status, processes
from local.processes.daemon import Daemon, Launch
from local.processes.part import Part
from local.processes.part_status import PartState, PartStatus
from local.processes.processes import Identity
from local.processes.supervisor_client import NotAnsweringError, RefusedError, SupervisorClient
from local.processes.supervisor_files import START_PART, SupervisorFiles

EXEC_SECONDS = 5
STOP_MARGIN_SECONDS = 10
# Some are written for every start and end of a part.
DAEMON_LINES = 500


class Outcome(StrEnum):
    """What `ensure` did."""

    STARTED = "started"
    UNCHANGED = "unchanged"
    RESTARTED = "restarted"


class Supervisor:
    """The parts of one state folder. Only one command at a time may change them (`lock.hold`)."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._files = SupervisorFiles(state)
        self._client = SupervisorClient(self._files.socket)
        self._daemon = Daemon(state, self._client)

    @property
    def pid(self) -> int | None:
        """supervisord's number in our own PID namespace; None when it is gone."""
        return self._daemon.pid

    def pids(self) -> set[int]:
        """Every process of the tree, supervisord's own included."""
        return {process.pid for process in self._tree()}

    def is_running(self) -> bool:
        return self._client.answers()

    def start(self, launch: Launch) -> None:
        """Start supervisord, once; what a dead one left is ended first. No part is started.

        `launch` puts namespaces around a command line.
        """
        if not self.is_running():
            self.stop()
            self._files.clear()
            try:
                self._daemon.start(launch, self._files.configuration)
            except LocalError:
                self.stop()
                raise
        self._daemon.remember()

    def stop(self) -> None:
        """End the parts, last started first, then supervisord, then whatever is left of them."""
        found = self._tree()
        pid = self.pid
        if pid:
            self._stop_in_order(pid)
        left = processes.end({*found, *processes.marked(self.state.folder)})
        if left:
            raise LocalError(f"processes {', '.join(str(process.pid) for process in left)}: can't be ended")
        self._daemon.forget()

    def ensure(self, part: Part) -> Outcome:
        """Have the part run as described; others stay as they are."""
        before = self._info(part.name)
        self._files.write(part)
        ((added, changed, _),) = self._client.call("reloadConfig")
        was_running = before is not None and before["statename"] == "RUNNING"
        if was_running and part.name not in changed:
            return Outcome.UNCHANGED
        if part.name in changed:
            self._halt(part.name)
            self._client.call("removeProcessGroup", part.name)
        if part.name in {*added, *changed}:
            self._client.call("addProcessGroup", part.name)
        self._start(part.name)
        return Outcome.RESTARTED if was_running else Outcome.STARTED

    def wait_ready(self, name: str, is_ready: Callable[[], bool], seconds: float = 30) -> None:
        """Return when is_ready does; LocalError with the last log lines when the part ends first, or takes longer."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            info = self._known(name)
            if info["statename"] != "RUNNING":
                end = part_status.ended(part_status.exit_code(info, self._daemon_log()))
                raise LocalError(f"{name}: ended ({end}){self._last_lines(name)}")
            if time.monotonic() > deadline:
                raise LocalError(f"{name}: not ready after {seconds:g} s{self._last_lines(name)}")
            time.sleep(0.03)

    def restart(self, name: str) -> None:
        self._halt(name)
        self._start(name)

    def halt(self, name: str) -> bool:
        """Have the part not run, if there is one of that name; whether it did."""
        info = self._info(name)
        if info is None or info["statename"] not in ("STARTING", "RUNNING"):
            return False
        self._halt(name)
        return True

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the part's own process; LocalError when it does not run."""
        if self._known(name)["statename"] != "RUNNING":
            raise LocalError(f"{name}: does not run, so it can't be sent {number.name}; run `make up`")
        self._client.call("signalProcess", name, number.name.removeprefix("SIG"))

    def status(self) -> dict[str, PartStatus]:
        """Every part by name, in start order; all stopped when supervisord is gone."""
        names, pid = self._files.names(), self.pid
        if pid is None or not self.is_running():
            return {name: PartStatus(name=name, state=PartState.STOPPED, log=self._log(name)) for name in names}
        outer = processes.outer_pids(pid)
        infos = {info["name"]: info for info in self._client.call("getAllProcessInfo")}
        told = self._daemon_log()
        return {name: part_status.read(infos[name], self._log(name), outer, told) for name in names if name in infos}

    def tail(self, name: str, lines: int = 20) -> list[str]:
        return logs.tail(self._log(name), lines)

    def follow(self, name: str) -> Iterator[str]:
        """Lines of the part's log from now on, until supervisord ends."""
        if not self._log(name).exists():
            logged = sorted(path.stem for path in self.state.logs.glob("*.log"))
            raise LocalError(f"{name}: has no log; there are: {', '.join(logged) or 'none'}")
        return logs.follow(self._log(name), lambda: self.pid is not None)

    def _stop_in_order(self, pid: int) -> None:
        """Part by part; a supervisord that does not answer any more does the same on SIGTERM, only more slowly."""
        identity = Identity.of(pid)
        try:
            running = {info["name"] for info in self._client.call("getAllProcessInfo")}
            for name in reversed(self._files.names()):
                if name in running:
                    self._halt(name)
            self._client.call("shutdown")
        except NotAnsweringError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + self._longest_stop_seconds()
        while identity and identity.is_alive and time.monotonic() < deadline:
            time.sleep(0.01)

    def _start(self, name: str) -> None:
        processes.end(processes.marked(self.state.folder, name))
        try:
            self._client.call("startProcess", name)
        except RefusedError as error:
            raise LocalError(f"{name}: ended as soon as it started{self._last_lines(name)}") from error
        self._await_programs()

    def _await_programs(self) -> None:
        """A stop signal is lost on a child that is still supervisord's own copy: it would run until its time is up."""
        pid, deadline = self.pid, time.monotonic() + EXEC_SECONDS
        while pid and processes.has_unstarted(pid, START_PART) and time.monotonic() < deadline:
            time.sleep(0.002)

    def _halt(self, name: str) -> None:
        """Stop the part, and what it left of its own."""
        if self._known(name)["statename"] in ("STARTING", "RUNNING"):
            try:
                self._client.call("stopProcess", name, seconds=self._longest_stop_seconds())
            except RefusedError as error:
                if not error.is_not_running:
                    raise
        processes.end(processes.marked(self.state.folder, name))

    def _longest_stop_seconds(self) -> int:
        return STOP_MARGIN_SECONDS + sum(int(part["stop_seconds"]) for part in self._files.parts())

    def _info(self, name: str) -> dict[str, Any] | None:
        found = self._client.call("getAllProcessInfo")
        return next((info for info in found if info["name"] == name), None)

    def _known(self, name: str) -> dict[str, Any]:
        info = self._info(name)
        if info is None:
            raise LocalError(f"{name}: no such part; there are: {', '.join(self._files.names()) or 'none'}")
        return info

    def _tree(self) -> list[Process]:
        return processes.tree(self.pid) if self.pid else []

    def _daemon_log(self) -> list[str]:
        return logs.tail(self._log("supervisord"), DAEMON_LINES)

    def _log(self, name: str) -> Path:
        return self.state.logs / f"{name}.log"

    def _last_lines(self, name: str) -> str:
        lines = self.tail(name, 10)
        return ":\n  " + "\n  ".join(lines) if lines else f", with nothing in {self._log(name)}"
