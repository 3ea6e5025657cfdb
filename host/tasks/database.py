"""What the running server holds: extensions, schemas, roles and their privileges."""

from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from host import layout
from host.changes import changes
from host.facts.database_state import DatabaseState
from host.spec import Postgres, Spec
from host.tasks.cluster import AS_OWNER
from host.tasks.pooler import verifiers


def apply(spec: Spec) -> None:
    state = host.get_fact(DatabaseState, psql=psql(spec.postgres))
    for change in changes(spec.postgres, state, verifiers(spec)):
        statements(name=change.name, lines=change.statements, postgres=spec.postgres)


def psql(postgres: Postgres) -> str:
    """psql as the superuser over the socket; terse, so that an error does not repeat the statement."""
    return (
        f"{AS_OWNER} {layout.programs(postgres.major)}/psql --no-psqlrc --quiet --tuples-only --no-align"
        f" --set=ON_ERROR_STOP=1 --set=VERBOSITY=terse"
        f" --host={layout.SOCKETS} --port={postgres.port} --username={layout.OWNER} --dbname={postgres.database}"
    )


@operation()
def statements(lines: tuple[str, ...], postgres: Postgres) -> Generator[StringCommand, None, None]:
    """Run the statements in one transaction; they travel on standard input, where no process list shows them."""
    if not lines:
        host.noop("the database is as wanted")
        return
    yield StringCommand(psql(postgres), "--single-transaction", "--file=-", _stdin="\n".join(lines))
