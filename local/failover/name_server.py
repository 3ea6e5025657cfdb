"""The stack's authoritative name server: knot, with the zone that the control plane feeds, and the stand-by's."""

import base64
from pathlib import Path

from local.common.parts import KNOTD
from local.common.ports import STANDBY_ADDRESS
from local.control_plane.settings import OWN_HOST, NameServer
from local.failover.declared import DeclaredEdge, declared_edge
from local.host.realisation import Realisation
from local.processes.program import Program, content_hash
from local.processes.stack import Stack

NAME = "dns"
KEY = "control-plane"
# TTL of the stand-by's own record, which is Vercel's choice; short, as of a host that may move.
STANDBY_TTL_SECONDS = 60


def feed(stack: Stack) -> NameServer:
    """How the control plane reaches it."""
    secret = stack.secrets.password("name-server-key", 32)
    return NameServer(port=stack.ports.dns, key_name=KEY, key=base64.b64encode(secret.encode()).decode())


def start(realisation: Realisation) -> str:
    stack, declared = realisation.stack, declared_edge(realisation.plan)
    return realisation.run(program(stack, declared), lambda: is_ready(stack, declared))


def program(stack: Stack, declared: DeclaredEdge) -> Program:
    folder = stack.state.folder / NAME
    for path in (folder, folder / "data"):
        path.mkdir(mode=0o700, exist_ok=True)
    zones = {
        declared.zone_name: "",
        **{name: f"@ {STANDBY_TTL_SECONDS} A {STANDBY_ADDRESS}\n" for name in declared.standbys},
    }
    for name, rows in zones.items():
        _write_zone(stack, folder / f"{name}.zone", name, rows)
    configuration = folder / "knot.conf"
    stack.state.write(configuration, _configuration(folder, feed(stack), list(zones)))
    return Program(
        name=NAME,
        command=(str(KNOTD.path), "--config", str(configuration)),
        contents=(content_hash(configuration),),
    )


def is_ready(stack: Stack, declared: DeclaredEdge) -> bool:
    """Whether it answers for the stack's zone."""
    import dns.exception
    import dns.message
    import dns.query

    query = dns.message.make_query(declared.zone_name, "SOA")
    try:
        return bool(dns.query.udp(query, "127.0.0.1", port=stack.ports.dns, timeout=0.3).answer)
    except (OSError, dns.exception.DNSException):
        return False


def _write_zone(stack: Stack, path: Path, name: str, rows: str) -> None:
    """How the zone begins; what is changed later is in the server's journal, serials included."""
    text = f"""$ORIGIN {name}.
@ 3600 SOA {OWN_HOST} hostmaster 1 3600 600 604800 60
@ 3600 NS {OWN_HOST}
{OWN_HOST} 3600 A 127.0.0.1
{rows}"""
    if not path.exists() or path.read_text() != text:
        stack.state.write(path, text)


def _configuration(folder: Path, feed: NameServer, zones: list[str]) -> str:
    fed, *others = zones
    return f"""server:
    listen: {feed.address}@{feed.port}
    rundir: "{folder}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: warning
database:
    storage: "{folder}/data"
    journal-db-max-size: 64M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
key:
  - id: {feed.key_name}
    algorithm: hmac-sha256
    secret: {feed.key}
acl:
  - id: feed
    key: {feed.key_name}
    action: [update, transfer]
template:
  - id: default
    storage: "{folder}"
    file: "%s.zone"
    # The file is how the zone begins; the journal has the rest.
    zonefile-sync: -1
    zonefile-load: whole
zone:
  - domain: {fed}
    acl: feed
""" + "".join(f"  - domain: {name}\n" for name in others)
