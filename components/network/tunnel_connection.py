"""TCP connections through the tunnel: a listener on the loopback address, bridged to Cloudflare's edge.

Speaks as `cloudflared access tcp` does: a websocket to the tunnel's name, the service token in two headers, the
bytes of the connection in binary frames (cloudflare/cloudflared, carrier/websocket.go).
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from components.common.errors import HybridError

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

OPEN_SECONDS = 15
# cloudflared reads a message into a buffer of this size and drops the rest (cfio/copy.go, websocket/connection.go).
MESSAGE_BYTES = 16 * 1024
# As often as cloudflared: the edge closes what is silent for 100 seconds.
PING_SECONDS = 54


class TunnelError(HybridError):
    """A connection that the edge refused or could not carry on."""


@dataclass(frozen=True, kw_only=True)
class TunnelEndpoint:
    """The tunnel's name, and the service token that opens it."""

    hostname: str
    client_id: str
    client_secret: str = field(repr=False)


class Bridge:
    """Listens on a free port of the loopback address; each connection gets a websocket of its own."""

    def __init__(self, endpoint: TunnelEndpoint, url: str, ssl_context: ssl.SSLContext | None) -> None:
        self.fault: TunnelError | None = None
        """Why the last connection was not carried; None while all goes well."""
        self._endpoint = endpoint
        self._url = url
        self._ssl_context = ssl_context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Ends all connections."""
        for opened in (self._listener, *self._open.copy()):
            # Shut down first: another thread's blocking call ends only by that.
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(client)
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client:
            try:
                with connected(self._endpoint, url=self._url, ssl_context=self._ssl_context) as edge:
                    self.fault = None
                    sender = threading.Thread(target=_send, args=(client, edge), daemon=True)
                    sender.start()
                    _receive(edge, client)
                    sender.join()
            except TunnelError as error:
                # Before the client is closed: whoever meets that end asks for the fault.
                self.fault = error
        self._open.discard(client)


@contextlib.contextmanager
def tunnel(
    endpoint: TunnelEndpoint, *, url: str | None = None, ssl_context: ssl.SSLContext | None = None
) -> Iterator[Bridge]:
    """Opens the listener for as long as the block lasts. `url` is for an edge other than the endpoint's own."""
    bridge = Bridge(endpoint, url or f"wss://{endpoint.hostname}", ssl_context)
    try:
        yield bridge
    finally:
        bridge.close()


def connected(
    endpoint: TunnelEndpoint, *, url: str | None = None, ssl_context: ssl.SSLContext | None = None
) -> "ClientConnection":
    """Opens a websocket to the edge. Raises TunnelError that says what to check."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
    from websockets.sync.client import ClientConnection, connect

    class Edge(ClientConnection):
        """Follows no redirect: the library would take the service token along to wherever Access points."""

        def handshake(self, *arguments: Any, **options: Any) -> None:
            try:
                super().handshake(*arguments, **options)
            except InvalidStatus as error:
                raise TunnelError(_refusal(endpoint.hostname, error.response.status_code)) from None

    address = url or f"wss://{endpoint.hostname}"
    try:
        return connect(
            address,
            # The system's authorities, and the name is checked.
            ssl=(ssl_context or ssl.create_default_context()) if address.startswith("wss:") else None,
            additional_headers={
                "Cf-Access-Client-Id": endpoint.client_id,
                "Cf-Access-Client-Secret": endpoint.client_secret,
            },
            compression=None,
            max_size=None,
            ping_interval=PING_SECONDS,
            # TCP tells a dead peer; a busy one may be late with its answer.
            ping_timeout=None,
            open_timeout=OPEN_SECONDS,
            create_connection=Edge,
            # A connection, and not something that connects again and again.
            legacy=True,
        )
    except (InvalidHandshake, InvalidURI, OSError) as error:
        raise TunnelError(f"{endpoint.hostname}: {_unreachable(error)}") from None


def _unreachable(error: Exception) -> str:
    match error:
        case ssl.SSLError():
            return f"its certificate is not accepted: {error.reason}"
        case TimeoutError():
            return f"Cloudflare did not answer within {OPEN_SECONDS} seconds; check this machine's network"
        case OSError():
            reason = error.strerror or str(error)
            return f"can't be reached ({reason}); check its DNS record and this machine's network"
        case _:
            return f"does not answer like a tunnel ({type(error).__name__})"


def _refusal(hostname: str, status: int) -> str:
    """What an answer other than "switching protocols" means (cloudflared, carrier/carrier.go; Cloudflare, 1xxx)."""
    if status in (301, 302, 401, 403):
        return (
            f"{hostname}: Access refuses the service token (HTTP {status}); "
            f"check whether the token has ended and whether a policy of the Access application admits it"
        )
    if status in (502, 530):
        what = "no connector is signed in" if status == 530 else "the database's port does not answer the connector"
        return (
            f"{hostname}: the tunnel does not reach the database (HTTP {status}: {what}); "
            f"check cloudflared and PostgreSQL on the host"
        )
    return f"{hostname}: the edge answers HTTP {status}; check the tunnel's ingress rules"


def _send(client: socket.socket, edge: "ClientConnection") -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(OSError, ConnectionClosed):
        while chunk := client.recv(MESSAGE_BYTES):
            edge.send(chunk)
    edge.close()


def _receive(edge: "ClientConnection", client: socket.socket) -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.suppress(OSError, ConnectionClosed):
        for chunk in edge:
            client.sendall(chunk if isinstance(chunk, bytes) else chunk.encode())
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
