"""The edge proxy and the stand-by as parts of the stack."""

import http.client
from pathlib import Path
from typing import Any

from local.common import certificates
from local.common.certificates import ServerCertificate
from local.common.ports import STANDBY_ADDRESS
from local.control_plane.control_plane import EDGE_FILE
from local.edge.part import declared_config, site_assets
from local.failover.control_plane import folder as control_plane_folder
from local.failover.declared import DeclaredEdge, declared_edge
from local.host.realisation import Realisation
from local.processes.program import Program, content_hash
from local.processes.stack import Stack

PROXY, STANDBY = "edge-proxy", "standby"
CODE = Path(__file__).with_name("edge_proxy")
EDGE_ADDRESS = "127.0.0.1"


def refuse_standby(realisation: Realisation) -> None:
    """Raises LocalError where the site has no files that a stand-by could serve."""
    site_assets(declared_config(realisation))


def start_standby(realisation: Realisation) -> str:
    declared, assets = declared_edge(realisation.plan), site_assets(declared_config(realisation))
    return _start(realisation, standby_program(realisation.stack, declared, assets), STANDBY_ADDRESS)


def start_proxy(realisation: Realisation) -> str:
    config = declared_config(realisation)
    workers = {str(config[key]["worker"]): int(config[key]["port"]) for key in ("entry", "direct")}
    program = proxy_program(realisation.stack, declared_edge(realisation.plan), workers)
    return _start(realisation, program, EDGE_ADDRESS)


def _start(realisation: Realisation, program: Program, address: str) -> str:
    hosts = declared_edge(realisation.plan).hosts
    host = hosts[0].hostname if hosts else "localhost"
    return realisation.run(program, lambda: is_ready(realisation.stack, address, host))


def proxy_program(stack: Stack, declared: DeclaredEdge, workers: dict[str, int]) -> Program:
    """`workers` has the port on which each Worker answers that can be reached from outside."""
    port = stack.ports.edge_proxy
    return _program(
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


def standby_program(stack: Stack, declared: DeclaredEdge, assets: Path) -> Program:
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
    return _program(stack, STANDBY, "standby.mjs", settings, *tls.files, headers)


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


def _program(stack: Stack, name: str, file: str, settings: dict[str, Any], *read: Path) -> Program:
    path = control_plane_folder(stack) / f"{name}.json"
    stack.state.write_json(path, settings)
    node = stack.project / "node_modules/.bin/node"
    return Program(
        name=name,
        command=(str(node), str(CODE / file), str(path)),
        contents=(content_hash(path, *sorted(CODE.glob("*.mjs")), *read),),
    )
