"""The commands and their options. Each imports what it needs when it runs, so that help comes at once."""

import contextlib
import functools
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from failover.cli.terminal import progress, show, show_json, tell
from failover.common.errors import FailoverError, UsageError
from failover.common.terms import Act, Kind, Via

if TYPE_CHECKING:
    from failover.common.ids import Ids
    from failover.operation.journal import Paths
    from failover.operation.operation import Operation

HELP = "Have the stand-by at Vercel answer, and Cloudflare again. Changes nothing without --execute."
PREFLIGHT_SECONDS = 25.0
# As a shell says it: 128 and the signal's number.
INTERRUPTED = 130


class ZoneFormat(StrEnum):
    """Format of an exported zone."""

    BIND = "bind"
    ROUTE53 = "route53"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the commands take where no option says otherwise."""

    ids: Callable[[], Path | None] = lambda: None
    token_file: Callable[[], Path | None] = lambda: None
    is_local: bool = False
    """Whether those are a local stack's: then a drill needs no --execute."""
    changing: Callable[[], AbstractContextManager[None]] = nullcontext
    """Entered while something is switched."""


IdsFile = Annotated[
    Path | None, typer.Option("--ids", metavar="FILE", help="The file of ids.", envvar="HYBRID_FAILOVER_IDS")
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Holds the token, mode 0600; else HYBRID_ROLLBACK_TOKEN does."),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal", metavar="FILE", help="Keep journal, lock and evidence here; else beside the file of ids."
    ),
]
Hosts = Annotated[list[str] | None, typer.Option("--host", metavar="NAME", help="Only this host; may be repeated.")]
Execute = Annotated[bool, typer.Option("--execute", help="Do it; without this nothing is changed.")]
By = Annotated[Via, typer.Option("--via", help="Plan A, the route; or plan B, DNS.")]
Force = Annotated[
    str | None,
    typer.Option("--force", metavar="REASON", help="Override refusals by stand-by, parity, lock or API."),
]
Seconds = Annotated[float, typer.Option("--budget", min=5, max=3600, help="Seconds that it may take in all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OnlyReads = Annotated[
    bool,
    typer.Option("--read-only", help="The token may only read, and is not the rollback's own."),
]
KeepUntil = Annotated[
    datetime | None,
    typer.Option("--keep-until", metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="How long the stand-by stays."),
]


def status(
    context: typer.Context,
    only_reads: OnlyReads = False,
    hosts: Hosts = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Active side, what clients get, builds, certificate, token, last drill; exit 1 if a rollback would be refused."""
    from failover.cli.status import status as run
    from failover.cli.status import status_lines
    from failover.operation.operation import Operation

    ids, paths = _ids_and_paths(context, file, journal, hosts)
    token = _token(context, file, token_file)
    operation = Operation(ids=ids, paths=paths, token=token, act=Act.ROLLBACK, total_seconds=PREFLIGHT_SECONDS)
    with contextlib.closing(operation):
        found = run(operation, only_reads=only_reads)
    if as_json:
        show_json(found.document())
    else:
        show(status_lines(found))
    if found.faults:
        raise typer.Exit(1)


def plan(
    context: typer.Context,
    act: Annotated[Act, typer.Argument(help="What would be done.")] = Act.ROLLBACK,
    is_by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Print curl commands and clicks in place of it; asks nobody.")
    ] = False,
    via: By = Via.ROUTE,
    hosts: Hosts = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """What would be changed, how long it takes, and what speaks against it; changes nothing."""
    if is_by_hand:
        from failover.operation import by_hand

        ids, _ = _ids_and_paths(context, file, journal, hosts)
        show([*by_hand.commands(ids, act), "", *by_hand.clicks(ids, act)])
        return
    _run(context, act, Options(via, hosts, file, token_file, journal, as_json=as_json))


@dataclass(frozen=True)
class Options:
    """Options of plan, rollback and restore."""

    via: Via
    hosts: list[str] | None
    file: Path | None
    token_file: Path | None
    journal: Path | None
    force: str | None = None
    seconds: float = 300.0
    is_execute: bool = False
    as_json: bool = False


def rollback(
    context: typer.Context,
    is_execute: Execute = False,
    via: By = Via.ROUTE,
    force: Force = None,
    hosts: Hosts = None,
    seconds: Seconds = 300.0,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Have the stand-by at Vercel answer; exit 1 unless outside probes confirm it."""
    options = Options(via, hosts, file, token_file, journal, force, seconds, is_execute, as_json)
    _run(context, Act.ROLLBACK, options)


def restore(
    context: typer.Context,
    is_execute: Execute = False,
    force: Force = None,
    hosts: Hosts = None,
    seconds: Seconds = 300.0,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Have Cloudflare answer again, after plan A or B; rolls back again if the Worker does not keep answering."""
    options = Options(Via.ROUTE, hosts, file, token_file, journal, force, seconds, is_execute, as_json)
    _run(context, Act.RESTORE, options)


def _run(context: typer.Context, act: Act, options: Options) -> None:
    """The plan, or with --execute the act; exit 1 where it is refused or was not seen from outside."""
    from failover.operation.operation import Operation
    from failover.operation.outcome import outcome_lines

    if options.force is not None and len(options.force.strip()) < 4:
        raise UsageError("--force: needs a reason of four letters or more; it is kept in the evidence")
    ids, paths = _ids_and_paths(context, options.file, options.journal, options.hosts)
    operation = Operation(
        ids=ids,
        paths=paths,
        token=_token(context, options.file, options.token_file),
        act=act,
        via=options.via,
        force=options.force,
        total_seconds=options.seconds,
        say=progress if options.is_execute else lambda _: None,
        checkout=Path.cwd(),
    )
    if not options.is_execute:
        _show_plan(operation, _command_line(context, act), as_json=options.as_json)
        return
    try:
        with context.obj.changing():
            outcome = operation.execute()
    except KeyboardInterrupt:
        unfinished = operation.journal.unfinished()
        tell(f"interrupted: {unfinished}: {unfinished.next_step}" if unfinished else "interrupted; nothing was changed")
        raise typer.Exit(INTERRUPTED) from None
    for warning in outcome.warnings:
        tell(f"warning: {warning}")
    files = [str(path) for path in operation.files]
    if options.as_json:
        show_json(outcome.document() | {"files": files}, is_done=True)
    else:
        show([*outcome_lines(outcome), *files], is_done=True)
    if not outcome.result.is_done:
        raise typer.Exit(1)


def _show_plan(operation: "Operation", command: str, *, as_json: bool) -> None:
    from failover.common.lock import holder
    from failover.drill.result import last_switch_seconds
    from failover.operation.preflight import Reason, held_here, plan_lines

    with contextlib.closing(operation):
        found, changes, unfinished = operation.prepare()
    other = holder(operation.paths.lock)
    if other:
        found.refuse(Reason.LOCK, held_here(other), can_be_forced=False)
    measured = last_switch_seconds(operation.paths)
    for warning in operation.outcome.warnings:
        tell(f"warning: {warning}")
    if as_json:
        rows = [{"step": one.step, **one.document()} for one in changes]
        refused = [{"reason": str(one.reason), "text": one.text} for one in found.refusals]
        show_json({"changes": rows, "refused": refused, "unfinished": unfinished and str(unfinished)})
    else:
        show(plan_lines(operation.act, operation.via, found, changes, unfinished, measured))
    if found.refusals:
        raise typer.Exit(1)
    if not as_json and (changes or unfinished):
        tell(f"nothing was changed; do it with: {command}")


def drill(
    context: typer.Context,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How often.")] = 1,
    is_execute: Execute = False,
    via: By = Via.ROUTE,
    hosts: Hosts = None,
    seconds: Seconds = 300.0,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Roll back and restore while clients ask every 100 ms; exit 1 when a target is missed. Locally by default."""
    from failover.drill import result
    from failover.drill.drill import drill as run
    from failover.operation.operation import Operation

    ids, paths = _ids_and_paths(context, file, journal, hosts)
    token = _token(context, file, token_file)

    def make(act: Act, drill: str | None) -> Operation:
        what: dict[str, Any] = {"ids": ids, "paths": paths, "token": token, "via": via, "total_seconds": seconds}
        return Operation(act=act, is_drill=True, drill=drill, **what)

    if not is_execute and not (file is None and context.obj.is_local):
        names = ", ".join(host.hostname for host in ids.hosts)
        often = "once" if count == 1 else f"{count} times"
        show([f"would roll back {names} by {via} and restore it, {often}, for real clients to see"])
        tell(f"nothing was changed; do it with: {_command_line(context, 'drill')}")
        return
    with context.obj.changing():
        found = run(make, via, count, progress)
    files = [str(path) for path in result.write(paths.evidence, found)]
    if as_json:
        show_json(found.document() | {"files": files}, is_done=True)
    else:
        show([*result.lines(found), *files], is_done=True)
    if not found.is_passed:
        raise typer.Exit(INTERRUPTED if found.is_interrupted else 1)


def resolve(
    context: typer.Context,
    hosts: Hosts = None,
    stack: Annotated[str | None, typer.Option("--stack", metavar="STACK", help="For a new file: the stack.")] = None,
    zone: Annotated[str | None, typer.Option("--zone", metavar="NAME", help="For a new file: the zone's name.")] = None,
    zone_id: Annotated[str | None, typer.Option("--zone-id", metavar="ID", help="And its id, else looked up.")] = None,
    account: Annotated[str | None, typer.Option("--account", metavar="ID", help="The account's id.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="What serves the hosts.", show_default=False)] = None,
    standby: Annotated[str | None, typer.Option("--standby", metavar="NAME", help="Where the stand-by is.")] = None,
    script: Annotated[str | None, typer.Option("--script", metavar="NAME", help="Worker of a blank route.")] = None,
    keep_until: KeepUntil = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Look the ids up again and write the file; with --host only those hosts, and the others stay.

    With --zone, --stack and --host it makes a file of just these hosts: for the first time, or to leave one out.
    """
    from failover.cloudflare.resolve import Wanted, new_ids, resolved
    from failover.common.ids import read, write

    target = file or context.obj.ids()
    if target is None:
        raise UsageError("--ids: name the file to write")
    if zone and not (stack and hosts):
        raise UsageError("--zone: a new file also needs --stack and --host")
    known = None if zone else read(target)
    ids = known or new_ids(stack=stack or "", zone=zone or "", zone_id=zone_id or "", account=account or "")
    if not hosts and len(ids.hosts) > 1 and (kind or standby or script):
        raise UsageError("--kind, --standby, --script: name the host that they are for with --host")
    wanted = [
        Wanted(hostname=name, kind=kind, standby=standby, script=script)
        for name in hosts or [host.hostname for host in ids.hosts]
    ]
    stays = f"{keep_until:%Y-%m-%d}" if keep_until else ids.keep_until
    found = resolved(replace(ids, keep_until=stays), wanted, _token(context, file, token_file))
    write(target, found)
    is_same = known is not None and replace(known, resolved_at="") == replace(found, resolved_at="")
    tell(f"{target}: {'as before' if is_same else 'changed'}")
    if as_json:
        show_json(found.document())


def export(
    context: typer.Context,
    form: Annotated[
        ZoneFormat, typer.Option("--format", help="A zone file, or a change batch for Route 53.")
    ] = ZoneFormat.BIND,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write it here.")] = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
) -> None:
    """Plan C: the zone for another provider, with every failover host on the stand-by."""
    from failover.cloudflare.api import Api
    from failover.cloudflare.export import bind, route53, zone
    from failover.cloudflare.transport import Transport
    from failover.common.files import replace as write

    ids, _ = _ids_and_paths(context, file, None, None)
    transport = Transport(base_url=ids.api, token=_token(context, file, token_file))
    with contextlib.closing(transport):
        found = zone(ids, Api(ids, transport))
    text = bind(found) if form is ZoneFormat.BIND else route53(found)
    for warning in found.warnings:
        tell(f"warning: {warning}")
    if output:
        write(output, text)
        tell(f"{output}: {len(found.rows)} records")
    elif not show([text.removesuffix("\n")]):
        raise typer.Exit(1)


COMMANDS: tuple[Callable[..., None], ...] = (status, plan, rollback, restore, drill, resolve, export)


def application(surroundings: Surroundings, name: str) -> typer.Typer:
    """All commands, with what they take where no option says otherwise; `name` begins each line on stderr."""
    app = typer.Typer(
        name="failover", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )

    @app.callback(help=HELP)
    def start(context: typer.Context) -> None:
        context.obj = surroundings

    for command in COMMANDS:
        app.command(command.__name__)(_reporting(command, name))
    return app


def _reporting(command: Callable[..., None], name: str) -> Callable[..., None]:
    """What an operator can mend is one line each on stderr; the rest is a defect and keeps its traceback."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except FailoverError as error:
            for line in str(error).splitlines():
                print(f"{name}: {line}", file=sys.stderr)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None

    return run


def _ids_and_paths(
    context: typer.Context, file: Path | None, journal: Path | None, hosts: list[str] | None
) -> "tuple[Ids, Paths]":
    """The ids of the chosen hosts, and where things are kept. Raises FailoverError."""
    from failover.common.ids import read
    from failover.operation.journal import Paths

    found = file or context.obj.ids()
    if found is None:
        local = ", or start the local stack with `./hybrid local up`" if context.obj.is_local else ""
        raise FailoverError(f"no file of ids: name it with --ids or HYBRID_FAILOVER_IDS{local}")
    ids = read(found).chosen(hosts or [])
    return ids, Paths.of(found, journal, stack=ids.stack)


def _token(context: typer.Context, file: Path | None, token_file: Path | None) -> str:
    """The local stack's own only together with the local stack's ids. Raises FailoverError."""
    from failover.common.files import token

    own = context.obj.token_file() if file is None else None
    return token(token_file or own)


def _command_line(context: typer.Context, command: str) -> str:
    """What does what was planned, with the options that were given."""
    argv = [command, "--execute"]
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "")
        if given is None or given.name != "COMMANDLINE" or option.name in ("act", "is_execute", "as_json"):
            continue
        value = context.params[option.name or ""]
        for one in value if isinstance(value, list | tuple) else [value]:
            argv += [option.opts[0], str(one)]
    return shlex.join(argv)
