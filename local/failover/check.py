"""Asks as a client does: DNS first, then the address that it names; and the stand-by directly."""

import http.client
from typing import Any

from local.common.errors import LocalError
from local.common.parts import KNOTD
from local.common.ports import STANDBY_ADDRESS
from local.failover import control_plane
from local.failover.proxy import EDGE_ADDRESS
from local.processes.stack import Stack

SECONDS = 5
SIDES = ("worker", "vercel")


def failover(stack: Stack, host: dict[str, Any]) -> str:
    """Checks each host's active side and the stand-by, of the same build; the control plane has to take the token."""
    _verify_token(stack)
    ids = stack.state.read_json(stack.state.failover_ids, can_be_remade=True) or {}
    hosts = ids.get("hosts", [])
    if not hosts:
        raise LocalError(f"{stack.state.failover_ids}: names no host; `./hybrid local up` writes it")
    return "; ".join(_checked(stack, str(one["hostname"])) for one in hosts)


def _checked(stack: Stack, hostname: str) -> str:
    address = address_of(stack, hostname) if KNOTD.path else EDGE_ADDRESS
    side, build = _asked(stack, address, hostname)
    standby, standby_build = _asked(stack, STANDBY_ADDRESS, hostname)
    if side not in SIDES or standby != "vercel":
        raise LocalError(f"{hostname}: answered by {side}, its stand-by by {standby}; allowed: {', '.join(SIDES)}")
    if build != standby_build:
        raise LocalError(f"{hostname}: {side} has build {build}, the stand-by {standby_build}; both need the same")
    return f"{hostname} by {side}, stand-by ready, build {build}"


def _verify_token(stack: Stack) -> None:
    token = stack.state.failover_token.read_text()
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.control_plane, timeout=SECONDS)
    try:
        connection.request("GET", "/client/v4/user/tokens/verify", headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise LocalError(f"{control_plane.NAME}: does not know the rollback's token; `./hybrid local up`")
    finally:
        connection.close()


def address_of(stack: Stack, hostname: str) -> str:
    """The address as a client's resolver finds it, a CNAME followed."""
    import dns.message
    import dns.query
    import dns.rdatatype

    name = hostname
    for _ in range(3):
        query = dns.message.make_query(name, dns.rdatatype.A)
        rows = dns.query.udp(query, "127.0.0.1", port=stack.ports.dns, timeout=SECONDS).answer
        addresses = [str(row) for rrset in rows for row in rrset if row.rdtype == dns.rdatatype.A]
        if addresses:
            return addresses[0]
        if not rows:
            break
        name = str(rows[-1][0])
    raise LocalError(f"{hostname}: has no address in DNS")


def _asked(stack: Stack, address: str, hostname: str) -> tuple[str, str]:
    """The side and the build that the answer names."""
    connection = http.client.HTTPConnection(address, stack.ports.edge_proxy, timeout=SECONDS)
    try:
        connection.request("GET", "/", headers={"host": hostname})
        answer = connection.getresponse()
        answer.read()
        return answer.headers.get("x-served-by", "nobody"), answer.headers.get("x-build", "none")
    finally:
        connection.close()
