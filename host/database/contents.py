"""What the running server holds: extensions, schemas, roles and their privileges."""

import time
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File
from pyinfra.operations import files

from host.common import layout
from host.common.layout import AS_OWNER
from host.common.rendering import RefusedError
from host.database.changes import changes, reread
from host.database.pooler import verifiers
from host.database.serving import EndedTimeline, HasLaterTimeline, demotion_mark, promotion_fault, return_fault
from host.database.state import Change, DatabaseState, State
from host.specification.model import Postgres, Spec

PROMOTION = "promotion"
SERVING = "serving"
# Two hosts may be applied at once, and the log comes through the archive.
WAIT_SECONDS = 20
PROMOTE = "DO $$ BEGIN IF NOT pg_promote(true, 300) THEN RAISE EXCEPTION 'not within 300 s'; END IF; END $$;"


def apply(spec: Spec) -> None:
    """Raises RefusedError while a host that is to serve would lose rows by it."""
    postgres = spec.postgres
    guard_return(spec)
    state = host.get_fact(DatabaseState, psql=psql(postgres))
    if state.is_in_recovery and postgres.is_serving:
        state = _last_state(postgres, state)
        # A dry run leaves it a standby, and says what else would change.
        promoted(name=PROMOTION, postgres=postgres)
    for change in _of_this_host(spec, state):
        run(name=change.name, lines=change.statements, postgres=postgres)
    if postgres.is_serving and host.get_fact(File, path=layout.SERVE_WITHOUT_LATER_ROWS):
        files.file(name="leave to serve is used up", path=layout.SERVE_WITHOUT_LATER_ROWS, present=False)


def guard_return(spec: Spec) -> None:
    """Raises RefusedError where the host served before another that was promoted since; asks before it lets anyone in.

    A server that does not run is asked at the stage `database`, before it removes its demotion mark.
    """
    if not spec.postgres.is_serving or host.get_fact(File, path=layout.SERVE_WITHOUT_LATER_ROWS):
        return
    timeline = host.get_fact(EndedTimeline, psql=psql(spec.postgres))
    if timeline is None:
        return
    has_later = host.get_fact(HasLaterTimeline, stanza=spec.backup.stanza, timeline=timeline)
    if fault := return_fault(has_later=has_later):
        raise RefusedError(SERVING, fault)


def _last_state(postgres: Postgres, state: State) -> State:
    """State of a standby once it has replayed the log to its end; waits a little for it."""
    is_forced = bool(host.get_fact(File, path=layout.PROMOTE_WITHOUT_MARK))
    deadline = time.monotonic() + WAIT_SECONDS
    while fault := promotion_fault(state, is_forced=is_forced):
        if time.monotonic() > deadline:
            raise RefusedError(PROMOTION, fault)
        time.sleep(1)
        state = host.get_fact(DatabaseState, psql=psql(postgres))
    return state


def _of_this_host(spec: Spec, state: State) -> list[Change]:
    postgres = spec.postgres
    if postgres.is_serving:
        return changes(postgres, state, verifiers(spec))
    return [reread(state), *(() if state.is_in_recovery else demotion_mark(postgres, state))]


def psql(postgres: Postgres) -> str:
    """psql as the superuser over the socket; terse, so that an error does not repeat the statement."""
    return (
        f"{AS_OWNER} {layout.programs(postgres.major)}/psql --no-psqlrc --quiet --tuples-only --no-align"
        f" --set=ON_ERROR_STOP=1 --set=VERBOSITY=terse"
        f" --host={layout.SOCKETS} --port={postgres.port} --username={layout.OWNER} --dbname={postgres.database}"
    )


@operation()
def run(lines: tuple[str, ...], postgres: Postgres) -> Generator[StringCommand, None, None]:
    """Run the statements in one transaction; they travel on standard input, where no process list shows them."""
    if not lines:
        host.noop("the database is as wanted")
        return
    if lines[0].startswith("ALTER EXTENSION timescaledb UPDATE"):
        # It has to come first of all in its session: already BEGIN would load the old version.
        yield StringCommand(psql(postgres), "--file=-", _stdin=lines[0])
        lines = lines[1:]
    if lines:
        yield StringCommand(psql(postgres), "--single-transaction", "--file=-", _stdin="\n".join(lines))


@operation()
def promoted(postgres: Postgres) -> Generator[StringCommand, None, None]:
    """End the recovery, after all of the log that can be had; a timeline of its own begins."""
    # First, for a kill in between: a permission that outlived its promotion would be one for the next.
    yield StringCommand(f"rm -f {layout.PROMOTE_WITHOUT_MARK}")
    # Until a checkpoint the control file names the old timeline, and pgBackRest takes no backup.
    yield StringCommand(psql(postgres), "--file=-", _stdin=f"{PROMOTE}\nCHECKPOINT;")
