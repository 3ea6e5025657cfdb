"""An edge of Cloudflare's for tests: a real websocket server that asks for the service token and carries on to TCP."""

import contextlib
import http
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.network.tunnel_connection import TunnelEndpoint

if TYPE_CHECKING:
    from websockets.http11 import Request, Response
    from websockets.sync.server import ServerConnection

BUFFER_BYTES = 16 * 1024
ENDPOINT = TunnelEndpoint(
    hostname="postgres.example.com", client_id="id.access", client_secret="the token's secret half"
)


@dataclass
class TrialEdge:
    """Carries to `target`; `status` is what it answers instead, such as 530 for a tunnel that is down.

    `location` is where a redirect points.
    """

    target: int | None
    status: int | None = None
    location: str = ""
    url: str = ""
    asked: int = 0
    refused: int = 0
    carried: int = 0

    def admit(self, connection: "ServerConnection", request: "Request") -> "Response | None":
        self.asked += 1
        given = (request.headers.get("Cf-Access-Client-Id"), request.headers.get("Cf-Access-Client-Secret"))
        if given != (ENDPOINT.client_id, ENDPOINT.client_secret):
            self.refused += 1
            return connection.respond(http.HTTPStatus.FORBIDDEN, "no")
        if self.status is None:
            return None
        response = connection.respond(http.HTTPStatus.BAD_GATEWAY, "no")
        response.status_code = self.status
        if self.location:
            response.headers["Location"] = self.location
        return response

    def carry(self, connection: "ServerConnection") -> None:
        self.carried += 1
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            thread = threading.Thread(target=_answers, args=(server, connection), daemon=True)
            thread.start()
            for message in _messages(connection):
                # As cloudflared does: text is none of its business, and what is too long for its buffer is lost.
                assert isinstance(message, bytes)
                server.sendall(message[:BUFFER_BYTES])
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _messages(connection: "ServerConnection") -> Iterator[str | bytes]:
    """Messages until the client is gone, however it went."""
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(ConnectionClosed):
        yield from connection


def _answers(server: socket.socket, connection: "ServerConnection") -> None:
    with contextlib.suppress(Exception):
        while chunk := server.recv(65536):
            connection.send(chunk)
    connection.close()


@contextlib.contextmanager
def trial_edge(
    target: int | None = None, *, status: int | None = None, ssl_context: ssl.SSLContext | None = None
) -> Iterator[TrialEdge]:
    from websockets.sync.server import serve

    edge = TrialEdge(target=target, status=status)
    with serve(edge.carry, "127.0.0.1", 0, process_request=edge.admit, compression=None, ssl=ssl_context) as server:
        scheme, host = ("ws", "127.0.0.1") if ssl_context is None else ("wss", "localhost")
        edge.url = f"{scheme}://{host}:{server.socket.getsockname()[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield edge


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """A TCP server that sends back what it gets, in capitals; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_one(client: socket.socket) -> None:
            with client:
                while chunk := client.recv(65536):
                    client.sendall(chunk.upper())

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=serve_one, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
