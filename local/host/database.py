"""The database's part: which way it is had, PostgreSQL and its pooler brought up, and migrations."""

from collections.abc import Mapping
from pathlib import Path
from signal import SIGHUP
from typing import Any
from urllib.parse import quote, urlencode

from local.common.errors import LocalError
from local.host import migrations
from local.host.container import Container
from local.host.database_way import DatabaseWay, Namespaces, is_answering
from local.processes.part import Part
from local.processes.stack import Stack
from local.processes.supervisor import Outcome

# A container first applies all of host/; in namespaces only a recovery takes long.
START_SECONDS = 120


def ways(stack: Stack) -> tuple[DatabaseWay, ...]:
    """The best first."""
    return Namespaces(stack), Container(stack)


def way(stack: Stack) -> DatabaseWay:
    """The way in which the stack was made; the best for one that was not."""
    return next((found for found in ways(stack) if found.is_made), ways(stack)[0])


def choose(stack: Stack) -> DatabaseWay:
    """The way in which the stack was made, or else the best that this machine has. Raises LocalError."""
    faults = []
    for found in [made for made in ways(stack) if made.is_made] or ways(stack):
        lacking = found.faults()
        if not lacking:
            return found
        faults += lacking
    raise LocalError("\n".join(faults))


def ensure_part(stack: Stack, part: Part, report: Mapping[str, Any]) -> Outcome:
    """Starts a part, or has a running one take up the settings that host/ changed."""
    outcome = stack.supervisor.ensure(part)
    if outcome is not Outcome.UNCHANGED:
        return outcome
    if part.name in report["restart"]:
        stack.supervisor.restart(part.name)
        return Outcome.RESTARTED
    if part.name in report["reload"]:
        stack.supervisor.signal(part.name, SIGHUP)
    return outcome


def wait_ready(stack: Stack, part: str, role: str, host: Mapping[str, Any]) -> None:
    """Returns when a role can log in to the pooler over TLS: a stronger sign than an open port."""

    def answers() -> bool:
        import psycopg

        try:
            with psycopg.connect(conninfo(stack, host, role, stack.ports.pooler), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    stack.supervisor.wait_ready(part, answers)


def wait_socket(stack: Stack, here: DatabaseWay) -> None:
    """Returns when the host answers on its own socket."""
    stack.supervisor.wait_ready(here.postgres.name, lambda: is_answering(here), START_SECONDS)


def trust(stack: Stack, host: Mapping[str, Any]) -> None:
    """Lets clients outside the host check its certificate."""
    _kept(stack, stack.database_ca, host["tls"]["authorities"])


def trust_store(stack: Stack, authority: str) -> None:
    """Lets the host check the certificate of the S3 that holds its backups."""
    _kept(stack, stack.store_ca, authority)


def _kept(stack: Stack, path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        stack.state.write(path, text, mode=0o644)


def conninfo(stack: Stack, host: Mapping[str, Any], role: str, port: int) -> str:
    """A libpq connection URI for a declared role, with the server's certificate checked to the full."""
    password = next(declared["password"] for declared in host["postgres"]["roles"] if declared["name"] == role)
    # libpq takes a plus sign for itself, not for a blank.
    options = urlencode({"sslmode": "verify-full", "sslrootcert": str(stack.database_ca)}, quote_via=quote)
    return f"postgresql://{role}:{quote(password, safe='')}@localhost:{port}/{host['postgres']['database']}?{options}"


def migrate(stack: Stack, host: Mapping[str, Any]) -> int:
    """Runs the migrations that are still to be run, directly and not through the pooler; how many there were."""
    from psycopg.conninfo import conninfo_to_dict

    parameters = conninfo_to_dict(conninfo(stack, host, migrations.ROLE, stack.ports.postgres))
    return len(
        migrations.apply({name: str(value) for name, value in parameters.items()}, stack.project / migrations.FOLDER)
    )
