"""An emulated control plane of a test's own, as a process or in this one, and the official SDK pointed at it."""

import hashlib
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from cloudflare import Cloudflare

from local.control_plane.control_plane import ControlPlane
from local.control_plane.publisher import Publisher
from local.control_plane.server import BASE, FAULTS, HEALTH, Server
from local.control_plane.settings import Account, SeedZone, Settings, Token
from local.failover.declared import DeclaredEdge, FailoverHost

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "0" * 31 + "a"
ZONE = "0" * 31 + "b"
DOMAIN = "shop.example"
HOST = f"app.{DOMAIN}"
STANDBY = "standby.example.net"
OWNER, ROLLBACK = "owner" + "-value", "rollback" + "-value"
SCRIPTS = ("shop-web", "shop-api")
# What the SDK takes for the host's record.
FIELDS: dict[str, Any] = {"zone_id": ZONE, "name": HOST, "type": "CNAME", "content": STANDBY}


def declared(build: str = "1") -> DeclaredEdge:
    """What a plan says of one host that falls back."""
    host = FailoverHost(
        hostname=HOST, standby=STANDBY, script=SCRIPTS[0], record="record", route="route", challenges=()
    )
    return DeclaredEdge(
        account=ACCOUNT,
        zone=ZONE,
        zone_name=DOMAIN,
        build=build,
        environment="test",
        records={},
        routes={},
        scripts=(),
        hosts=(host,),
        keep_until="2027-01-31",
    )


def token(value: str, *scopes: str, **changes: Any) -> Token:
    digest = hashlib.sha256(value.encode()).hexdigest()
    return Token(id=digest[:32], name=value, sha256=digest, scopes=scopes, **changes)


def settings(folder: Path, port: int = 0, **changes: Any) -> Settings:
    """One zone, an owner that may do everything, and a rollback token with its two scopes."""
    folder.mkdir(mode=0o700, exist_ok=True)
    fields: dict[str, Any] = {
        "folder": folder,
        "port": port,
        "account": Account(id=ACCOUNT, name="shop"),
        "zones": (SeedZone(id=ZONE, name=DOMAIN),),
        "tokens": (token(OWNER, "*"), token(ROLLBACK, "routes:write", "dns:write")),
        "scripts": SCRIPTS,
    }
    return Settings(**fields | changes)


class ControlPlaneUnderTest:
    def __init__(self, base_url: str, folder: Path) -> None:
        self.origin = base_url.removesuffix(BASE)
        self.base_url = base_url
        self.folder = folder
        self._clients: list[Cloudflare] = []

    def client(self, value: str = OWNER, **changes: Any) -> Any:
        """The SDK, which here refuses every answer that its models do not describe."""
        options = {"max_retries": 0, "timeout": 5.0, "_strict_response_validation": True, **changes}
        made = Cloudflare(api_token=value, base_url=self.base_url, http_client=httpx.Client(trust_env=False), **options)
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def put_faults(self, *faults: dict[str, Any]) -> None:
        httpx.put(f"{self.origin}{FAULTS}", json=list(faults), trust_env=False).raise_for_status()

    def faults(self) -> Any:
        return httpx.get(f"{self.origin}{FAULTS}", trust_env=False).json()


@contextmanager
def serving(made: Settings, *, with_publisher: bool = True) -> Iterator[ControlPlaneUnderTest]:
    """Serves in this process, on a free port unless the settings name one."""
    control_plane = ControlPlane(made)
    publisher = Publisher(control_plane)
    with Server(control_plane) as server:
        plane = ControlPlaneUnderTest(f"http://127.0.0.1:{server.server_port}{BASE}", made.folder)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        if with_publisher:
            publisher.start()
        try:
            yield plane
        finally:
            plane.close()
            server.shutdown()
            thread.join()
            if with_publisher:
                publisher.stop()


def start_process(made: Settings) -> tuple[subprocess.Popen[bytes], ControlPlaneUnderTest]:
    """Starts it as the local stack does; the caller ends it."""
    file = made.folder.with_suffix(".json")
    file.write_text(made.model_dump_json())
    process = subprocess.Popen(
        [sys.executable, "-m", "local.control_plane", str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    origin = f"http://127.0.0.1:{made.port}"
    deadline = time.monotonic() + 20
    while not _answers(f"{origin}{HEALTH}"):
        assert process.poll() is None, "the control plane has ended"
        assert time.monotonic() < deadline, "the control plane does not answer"
        time.sleep(0.02)
    return process, ControlPlaneUnderTest(f"{origin}{BASE}", made.folder)


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=1):
            return True
    except OSError:
        return False
