"""The edge proxy and the stand-by as parts of the stack."""

import http.client
from pathlib import Path
from typing import Any

from local.common import certificates
from local.common.certificates import ServerCertificate
from local.common.ports import STANDBY_ADDRESS
from local.control_plane.control_plane import EDGE_FILE
from local.failover.control_plane_part import folder as control_plane_folder
from local.failover.declared_edge import DeclaredEdge
from local.processes.part import Part, content_hash
from local.processes.stack import Stack

PROXY, STANDBY = "edge-proxy", "standby"
CODE = Path(__file__).with_name("edge_proxy")
EDGE_ADDRESS = "127.0.0.1"


def proxy_part(stack: Stack, declared: DeclaredEdge, workers: dict[str, int]) -> Part:
    """`workers` has the port on which each Worker answers that can be reached from outside."""
    port = stack.ports.edge_proxy
    return _part(
        stack,
        PROXY,
        "serve.mjs",
        {
            "listen": {"host": EDGE_ADDRESS, "port": port},
            "view": str(control_plane_folder(stack) / EDGE_FILE),
            "workers": workers,
            "origins": {name: {"host": STANDBY_ADDRESS, "port": port} for name in declared.standbys},
        },
    )


def standby_part(stack: Stack, declared: DeclaredEdge, assets: Path) -> Part:
    """Serves the files in `assets`, as they are when they are asked for."""
    tls = certificate(stack, declared)
    settings = {
        "listen": {"host": STANDBY_ADDRESS, "port": stack.ports.edge_proxy},
        "tls": {
            "host": STANDBY_ADDRESS,
            "port": stack.ports.standby_tls,
            "certificate": str(tls.certificate),
            "key": str(tls.key),
        },
        "assets": str(assets),
        "build": declared.build,
        "environment": declared.environment,
    }
    headers = stack.project / "apps/web/src/headers.ts"
    return _part(stack, STANDBY, "standby.mjs", settings, *tls.files, headers)


def certificate(stack: Stack, declared: DeclaredEdge) -> ServerCertificate:
    """The stand-by's, for the hosts that fall back to it and its own name."""
    folder = stack.state.folder / STANDBY
    folder.mkdir(mode=0o700, exist_ok=True)
    names = (*declared.hostnames, *declared.standbys)
    return certificates.ensure(stack.state, names, (STANDBY_ADDRESS,), folder)[0]


def is_ready(stack: Stack, address: str, hostname: str) -> bool:
    """Whether a side answers, whatever it answers."""
    connection = http.client.HTTPConnection(address, stack.ports.edge_proxy, timeout=2)
    try:
        connection.request("GET", "/healthcheck", headers={"host": hostname})
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _part(stack: Stack, name: str, program: str, settings: dict[str, Any], *read: Path) -> Part:
    path = control_plane_folder(stack) / f"{name}.json"
    stack.state.write_json(path, settings)
    node = stack.project / "node_modules/.bin/node"
    return Part(
        name=name,
        command=(str(node), str(CODE / program), str(path)),
        contents=(content_hash(path, *sorted(CODE.glob("*.mjs")), *read),),
    )
