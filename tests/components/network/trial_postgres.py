"""What PostgreSQL says to a client that logs in: TLS or not, and then in or out."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.components.network.certificates import self_signed
from tests.components.network.trial_edge import ENDPOINT

SSL_REQUEST = 80877103
ADMITTED = b"R" + struct.pack("!ii", 8, 0) + b"S\x00\x00\x00\x19client_encoding\x00UTF8\x00" + b"Z\x00\x00\x00\x05I"


@dataclass
class TrialPostgres:
    """Lets everybody in; `refusals` come first, one for each attempt, as PostgreSQL words them."""

    context: ssl.SSLContext | None
    refusals: list[str] = field(default_factory=list)
    port: int = 0
    requests: list[int] = field(default_factory=list)
    """Codes of the first packets: SSL_REQUEST, or a protocol version of a log-in without it."""
    admitted: int = 0
    authorities_pem: str = ""
    """Who signed its certificate."""

    def answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            _, code = struct.unpack("!ii", client.recv(8))
            self.requests.append(code)
            client.sendall(b"S" if self.context else b"N")
            if self.context:
                self._log_in(self.context.wrap_socket(client, server_side=True))

    def _log_in(self, client: ssl.SSLSocket) -> None:
        with client:
            if not client.recv(1024):
                # It does not like the certificate.
                return
            if self.refusals:
                fields = f"SFATAL\0VFATAL\0C28000\0M{self.refusals.pop(0)}\0\0".encode()
                client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
                return
            self.admitted += 1
            client.sendall(ADMITTED)
            client.recv(1024)


@contextmanager
def trial_postgres(
    folder: Path | None = None, refusals: list[str] | None = None, hostname: str = ENDPOINT.hostname
) -> Iterator[TrialPostgres]:
    """A trial PostgreSQL, which speaks TLS where it is given a folder for its certificate."""
    context, authorities_pem = None, ""
    if folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem := self_signed(hostname, folder))
        authorities_pem = pem.read_text().partition("-----END PRIVATE KEY-----\n")[2]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = TrialPostgres(context, refusals or [], listener.getsockname()[1], authorities_pem=authorities_pem)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=server.answer, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
