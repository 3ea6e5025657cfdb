"""The files that supervisord and the parts read: one specification a part, and the configuration made of them."""

import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.common.errors import LocalError
from local.common.state import State
from local.processes.part import Part

START_PART = Path(__file__).with_name("start_part.py")


class SupervisorFiles:
    """All in the state's supervisor folder."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.socket = state.supervisor / "socket"
        self.configuration = state.supervisor / "supervisord.conf"
        self._parts = state.supervisor / "parts"

    def parts(self) -> list[Any]:
        """Each part's specification, in start order; a corrupt one is left out, for `up` writes it anew."""
        found = [self._state.read_json(path, can_be_remade=True) for path in self._parts.glob("*.json")]
        whole = [part for part in found if isinstance(part, dict) and {"name", "order", "stop_seconds"} <= part.keys()]
        return sorted(whole, key=lambda part: int(part["order"]))

    def names(self) -> list[str]:
        return [part["name"] for part in self.parts()]

    def write(self, part: Part) -> None:
        """Its place is kept when it has one, else it is the last."""
        orders = {known["name"]: known["order"] for known in self.parts()}
        order = orders.get(part.name, 1 + max(orders.values(), default=0))
        self._parts.mkdir(mode=0o700, exist_ok=True)
        self._state.write_json(self._part(part.name), part.specification(order))
        self.write_configuration()

    def clear(self) -> None:
        for path in self._parts.glob("*.json"):
            path.unlink()
        self.write_configuration()

    def write_configuration(self) -> None:
        """Nothing in it is started or restarted by itself."""
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
    """Its environment is what makes supervisord see a change; the real one goes past its quoting, in a file."""
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


def _command(words: Iterable[str]) -> str:
    """Quoted as a shell does; a blank before a semicolon or hash, which starts a comment, is cut off from it."""
    line = " ".join(re.sub(r"(?<=\s)(?=[;#])", "''", shlex.quote(word)) for word in words)
    return _value(line)


def _value(text: str | Path) -> str:
    """A value in supervisord's configuration, which has no escape for a comment, and expands some values twice."""
    if re.search(r"%|\s[;#]|[\r\n]", str(text)):
        raise LocalError(f"{text}: supervisord can't use a path with '%', ' #', ' ;' or a line break; choose another")
    return str(text)
