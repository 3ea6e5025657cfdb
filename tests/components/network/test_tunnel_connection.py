"""TCP through a websocket with a service token, against a real websocket server and a real TCP server."""

import contextlib
import dataclasses
import socket
import ssl
from pathlib import Path

import pytest

from components.network.tunnel_connection import Bridge, TunnelError, connected, tunnel
from tests.components.network.certificates import self_signed
from tests.components.network.trial_edge import ENDPOINT, echo_server, trial_edge


def talk(port: int, text: bytes) -> bytes:
    """What comes back for the text; nothing if the connection ends first."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(text)
        answer = b""
        # What was sent and is not read by the time of the end resets the connection.
        with contextlib.suppress(ConnectionResetError):
            while len(answer) < len(text) and (chunk := client.recv(65536)):
                answer += chunk
        return answer


def refused(bridge: Bridge) -> str:
    """The fault of a connection that is not carried."""
    assert talk(bridge.port, b"hello") == b""
    return str(bridge.fault)


def test_bytes_arrive_unchanged_in_both_directions() -> None:
    text = bytes(range(256)) * 4096
    with echo_server() as target, trial_edge(target) as edge, tunnel(ENDPOINT, url=edge.url) as bridge:
        assert talk(bridge.port, text) == text.upper()
        assert bridge.fault is None


def test_each_connection_has_a_websocket_of_its_own() -> None:
    with echo_server() as target, trial_edge(target) as edge, tunnel(ENDPOINT, url=edge.url) as bridge:
        clients = [socket.create_connection(("127.0.0.1", bridge.port), timeout=60) for _ in range(3)]
        for number, client in enumerate(clients):
            client.sendall(b"abc"[number : number + 1])
        assert [client.recv(10) for client in clients] == [b"A", b"B", b"C"]
        assert edge.carried == 3
        for client in clients:
            client.close()


def test_the_listener_is_on_the_loopback_address_and_ends_with_the_block() -> None:
    with echo_server() as target, trial_edge(target) as edge, tunnel(ENDPOINT, url=edge.url) as bridge:
        left = socket.create_connection(("127.0.0.1", bridge.port), timeout=60)
        left.sendall(b"a")
        assert left.recv(1) == b"A"
        assert bridge._listener.getsockname()[0] == "127.0.0.1"
    assert left.recv(1) == b""
    left.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", bridge.port), timeout=60)


def test_a_wrong_token_is_refused_in_words_without_the_token() -> None:
    endpoint = dataclasses.replace(ENDPOINT, client_secret="wrong and secret")
    with trial_edge() as edge, tunnel(endpoint, url=edge.url) as bridge:
        fault = refused(bridge)
    assert (
        "postgres.example.com: Access refuses the service token (HTTP 403); check whether the token has ended" in fault
    )
    assert "wrong and secret" not in fault + repr(endpoint)
    assert edge.refused == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (302, "Access refuses the service token (HTTP 302)"),
        (403, "Access refuses the service token (HTTP 403)"),
        (530, "does not reach the database (HTTP 530: no connector is signed in); check cloudflared and PostgreSQL"),
        (502, "does not reach the database (HTTP 502: the database's port does not answer the connector)"),
        (404, "the edge answers HTTP 404; check the tunnel's ingress rules"),
    ],
)
def test_a_refusal_says_what_to_check(status: int, message: str) -> None:
    with trial_edge(status=status) as edge, tunnel(ENDPOINT, url=edge.url) as bridge:
        assert message in refused(bridge)


def test_the_token_does_not_follow_a_redirect() -> None:
    with trial_edge() as stranger, trial_edge(status=302) as edge:
        edge.location = stranger.url
        with pytest.raises(TunnelError, match=r"Access refuses the service token \(HTTP 302\)"):
            connected(ENDPOINT, url=edge.url)
        assert (edge.asked, stranger.asked) == (1, 0)


def test_an_edge_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TunnelError, match=r"postgres.example.com: can't be reached \(Connection refused\)"):
        connected(ENDPOINT, url=f"ws://127.0.0.1:{port}")


def test_the_fault_is_gone_when_the_next_connection_is_carried() -> None:
    with echo_server() as target, trial_edge(target, status=530) as edge, tunnel(ENDPOINT, url=edge.url) as bridge:
        refused(bridge)
        edge.status = None
        assert talk(bridge.port, b"hello") == b"HELLO"
        assert bridge.fault is None


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `localhost`, and a client's that trusts it."""
    pem = self_signed("localhost", folder)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=pem)


def test_the_edges_certificate_is_verified(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    with echo_server() as target, trial_edge(target, ssl_context=server) as edge:
        with tunnel(ENDPOINT, url=edge.url, ssl_context=trusting) as bridge:
            assert talk(bridge.port, b"hello") == b"HELLO"
        with pytest.raises(TunnelError, match="its certificate is not accepted"):
            connected(ENDPOINT, url=edge.url)
        with pytest.raises(TunnelError, match="its certificate is not accepted"):
            connected(ENDPOINT, url=edge.url.replace("localhost", "127.0.0.1"), ssl_context=trusting)
