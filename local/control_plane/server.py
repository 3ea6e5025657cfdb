"""The control plane over HTTP, and the faults in its answers.

On the standard library's server, not as a WSGI application of werkzeug, which moto brings: a fault may have to reset
the connection or leave a request without an answer, and WSGI has no means for either.
"""

import json
import os
import socket
import struct
import time
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import ValidationError

from local.control_plane.calls import Answer, ApiError, Call, plain
from local.control_plane.control_plane import ControlPlane
from local.control_plane.faults import ENDS, Fault, FaultKind, Faults

BASE = "/client/v4"
FAULTS = "/_faults"
HEALTH = "/_health"
LARGEST_BODY = 16 * 2**20
NEVER_SECONDS, SLOW_SECONDS, SKEW_SECONDS = 60.0, 1.0, 3600.0


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, control_plane: ControlPlane) -> None:
        super().__init__(("127.0.0.1", control_plane.settings.port), Handler)
        self.control_plane = control_plane
        self.faults = Faults()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "control-plane", ""
    disable_nagle_algorithm = True
    # Header and body leave in one packet.
    wbufsize = -1
    timeout = 120
    _skew_seconds = 0.0

    def do_GET(self) -> None:
        self._handle()

    # The names that the base class looks for.
    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((time.time() if timestamp is None else timestamp) + self._skew_seconds, usegmt=True)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        print(f"{self.command} {self.path} {int(code) if isinstance(code, int) else code}", flush=True)

    def _handle(self) -> None:
        self._skew_seconds = 0.0
        body = self._body()
        if body is None:
            return
        path = unquote(urlsplit(self.path).path)
        if path == HEALTH:
            self._send(plain({"status": "ok"}))
        elif path == FAULTS:
            self._send(self._change_faults(body))
        elif not path.startswith(f"{BASE}/"):
            self._send(ApiError(HTTPStatus.NOT_FOUND, 7000, "No route for that URI").answer)
        else:
            self._answer(path.removeprefix(BASE), body)

    def _answer(self, path: str, body: bytes) -> None:
        call = Call(
            method=self.command,
            path=path,
            query=dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=_parsed(body),
            client=self.client_address[0],
        )
        met = self.server.faults.take(call)
        if fault := met.get(FaultKind.CLOCK_SKEW):
            self._skew_seconds = SKEW_SECONDS if fault.seconds is None else fault.seconds
        if fault := met.get(FaultKind.SLOW):
            time.sleep(SLOW_SECONDS if fault.seconds is None else fault.seconds)
        end = next((met[kind] for kind in ENDS if kind in met), None)
        if end is None:
            self._send(self.server.control_plane.answer(call, met))
            return
        if end.applied:
            self.server.control_plane.answer(call, met)
        self._end(end)

    def _end(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.STATUS:
                after = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
                reason = HTTPStatus(fault.status).phrase if fault.status in set(HTTPStatus) else "Injected fault"
                # A guess: what Cloudflare's API itself answers then has no documented code.
                self._send(ApiError(fault.status, 10013, reason, after).answer)
            case FaultKind.TIMEOUT:
                time.sleep(NEVER_SECONDS if fault.seconds is None else fault.seconds)
                self.close_connection = True
            case _:
                # With no time to linger, closing sends a reset (socket(7)).
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
                self.close_connection = True

    def _change_faults(self, body: bytes) -> Answer:
        faults = self.server.faults
        try:
            if self.command == "PUT":
                faults.put(_parsed(body))
            elif self.command == "DELETE":
                faults.put([])
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, fault['loc'])) or 'the body'}: {fault['msg']}" for fault in error.errors()]
            return plain({"faults": lines}, HTTPStatus.BAD_REQUEST)
        return plain(faults.shown())

    def _body(self) -> bytes | None:
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdigit() or int(length) > LARGEST_BODY:
            self.close_connection = True
            self._send(ApiError(HTTPStatus.LENGTH_REQUIRED, 9207, "The body needs a content-length.").answer)
            return None
        return self.rfile.read(int(length))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()


def _parsed(body: bytes) -> Any:
    """The request's JSON; None where it is not JSON, which whoever needs it reports."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
