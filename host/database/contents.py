"""What the running server holds: extensions, schemas, roles and their privileges."""

import socket
import time
from collections.abc import Callable, Generator
from pathlib import Path

from pyinfra.api.command import FunctionCommand, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File, FileContents
from pyinfra.operations import files

from host.common import layout
from host.common.facts import root, seen
from host.common.layout import AS_OWNER
from host.common.rendering import RefusedError
from host.database import beginning
from host.database.changes import changes, reread
from host.database.pooler import verifiers
from host.database.serving import (
    UNKNOWN_TIMELINES,
    ArchivedTimelines,
    EndedTimeline,
    FollowedTimeline,
    HasLaterTimeline,
    OpenTimeline,
    Recovering,
    Recovery,
    away_reason,
    demotion_mark,
    promotion_fault,
    promotion_wait_fault,
    return_fault,
    unfollowed_archive_fault,
    unfollowed_fault,
)
from host.database.state import Change, DatabaseState, State
from host.specification.model import Postgres, Spec

PROMOTION = "promotion"
SERVING = "serving"
# Two hosts may be applied at once, and the log comes through the archive.
WAIT_SECONDS = 20
HTTPS = 443
ANSWER_SECONDS = 5
# It does not wait: a statement that lasts would keep the log from being replayed, and be cancelled for that.
PROMOTE = "SELECT pg_promote(false);"


LaterMajor = Callable[[Spec], str | None]
"""Names the cluster of a later major version that has served since this host's did."""


def apply(spec: Spec, later_major: LaterMajor) -> None:
    """Raises RefusedError while a host that is to serve would lose rows by it."""
    postgres = spec.postgres
    guard_return(spec, later_major)
    state = host.get_fact(DatabaseState, psql=psql(postgres))
    if state.is_in_recovery and postgres.is_serving:
        state = _last_state(postgres, state)
        # A dry run leaves it a standby, and says what else would change.
        promoted(name=PROMOTION, spec=spec)
        # The last of the log may have come only now, as a demotion mark: with that it would be a host that has ended.
        state = host.get_fact(DatabaseState, psql=psql(postgres))
    for change in _of_this_host(spec, state):
        run(name=change.name, lines=change.statements, postgres=postgres)
    if postgres.is_serving and host.get_fact(File, path=layout.SERVE_WITHOUT_LATER_ROWS):
        files.file(name="leave to serve is used up", path=layout.SERVE_WITHOUT_LATER_ROWS, present=False)


def guard_return(spec: Spec, later_major: LaterMajor) -> None:
    """Raises RefusedError where the host served before another that was promoted since; asks before it lets anyone in.

    A server that does not run is asked at the stage `database`, before it removes its demotion mark.
    """
    if not spec.postgres.is_serving or host.get_fact(File, path=layout.SERVE_WITHOUT_LATER_ROWS):
        return
    timeline = host.get_fact(EndedTimeline, psql=psql(spec.postgres))
    if timeline is None:
        return
    has_later = host.get_fact(HasLaterTimeline, stanza=spec.backup.stanza, timeline=timeline)
    if fault := return_fault(has_later=has_later, later_major=None if has_later is not False else later_major(spec)):
        raise RefusedError(SERVING, fault)


def guard_standby(spec: Spec) -> None:
    """Raises RefusedError where clients would be shut out before the standby was seen to follow.

    A server that does not run serves nobody, and one that has shut them out goes on. Where another host was promoted
    since, this one only takes rows that are lost. While nobody can say that, so it is with one that was not told to
    serve since it booted: it came back, and what is declared has moved on.
    """
    if not spec.postgres.is_followed:
        return
    timeline = host.get_fact(OpenTimeline, psql=psql(spec.postgres))
    if timeline is None or host.get_fact(FollowedTimeline) == timeline:
        return
    has_later = host.get_fact(HasLaterTimeline, stanza=spec.backup.stanza, timeline=timeline)
    came_back = has_later is None and not host.get_fact(File, path=layout.TOLD_TO_SERVE)
    if not has_later and not came_back:
        raise RefusedError(SERVING, unfollowed_fault(timeline))


def begin_again(spec: Spec, later_major: LaterMajor, ahead_fault: Callable[[Spec, str], str | None]) -> None:
    """A host that serves again begins a timeline as it is restarted. Raises RefusedError, as guard_return.

    Where it went on with its old one, a restore would follow whoever was promoted since. `ahead_fault` says why the
    log after a position can't be followed to its end.
    """
    _guard_promotion(spec, ahead_fault)
    guard_return(spec, later_major)
    postgres = spec.postgres
    is_forced = bool(host.get_fact(File, path=layout.SERVE_WITHOUT_LATER_ROWS))
    if not postgres.is_serving or not (is_forced or host.get_fact(EndedTimeline, psql=psql(postgres))):
        return
    archived = host.get_fact(ArchivedTimelines, stanza=spec.backup.stanza)
    if archived is None:
        raise RefusedError(SERVING, UNKNOWN_TIMELINES)
    begun(name="timeline of its own", postgres=postgres, archived=archived)


def _guard_promotion(spec: Spec, ahead_fault: Callable[[Spec, str], str | None]) -> None:
    """Raises RefusedError where a standby is to serve, and can't follow the archive to its end first.

    While that is away it would wait, restarted with its new settings, and not even answer. That the archive is given up
    counts for the state that was seen then, and as long as there is a reason.
    """
    signal = f"{layout.data(spec.postgres.major)}/standby.signal"
    fault = None
    if spec.postgres.is_serving and host.get_fact(File, path=signal):
        found = _recovering(spec)
        is_away = _is_away(spec.backup.endpoint)
        reason = away_reason(spec.backup.endpoint) if is_away else ahead_fault(spec, found.lsn)
        fault = unfollowed_archive_fault(found, reason) if reason else None
        if fault and host.get_fact(FileContents, path=layout.PROMOTE_WITHOUT_ARCHIVE) != [found.lsn]:
            raise RefusedError(PROMOTION, fault)
    if fault is None and host.get_fact(File, path=layout.PROMOTE_WITHOUT_ARCHIVE):
        files.file(name="archive is asked again", path=layout.PROMOTE_WITHOUT_ARCHIVE, present=False)


def _is_away(endpoint: str) -> bool:
    end = time.monotonic() + ANSWER_SECONDS
    while not _answers(endpoint):
        if time.monotonic() > end:
            return True
        time.sleep(0.2)
    return False


def _recovering(spec: Spec) -> Recovering:
    return host.get_fact(
        Recovery,
        psql=psql(spec.postgres),
        control_data=f"{layout.programs(spec.postgres.major)}/pg_controldata",
        data=str(layout.data(spec.postgres.major)),
    )


@operation()
def begun(postgres: Postgres, archived: list[int]) -> Generator[FunctionCommand | str, None, None]:
    data = layout.data(postgres.major)
    yield FunctionCommand(_prepared, [seen(data), archived], {})
    # Newer than the server that runs: it is restarted.
    yield f"touch --no-create {layout.settings(postgres.major)}/postgresql.conf"


def _prepared(data: Path, archived: list[int]) -> None:
    # What main was before, and what took its place for a while: these have archived, or may.
    beginning.prepare(data, data.parent.glob(f"{data.name}.*"), archived, root())


def _last_state(postgres: Postgres, state: State) -> State:
    """State of a standby once it has replayed the log to its end; waits a little for it."""
    leaves = (layout.PROMOTE_WITHOUT_MARK, layout.PROMOTE_WITHOUT_ARCHIVE)
    is_forced = any(host.get_fact(File, path=path) for path in leaves)
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
def promoted(spec: Spec) -> Generator[StringCommand | FunctionCommand, None, None]:
    """End the recovery, after all of the log that can be had; a timeline of its own begins."""
    # First, for a kill in between: a permission that outlived its promotion would be one for the next.
    yield StringCommand(f"rm -f {layout.PROMOTE_WITHOUT_MARK}")
    yield StringCommand(psql(spec.postgres), "--file=-", _stdin=PROMOTE)
    faults: list[str] = []
    yield FunctionCommand(_promotion_ended, [spec, faults], {})
    if faults:
        raise RefusedError(PROMOTION, "; ".join(faults))
    # Not before: until then it says that the archive is not asked.
    yield StringCommand(f"rm -f {layout.PROMOTE_WITHOUT_ARCHIVE}")
    # Until a checkpoint the control file names the old timeline, and pgBackRest takes no backup.
    yield StringCommand(psql(spec.postgres), "--file=-", _stdin="CHECKPOINT;")


def _promotion_ended(spec: Spec, faults: list[str]) -> None:
    """Returns once the server has replayed all of the log and serves, or with the fault for which it can't."""
    begin = answered = time.monotonic()
    while not faults:
        found = _recovering(spec)
        if found.state == "ended":
            return
        now = time.monotonic()
        if found.state == "paused" or _answers(spec.backup.endpoint):
            answered = now
        fault = promotion_wait_fault(found, spec.backup.endpoint, away=now - answered, seconds=now - begin)
        faults += [fault] if fault else []
        time.sleep(0.2)


def _answers(endpoint: str) -> bool:
    name, _, port = endpoint.partition(":")
    try:
        socket.create_connection((name, int(port or HTTPS)), timeout=2).close()
    except OSError:
        return False
    return True
