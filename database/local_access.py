"""Access to the local stack's database."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from database.access import Access, OpenAccess, refuse_unknown
from database.psql import VARIABLES
from host.common.layout import AUTHORITIES, programs
from local.common import disk_space
from local.host.database import runtime
from local.host.spec import running
from local.processes.stack import Stack

LOCAL = "local"
ADDRESS = "127.0.0.1"
HINT = "see `./hybrid local status`; `./hybrid local up` starts what is missing"
PROBE_SECONDS = 2


def open_local(stack: Stack, tell: Callable[[str], None]) -> OpenAccess:
    """Opens access to the local stack; `tell` is told where it is not by the usual route."""

    @contextmanager
    def opened(role: str, *, is_pooled: bool = False) -> Iterator[Access]:
        postgres = running(stack).postgres
        passwords = {found.name: found.password for found in postgres.roles if found.password}
        refuse_unknown(role, sorted(passwords))
        is_pooled = is_pooled and _has_pooler(stack, tell)
        yield Access(
            stack=LOCAL,
            role=role,
            database=postgres.database,
            host="localhost",
            address=ADDRESS,
            port=stack.ports.pooler if is_pooled else stack.ports.postgres,
            authorities=stack.database_ca,
            route="through the pooler" if is_pooled else "directly",
            password=passwords[role],
            hint=disk_space.fault(stack.state) or HINT,
        )

    return opened


def is_open(port: int) -> bool:
    """Whether something listens on a loopback port."""
    try:
        with socket.create_connection((ADDRESS, port), timeout=PROBE_SECONDS):
            return True
    except OSError:
        return False


def _has_pooler(stack: Stack, tell: Callable[[str], None]) -> bool:
    answers = is_open(stack.ports.pooler)
    if not answers:
        tell("the pooler does not answer; going to PostgreSQL directly")
    return answers


def on_host(stack: Stack, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command line that runs psql on the stack's own host with this terminal, and what its environment must be."""
    # The operator's home is closed there; neither settings nor a history are kept.
    changes = {
        "HOME": "/nonexistent",
        "PGSSLROOTCERT": AUTHORITIES,
        "PSQL_HISTORY": "/dev/null",
        "PSQLRC": "/dev/null",
    }
    program = programs(running(stack).postgres.major) / argv[0]
    return runtime(stack).terminal([str(program), *argv[1:]], (*VARIABLES, *changes)), changes
