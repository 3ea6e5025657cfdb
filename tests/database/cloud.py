"""What stands for the cloud in front of a real PostgreSQL: a declared stack, Systems Manager, the tunnel's edge."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response as HttpResponse

from components.resource_types import tokens
from plan.model import Plan, Resource
from tests.host.specs import spec
from tests.web_server import served

PREFIX = "/automatonicai-dev"
NODE = "mi-0123456789abcdef0"
TAGS = {"Stack": "automatonicai-dev", "Host": "a"}
TUNNEL, POOLER_TUNNEL = "db.example.ca", "pooler.example.ca"
CLIENT_ID, CLIENT_SECRET = "operators.access", "token-of-the-operators"


def declared_plan(
    *, port: int = 5432, pooler_port: int = 6432, database: str = "clinic", has_tunnel: bool = True, serving: int = 1
) -> Plan:
    """A stack with what the routes to its database are made of."""
    names = [f"postgres/passwords/{role}" for role in ("app", "migrator", "monitor", "public_read", "read_only")]
    names += ["postgres/tls-authorities", "operators/access-client-id", "operators/access-client-secret"]
    resources = [_resource(tokens.PARAMETER, name, {"name": f"{PREFIX}/{name}"}) for name in names]
    for number, letter in enumerate("ab"):
        is_serving = number < serving
        specification = spec(postgres_port=port, pooler_port=pooler_port, database=database, is_serving=is_serving)
        host = _resource(tokens.POSTGRES_HOST, f"postgres-{letter}", {"host": letter, "specification": specification})
        tags = TAGS | {"Host": letter}
        resources += [host, _resource(tokens.ACTIVATION, f"activation-{letter}", {"tags": tags}, parent=host.urn)]
    if has_tunnel:
        rules: list[dict[str, Any]] = [
            {"hostname": TUNNEL, "service": f"tcp://localhost:{port}"},
            {"hostname": POOLER_TUNNEL, "service": f"tcp://localhost:{pooler_port}"},
            {"service": "http_status:404"},
        ]
        resources.append(_resource(tokens.TUNNEL_CONFIG, "tunnel-ingress", {"config": {"ingresses": rules}}))
    return Plan(project="automatonicai", stack="dev", resources=tuple(resources))


def _resource(kind: str, name: str, inputs: dict[str, Any], parent: str | None = None) -> Resource:
    urn = f"urn:pulumi:dev::automatonicai::{kind}::{name}"
    return Resource(urn=urn, type=kind, name=name, custom=True, inputs=inputs, parent=parent)


@contextmanager
def systems_manager(online: bool = True) -> Iterator[str]:
    """Its address: moto's, and the list of nodes, which moto lacks."""
    known = create_backend_app("ssm")

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        if environ.get("HTTP_X_AMZ_TARGET") != "AmazonSSM.DescribeInstanceInformation":
            return known(environ, start)
        asked = HttpRequest(environ).get_json(force=True)["Filters"]
        wanted = {f"tag:{key}": [value] for key, value in TAGS.items()}
        is_ours = {one["Key"]: one["Values"] for one in asked} == wanted
        nodes = [{"InstanceId": NODE, "PingStatus": "Online" if online else "ConnectionLost"}] if is_ours else []
        return HttpResponse(json.dumps({"InstanceInformationList": nodes}))(environ, start)

    with served(application) as address:
        yield address


@contextmanager
def edge(port: int) -> Iterator[str]:
    """Address of a websocket that leads to a loopback port, for whoever shows the operators' service token."""

    def admit(_: ServerConnection, request: Request) -> Response | None:
        shown = request.headers.get("CF-Access-Client-Id"), request.headers.get("CF-Access-Client-Secret")
        return None if shown == (CLIENT_ID, CLIENT_SECRET) else Response(403, "Forbidden", Headers(), b"")

    with serve(lambda client: _carry(client, port), "127.0.0.1", 0, process_request=admit, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def _carry(client: ServerConnection, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as origin:
        back = threading.Thread(target=_back, args=(origin, client))
        back.start()
        with suppress(OSError):
            for chunk in client:
                origin.sendall(chunk if isinstance(chunk, bytes) else chunk.encode())
            origin.shutdown(socket.SHUT_RDWR)
        back.join()


def _back(origin: socket.socket, client: ServerConnection) -> None:
    # Either end may hang up first.
    with suppress(OSError, ConnectionClosed):
        while chunk := origin.recv(65536):
            client.send(chunk)
    client.close()
