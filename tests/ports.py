"""Ports for what tests start, below those that the kernel lends to clients."""

import os
import random
import socket
from contextlib import closing

FIRST, END = 20_000, 32_000


def own_range() -> range:
    """This process's share, so that the workers of a run never take each other's."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (END - FIRST) // count
    return range(FIRST + share * number, FIRST + share * (number + 1))


def free_ports(count: int) -> list[int]:
    found = [port for port in random.sample(own_range(), 50 * count) if not listens(port)]
    return found[:count]


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
