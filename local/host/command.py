"""A command on the local database host, as an operator there would run it."""

import os
import signal
import subprocess
from collections.abc import Sequence

from host.common.layout import SOCKETS
from local.common.errors import LocalError
from local.host import database
from local.processes.stack import Stack

# What a login there would set: PostgreSQL's programs find the server by it.
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def run_on_host(stack: Stack, argv: Sequence[str]) -> int:
    """Runs it as the host's user postgres, with the caller's terminal; its exit code. Raises LocalError."""
    way = database.way(stack)
    specification = stack.state.read_json(stack.state.host_file, can_be_remade=True)
    if not isinstance(specification, dict) or not way.is_made or not stack.supervisor.is_running():
        raise LocalError("the local stack does not run; start it with `./hybrid local up`")
    postgres = specification["postgres"]
    variables = {
        "HOME": "/nonexistent",
        "TERM": os.environ.get("TERM", "dumb"),
        "PGHOST": SOCKETS,
        "PGPORT": str(postgres["port"]),
        "PGDATABASE": postgres["database"],
        "PSQL_HISTORY": "/dev/null",
    }
    # Set there, past the chroot: the caller's names folders that its user may not enter, and what is not found is then
    # said to be forbidden.
    command = way.terminal(["env", f"PATH={PATH}", *argv], tuple(variables))
    # No setting of the caller's own libpq may lead elsewhere.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # Ctrl-C is the command's; a handler, because what is ignored stays ignored in a child.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(command, env=inherited | variables, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
