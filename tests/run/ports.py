"""Ports on loopback that no other test, worker or run beside this one takes."""

import atexit
import random
import socket
from contextlib import ExitStack

from local.common.parts import PORTS
from local.common.ports import Ports, busy

# Below the range from which the kernel lends ports to clients (32768 on).
LOWEST, HIGHEST = 20_000, 32_000
# Whole tens: who reads a port sees its block.
BLOCK = -(-len(PORTS) // 10) * 10
_CLAIMS = ExitStack()
atexit.register(_CLAIMS.close)


def claim() -> Ports:
    """A stack's ports, next to each other; this process's until it ends."""
    # Not the seeded generator: two runs at once would draw the same ports.
    for first in random.SystemRandom().sample(range(LOWEST, HIGHEST, BLOCK), (HIGHEST - LOWEST) // BLOCK):
        ports = Ports(first)
        if _is_claimed(first) and not busy(ports):
            return ports
    raise RuntimeError(f"no {BLOCK} ports in a row are free between {LOWEST} and {HIGHEST}")


def claim_some(count: int) -> list[int]:
    """Single ports, of blocks of their own."""
    blocks = [claim() for _ in range(-(-count // BLOCK))]
    return [ports.first + offset for ports in blocks for offset in range(BLOCK)][:count]


def _is_claimed(first: int) -> bool:
    """Claims a port by a name that leaves no file: the kernel forgets it with the process, however that ends."""
    mine = socket.socket(socket.AF_UNIX)
    try:
        mine.bind(f"\0hybrid-tests-port-{first}")
    except OSError:
        mine.close()
        return False
    _CLAIMS.enter_context(mine)
    return True


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
