"""The edge's part: Miniflare with the declared Workers, and the buckets that it serves."""

import http.client
import json
from pathlib import Path
from typing import Any

from local.processes.part import Part, content_hash
from local.processes.stack import Stack

NAME = "edge"
SERVE = Path(__file__).with_name("miniflare") / "serve.mjs"


def edge_part(stack: Stack, config: dict[str, Any]) -> Part:
    """Writes the configuration and describes the part; it starts anew when that, or a bundle, has changed."""
    path = stack.state.edge / "config.json"
    stack.state.write_json(path, config)
    bundles = [Path(module["path"]) for worker in config["workers"] for module in worker["modules"]]
    assets = [Path(worker["assets"]["directory"]) for worker in config["workers"] if worker["assets"]]
    return Part(
        name=NAME,
        command=(str(stack.project / "node_modules/.bin/node"), str(SERVE), str(path)),
        # Workers' tools keep caches in the home folder.
        environment={"HOME": str(stack.state.edge), "XDG_CONFIG_HOME": str(stack.state.edge)},
        contents=(content_hash(path, SERVE.parent, *bundles, *assets),),
    )


def is_ready(stack: Stack) -> bool:
    """Whether the site answers, and the API behind it, and the database behind that."""
    return all(get_status(port, "/api/health") == 200 for port in (stack.ports.api, stack.ports.web))


def get_status(port: int, path: str) -> int | None:
    """Status of a GET on loopback; None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def buckets(stack: Stack) -> list[dict[str, Any]]:
    """Name and number of objects of each R2 bucket, from the running edge."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.edge_control, timeout=5)
    try:
        connection.request("GET", "/buckets")
        found: list[dict[str, Any]] = json.load(connection.getresponse())
        return found
    finally:
        connection.close()
