"""What clients reach: an edge that obeys what the control plane publishes, a stand-by, and resolvers of all kinds."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dns.message
import dns.rrset

EDGE, STANDBY, NOWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
DRIP_SECONDS = 0.3
Published = Callable[[], dict[str, Any]]


@dataclass
class Outside:
    """Both sides as they are just now; tests change the fields."""

    published: Published
    standby_name: str
    standby_status: int = 200
    worker_status: int = 200
    standby_build: str = "b1"
    worker_build: str = "b1"
    standby_header: str = "vercel"
    worker_drips: str = ""
    """`head` or `body`: that comes a byte at a time, without an end."""
    standby_drips: str = ""
    servers: list[ThreadingHTTPServer] = field(default_factory=list)

    def start(self) -> int:
        """The port that the edge and the stand-by both listen on."""
        edge = _server(EDGE, 0, lambda host: self.at_edge(host))
        port = int(edge.server_address[1])
        self.servers = [edge, _server(STANDBY, port, lambda _: self.at_standby())]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return port

    def stop(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def at_edge(self, host: str) -> tuple[int, dict[str, str]]:
        records = {row["name"]: row for row in self.published()["records"].values()}
        record = records.get(host)
        if record is None:
            return 530, {"drips": ""}
        routes = {row["pattern"]: row["script"] for row in self.published()["routes"].values()}
        is_pages = record["content"].endswith(".pages.dev")
        if routes.get(f"{host}/*") or is_pages:
            return self.worker_status, {
                "x-served-by": "worker",
                "x-build": self.worker_build,
                "drips": self.worker_drips,
            }
        return self.at_standby()

    def at_standby(self) -> tuple[int, dict[str, str]]:
        return self.standby_status, {
            "x-served-by": self.standby_header,
            "x-build": self.standby_build,
            "drips": self.standby_drips,
        }


def _server(address: str, port: int, answer: Callable[[str], tuple[int, dict[str, str]]]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers = answer((self.headers["host"] or "").partition(":")[0])
            drips = headers.pop("drips")
            self.send_response(status)
            if drips == "head":
                self.flush_headers()
                self.drip()
                return
            for name, value in {**headers, "content-length": "9999" if drips else "0"}.items():
                self.send_header(name, value)
            self.end_headers()
            if drips:
                self.drip()

        def drip(self) -> None:
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"x")
                    time.sleep(DRIP_SECONDS)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    return server


class Resolver:
    """Answers from what is published. `lie` is an address given in place of the truth; a slow one waits."""

    def __init__(self, outside: Outside, *, lie: str | None = None, seconds: float = 0.0) -> None:
        self._outside, self._lie, self._seconds = outside, lie, seconds
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((EDGE, 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def name(self) -> str:
        return f"{EDGE}:{self._socket.getsockname()[1]}"

    def tell_the_truth(self) -> None:
        self._lie = None

    def stop(self) -> None:
        # Wakes the thread, which closing alone does not.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())

    def _serve(self) -> None:
        while True:
            wire, client = self._socket.recvfrom(4096)
            if not wire:
                self._socket.close()
                return
            threading.Thread(target=self._reply, args=(wire, client), daemon=True).start()

    def _reply(self, wire: bytes, client: tuple[str, int]) -> None:
        time.sleep(self._seconds)
        query = dns.message.from_wire(wire)
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text()
        for owner, ttl, kind, value in self._rows(name.rstrip(".")):
            answer.answer.append(dns.rrset.from_text(f"{owner}.", ttl, "IN", kind, value))
        with contextlib.suppress(OSError):
            self._socket.sendto(answer.to_wire(), client)

    def _rows(self, name: str) -> list[tuple[str, int, str, str]]:
        if name == self._outside.standby_name:
            return [(name, 300, "A", STANDBY)]
        record = next((row for row in self._outside.published()["records"].values() if row["name"] == name), None)
        if record is None:
            return []
        if self._lie:
            return [(name, 300, "A", self._lie)]
        if record["proxied"]:
            return [(name, 300, "A", EDGE)]
        return [(name, record["ttl"], "CNAME", f"{record['content']}."), (record["content"], 60, "A", STANDBY)]
