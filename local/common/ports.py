"""The loopback ports of a local stack, and who holds one that is taken."""

import errno
import socket
import textwrap
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.common.errors import LocalError
from local.common.parts import PORTS

FIRST = 7400
# Where the stand-by is: at an address of its own, on the edge's port, so that DNS alone decides who is reached.
STANDBY_ADDRESS = "127.0.0.2"
REMEDY = "free them, or choose others: HYBRID_FIRST_PORT=7500"
LONGEST_COMMAND = 80
LETTING_GO_SECONDS = 3


@dataclass(frozen=True)
class Ports:
    """The ports of all parts (local/common/parts.py), each an attribute: `Ports().web` is 7400."""

    first: int = FIRST

    def __post_init__(self) -> None:
        last = 65535 - max(PORTS.values())
        if not 1024 <= self.first <= last:
            raise LocalError(f"first port {self.first}: is not between 1024 and {last}")

    def __getattr__(self, name: str) -> int:
        if name not in PORTS:
            raise AttributeError(f"{name}: no part has such a port; there are: {', '.join(PORTS)}")
        return self.first + PORTS[name]

    @property
    def all(self) -> dict[str, int]:
        return {name: self.first + offset for name, offset in PORTS.items()}


@dataclass(frozen=True)
class Taken:
    """A port that something else holds; pid, program and command are None when the process can't be looked up."""

    name: str
    port: int
    pid: int | None = None
    program: str | None = None
    command: str | None = None

    def __str__(self) -> str:
        holder = (
            f"{self.program} (process {self.pid}: {self.command})"
            if self.pid
            else "a process that only its own user or root can look up"
        )
        return f"port {self.port} ({self.name}): taken by {holder}"


def busy(ports: Ports, except_pids: Collection[int] = ()) -> list[Taken]:
    """Ports that others hold; those of the processes in except_pids do not count."""
    closed = {name: port for name, port in ports.all.items() if not _can_be_bound(port)}
    if not closed:
        return []
    links = psutil.net_connections(kind="tcp")
    holders = {link.laddr.port: link.pid for link in links if link.status == psutil.CONN_LISTEN and link.laddr}
    ours = _ports_of_users(_mapped_users(except_pids))
    return [
        _taken(name, port, holders.get(port))
        for name, port in closed.items()
        if holders.get(port) not in except_pids and not (holders.get(port) is None and port in ours)
    ]


def refuse_busy(ports: Ports, except_pids: Collection[int] = ()) -> None:
    """LocalError that lists every port that others hold.

    A process that was killed lets go of its ports a moment after it can't be looked up any more.
    """
    deadline = time.monotonic() + LETTING_GO_SECONDS
    while (found := busy(ports, except_pids)) and None in {one.pid for one in found} and time.monotonic() < deadline:
        time.sleep(0.1)
    if found:
        raise LocalError("\n".join([*map(str, found), REMEDY]))


def _can_be_bound(port: int) -> bool:
    """Tried on both loopback addresses, for a client that asks for `localhost` may get either, and the stand-by's."""
    addresses = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, STANDBY_ADDRESS))
    return all(_binds(family, address, port) for family, address in addresses)


def _binds(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family) as probe:
            # As servers do: connections that still linger from an earlier run do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        # Any other fault means that this machine lacks the address.
        return error.errno != errno.EADDRINUSE
    return True


def _taken(name: str, port: int, pid: int | None) -> Taken:
    try:
        if pid is not None:
            process = psutil.Process(pid)
            return Taken(
                name,
                port,
                pid,
                process.name(),
                textwrap.shorten(" ".join(process.cmdline()), LONGEST_COMMAND, placeholder=" …"),
            )
    except psutil.Error:
        pass
    return Taken(name, port)


def _mapped_users(pids: Collection[int]) -> set[int]:
    """Users of a user namespace that these processes run as.

    Their sockets' processes can't be looked up by an ordinary user, but the numbers are that user's alone (subuid(5)).
    """
    found = set()
    for pid in pids:
        try:
            found.add(psutil.Process(pid).uids().effective)
        except psutil.Error:
            continue
    return found - {0, psutil.Process().uids().effective}


def _ports_of_users(users: set[int]) -> set[int]:
    """Ports on which sockets of these users listen. psutil does not tell a socket's user."""
    rows = [
        line.split()
        for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
        if users and table.exists()
        for line in table.read_text().splitlines()[1:]
    ]
    # local_address is ADDRESS:PORT in hexadecimal, state 0A is LISTEN, the eighth field is the user (proc(5)).
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and int(row[7]) in users}
