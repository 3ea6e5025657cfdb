"""The edge proxy and the stand-by, driven by a real control plane and asked by real clients."""

import http.client
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.common.ports import Ports
from local.common.state import State
from local.failover import proxy
from local.failover.control_plane import folder
from local.processes.stack import Stack
from tests.local.control_plane.under_test import (
    DOMAIN,
    FIELDS,
    HOST,
    ZONE,
    ControlPlaneUnderTest,
    declared,
    serving,
    settings,
)

ROOT = Path(__file__).resolve().parents[3]
NODE = ROOT / "node_modules/.bin/node"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NODE.exists(), reason="no Node.js packages; `make setup`")]
BUILD = "build-7"
Answer = tuple[int, http.client.HTTPMessage, bytes]


class FakeWorker(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers)}
        body = json.dumps({**told, "body": self.rfile.read(length).decode()}).encode()
        self.send_response(200)
        for name, value in (("X-Served-By", "worker"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that the base class looks for

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, free_ports: Ports) -> Stack:
    state = State(tmp_path_factory.mktemp("edge") / "state")
    state.prepare()
    return Stack(project=ROOT, state=state, ports=free_ports)


@pytest.fixture(scope="module")
def worker(free_ports: Ports) -> Iterator[None]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", free_ports.web), FakeWorker) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def plane(stack: Stack, worker: None) -> Iterator[ControlPlaneUnderTest]:
    """A control plane with the edge proxy and the stand-by running."""
    with serving(settings(folder(stack))) as made:
        api = made.client()
        api.dns.records.create(**FIELDS, proxied=True, ttl=1)
        api.workers.routes.create(zone_id=ZONE, pattern=f"{HOST}/*", script="shop-web")
        api.workers.routes.create(zone_id=ZONE, pattern=f"{HOST}/.well-known/acme-challenge/*")
        parts = (
            proxy.standby_program(stack, declared(BUILD), ROOT / "apps/web/public"),
            proxy.proxy_program(stack, declared(BUILD), {"shop-web": stack.ports.web, "shop-api": stack.ports.api}),
        )
        processes = [subprocess.Popen(part.command) for part in parts]
        try:
            for address in ("127.0.0.1", "127.0.0.2"):
                deadline = time.monotonic() + 20
                while not proxy.is_ready(stack, address, HOST):
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            yield made
        finally:
            for process in processes:
                process.kill()
                process.wait()


@pytest.fixture
def route(plane: ControlPlaneUnderTest) -> Iterator[Any]:
    """The route over all paths, with its script, before and after."""
    api = plane.client()
    found = next(one for one in api.workers.routes.list(zone_id=ZONE) if one.pattern == f"{HOST}/*")
    yield found
    api.workers.routes.update(found.id, zone_id=ZONE, pattern=found.pattern, script="shop-web")


@pytest.fixture
def ask(stack: Stack, plane: ControlPlaneUnderTest) -> Callable[..., Answer]:
    def asked(path: str = "/", *, host: str = HOST, address: str = "127.0.0.1", **request: Any) -> Answer:
        connection = http.client.HTTPConnection(address, stack.ports.edge_proxy, timeout=5)
        headers = {"host": host, **request.pop("headers", {})}
        try:
            connection.request(request.pop("method", "GET"), path, headers=headers, **request)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    return asked


def blank(plane: ControlPlaneUnderTest, route: Any) -> None:
    path = f"/zones/{ZONE}/workers/routes/{route.id}"
    plane.client().put(path, cast_to=object, body={"pattern": route.pattern, "script": None})


def test_a_route_with_a_script_leads_to_the_worker(ask: Callable[..., Answer]) -> None:
    status, headers, body = ask("/a%20b?c=d", host=f"{HOST}:8080")
    assert (status, headers["x-served-by"]) == (200, "worker")
    told = json.loads(body)
    assert (told["path"], told["headers"]["host"]) == ("/a%20b?c=d", f"{HOST}:8080")


def test_requests_and_answers_pass_through_as_they_are(ask: Callable[..., Answer]) -> None:
    _, headers, body = ask("/", method="POST", body="content", headers={"X-Own": "kept"})
    told = json.loads(body)
    assert (told["method"], told["body"], told["headers"]["x-own"]) == ("POST", "content", "kept")
    assert [value for name, value in headers.items() if name.lower() == "set-cookie"] == ["a=1", "b=2"]


def test_a_blank_route_leads_to_the_stand_by_at_once(
    plane: ControlPlaneUnderTest, route: Any, ask: Callable[..., Answer]
) -> None:
    blank(plane, route)
    status, headers, body = ask()
    assert (status, headers["x-served-by"], headers["x-build"]) == (200, "vercel", BUILD)
    assert body == (ROOT / "apps/web/public/index.html").read_bytes()
    plane.client().workers.routes.update(route.id, zone_id=ZONE, pattern=route.pattern, script="shop-web")
    assert ask()[1]["x-served-by"] == "worker"


def test_a_challenge_passes_the_worker_by(ask: Callable[..., Answer]) -> None:
    assert ask("/.well-known/acme-challenge/token")[1]["x-served-by"] == "vercel"


def test_no_request_is_lost_while_the_route_switches(plane: ControlPlaneUnderTest, route: Any, stack: Stack) -> None:
    sides: list[str] = []
    is_over = threading.Event()

    def keep_asking() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", stack.ports.edge_proxy, timeout=5)
        while not is_over.is_set():
            connection.request("GET", "/", headers={"host": HOST})
            answer = connection.getresponse()
            answer.read()
            sides.append(f"{answer.status} {answer.headers['x-served-by']}")
        connection.close()

    clients = [threading.Thread(target=keep_asking) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        for _ in range(20):
            blank(plane, route)
            plane.client().workers.routes.update(route.id, zone_id=ZONE, pattern=route.pattern, script="shop-web")
    finally:
        is_over.set()
        for client in clients:
            client.join()
    assert set(sides) == {"200 worker", "200 vercel"}


def test_a_host_that_the_edge_does_not_know_is_refused(ask: Callable[..., Answer]) -> None:
    assert ask(host=f"other.{DOMAIN}")[0] == 409


def test_what_can_not_be_reached_is_told_apart(plane: ControlPlaneUnderTest, ask: Callable[..., Answer]) -> None:
    api = plane.client()
    api.dns.records.create(zone_id=ZONE, name="api", type="AAAA", content="100::", proxied=True, ttl=1)
    assert ask(host=f"api.{DOMAIN}")[0] == 522
    api.workers.routes.create(zone_id=ZONE, pattern=f"api.{DOMAIN}/*", script="shop-api")
    assert ask(host=f"api.{DOMAIN}")[0] == 502


@pytest.mark.parametrize(
    "junk", [b"GET // HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"junk\r\n\r\n"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_a_strange_request_harms_nobody_else(
    junk: bytes, address: str, stack: Stack, ask: Callable[..., Answer]
) -> None:
    with socket.create_connection((address, stack.ports.edge_proxy), timeout=5) as client:
        client.sendall(junk)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    assert ask(address=address)[0] == 200


def test_the_stand_by_serves_the_site_and_its_health(ask: Callable[..., Answer]) -> None:
    def there(path: str, **request: Any) -> Answer:
        return ask(path, address="127.0.0.2", **request)

    assert json.loads(there("/api/health")[2]) == {"status": "ok", "environment": "test", "build": BUILD}
    status, headers, body = there("/page.css")
    assert (status, headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert body == (ROOT / "apps/web/public/page.css").read_bytes()
    assert there("/page.css", headers={"if-none-match": headers["etag"]})[0] == 304
    assert there("/no/such/page")[0] == 404
    assert there("/../../../package.json")[0] == 404
    assert there("/%2e%2e/%2e%2e/package.json")[0] == 404
    assert there("*/../../../../package.json")[0] == 404
    assert there("/", method="HEAD")[2] == b""
    assert (there("/api/v1/ledger-entries")[0], there("/auth/session")[0]) == (503, 503)


def test_the_stand_by_has_a_certificate_for_its_hosts(stack: Stack, plane: ControlPlaneUnderTest) -> None:
    trust = ssl.create_default_context(cafile=str(proxy.certificate(stack, declared(BUILD)).authority))
    with (
        socket.create_connection(("127.0.0.2", stack.ports.standby_tls), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname=HOST) as secure,
    ):
        secure.sendall(f"GET /healthcheck HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        assert b"200 OK" in secure.recv(100)
