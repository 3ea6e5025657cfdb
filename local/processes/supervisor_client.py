"""XML-RPC to supervisord over its unix socket."""

import http.client
import socket
import struct
import xmlrpc.client
from pathlib import Path
from typing import Any

from local.common.errors import LocalError

# Linux: sockaddr_un has room for 108 bytes with the closing zero; supervisord first binds a name with its pid.
LONGEST_PATH = 107 - len(".4194304")
# supervisor.xmlrpc.Faults
NOT_RUNNING = 70


class NotAnsweringError(LocalError):
    """supervisord does not answer."""


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
