"""The process tree of a local stack: programs under one supervisord, steered from outside its namespaces.

From the bottom up: XML-RPC to supervisord over its unix socket; the files that it and the programs read; its process,
found again from outside; and the supervisor, which is what the rest of local/ uses.

By hand: supervisor's own client waits for an answer without a limit, and can't say which process answers.
"""

import contextlib
import http.client
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil
from psutil import Process

from local.common.errors import LocalError
from local.common.state import State
from local.processes import logs, processes
from local.processes.processes import Identity
from local.processes.program import PartState, PartStatus, Program, ended, exit_code, read_status

# Linux: sockaddr_un has room for 108 bytes with the closing zero; supervisord first binds a name with its pid.
LONGEST_PATH = 107 - len(".4194304")
# supervisor.xmlrpc.Faults
NOT_RUNNING = 70


class NotAnsweringError(LocalError):
    """supervisord does not answer."""


class EndedError(LocalError):
    """A part ended before it was ready."""


class RefusedError(LocalError):
    """supervisord answers that it can't do what it was asked."""

    def __init__(self, method: str, fault: xmlrpc.client.Fault) -> None:
        super().__init__(f"supervisord: refuses {method}: {fault.faultString}")
        self.is_not_running = fault.faultCode == NOT_RUNNING


class SupervisorClient:
    """Calls a supervisord. Each call has a connection of its own, so a client outlives supervisord."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def call(self, method: str, *arguments: Any, seconds: float = 10) -> Any:
        """The result; NotAnsweringError or RefusedError when there is none."""
        connection = _UnixConnection(self.path, seconds)
        try:
            body = xmlrpc.client.dumps(arguments, f"supervisor.{method}")
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            answer = connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise NotAnsweringError(f"supervisord at {self.path}: does not answer: {error}") from error
        finally:
            connection.close()
        try:
            (result,), _ = xmlrpc.client.loads(answer)
        except xmlrpc.client.Fault as fault:
            raise RefusedError(method, fault) from fault
        return result

    def answers(self) -> bool:
        try:
            return bool(self.call("getState", seconds=3)["statename"] == "RUNNING")
        except NotAnsweringError:
            return False

    def peer(self) -> int | None:
        """Number, in our own PID namespace, of the process that listens on the socket."""
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(self.path))
                credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
        pid: int = struct.unpack("3i", credentials)[0]
        return pid


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


START_PART = Path(__file__).with_name("start_part.py")


class SupervisorFiles:
    """All in the state's supervisor folder."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.socket = state.supervisor / "socket"
        self.configuration = state.supervisor / "supervisord.conf"
        self._parts = state.supervisor / "parts"

    def parts(self) -> list[Any]:
        """Each part's specification, in start order; a corrupt one is left out, for `up` writes it again."""
        found = [self._state.read_json(path, can_be_remade=True) for path in self._parts.glob("*.json")]
        whole = [part for part in found if isinstance(part, dict) and {"name", "order", "stop_seconds"} <= part.keys()]
        return sorted(whole, key=lambda part: int(part["order"]))

    def names(self) -> list[str]:
        return [part["name"] for part in self.parts()]

    def write(self, program: Program) -> None:
        """Writes a part's specification. The part keeps its place in the order; a new one is last."""
        orders = {known["name"]: known["order"] for known in self.parts()}
        order = orders.get(program.name, 1 + max(orders.values(), default=0))
        self._parts.mkdir(mode=0o700, exist_ok=True)
        self._state.write_json(self._part(program.name), program.specification(order))
        self.write_configuration()

    def clear(self) -> None:
        for path in self._parts.glob("*.json"):
            path.unlink()
        self.write_configuration()

    def write_configuration(self) -> None:
        """Writes the configuration, which starts and restarts nothing by itself."""
        programs = [_program(self._state, part, self._part(part["name"])) for part in self.parts()]
        self._state.write(self.configuration, "\n".join([_daemon(self._state, self.socket), *programs]))

    def _part(self, name: str) -> Path:
        return self._parts / f"{name}.json"


def _daemon(state: State, socket: Path) -> str:
    return f"""[supervisord]
nodaemon = true
silent = true
logfile = {_value(state.logs / "supervisord.log")}
logfile_maxbytes = 1MB
logfile_backups = 1
pidfile = {_value(state.supervisor / "pid")}

[unix_http_server]
file = {_value(socket)}
chmod = 0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(state: State, part: Mapping[str, Any], file: Path) -> str:
    """A part's section. Its environment makes supervisord see a change; the real one is in a file, free of quoting."""
    command = (sys.executable, "-I", "-S", str(START_PART), str(file))
    return f"""[program:{part["name"]}]
command = {_command(command)}
environment = HYBRID_FINGERPRINT="{part["fingerprint"]}"
priority = {part["order"]}
autostart = false
autorestart = false
startsecs = 0
stopsignal = {part["stop_signal"]}
stopwaitsecs = {part["stop_seconds"]}
stopasgroup = {"true" if part["stop_signal"] == "KILL" else "false"}
killasgroup = true
redirect_stderr = true
stdout_logfile = {_value(state.logs / f"{part['name']}.log")}
stdout_logfile_maxbytes = 5MB
stdout_logfile_backups = 1
"""


def _command(argv: Iterable[str]) -> str:
    """Quoted as a shell does; a blank before a semicolon or hash, which starts a comment, is cut off from it."""
    line = " ".join(re.sub(r"(?<=\s)(?=[;#])", "''", shlex.quote(word)) for word in argv)
    return _value(line)


def _value(text: str | Path) -> str:
    """A value in supervisord's configuration, which has no escape for a comment, and expands some values twice."""
    if re.search(r"%|\s[;#]|[\r\n]", str(text)):
        raise LocalError(f"{text}: supervisord can't use a path with '%', ' #', ' ;' or a line break; choose another")
    return str(text)


START_SECONDS = 15
SUPERVISORD = Path(__file__).with_name("supervisord.py")
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
        """Its process id in our own PID namespace; None when it is gone."""
        data = self._state.read_json(self._identity_file, can_be_remade=True)
        if isinstance(data, dict) and Identity(data.get("pid", 0), data.get("started", "")).is_alive:
            return int(data["pid"])
        return self._client.peer()

    def start(self, launch: Launch, configuration: Path) -> None:
        """Start it in a session of its own and wait until it answers; LocalError with its output when it does not."""
        self._refuse_long_path()
        launcher = self._spawn(launch, configuration)
        deadline = time.monotonic() + START_SECONDS
        while not self._client.answers():
            if launcher.returncode is not None or time.monotonic() > deadline:
                output = " ".join(logs.tail(self._log, 5)) or f"no answer after {START_SECONDS} s"
                raise LocalError(f"supervisord: can't be started: {output}")
            time.sleep(0.02)

    def remember(self) -> None:
        """Records which process answers."""
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
        command = [sys.executable, "-P", str(SUPERVISORD), "-n", "-c", str(configuration)]
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

    def resume(self) -> bool:
        """Have go on what a signal has stopped; whether there was any. Raises LocalError."""
        found = processes.suspended(self._tree())
        for process in found:
            try:
                process.resume()
            except psutil.AccessDenied as error:
                raise LocalError(f"process {process.pid}: a signal has stopped it, and it can't be resumed") from error
        return bool(found)

    def stop(self) -> None:
        """End the parts, last started first, then supervisord, then whatever is left of them."""
        found = self._tree()
        pid = self.pid
        if pid:
            self._stop_in_order(pid)
        processes.end_all({*found, *processes.marked(self.state.folder)})
        self._daemon.forget()

    def ensure(self, program: Program) -> Outcome:
        """Have it run as described; others stay as they are."""
        before = self._info(program.name)
        self._files.write(program)
        ((added, changed, _),) = self._client.call("reloadConfig")
        was_running = before is not None and before["statename"] == "RUNNING"
        if was_running and program.name not in changed:
            return Outcome.UNCHANGED
        if program.name in changed:
            self._halt(program.name)
            self._client.call("removeProcessGroup", program.name)
        if program.name in {*added, *changed}:
            self._client.call("addProcessGroup", program.name)
        self._start(program.name)
        return Outcome.RESTARTED if was_running else Outcome.STARTED

    def run(self, program: Program, is_ready: Callable[[], bool]) -> Outcome:
        """Have it run as described, and wait until it is ready. Raises LocalError."""
        outcome = self.ensure(program)
        try:
            self.wait_ready(program.name, is_ready)
        except EndedError:
            if outcome is not Outcome.UNCHANGED:
                raise
            # It was about to end when it was found running.
            outcome = self.ensure(program)
            self.wait_ready(program.name, is_ready)
        return outcome

    def wait_ready(self, name: str, is_ready: Callable[[], bool], seconds: float = 30) -> None:
        """Return when is_ready does. Raises EndedError, or LocalError when it takes longer, with the last log lines."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            info = self._known(name)
            if info["statename"] != "RUNNING":
                end = ended(exit_code(info, self._daemon_log()))
                raise EndedError(f"{name}: ended ({end}){self._last_lines(name)}")
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
        return {name: read_status(infos[name], self._log(name), outer, told) for name in names if name in infos}

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
