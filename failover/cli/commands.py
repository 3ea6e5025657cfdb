"""The commands' flags. They import what they need when they run, so that help comes at once."""

import contextlib
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from failover.cli.terminal import progress, show, show_json, tell

if TYPE_CHECKING:
    from failover.common.ids import Ids
    from failover.common.place import Place
    from failover.operation.operation import Operation
    from failover.operation.outcome import Outcome


class Way(StrEnum):
    """failover.operation.changes.Via; spelled out here, for --help imports nothing."""

    ROUTE = "route"
    DNS = "dns"


class Wish(StrEnum):
    """failover.operation.changes.Act."""

    ROLLBACK = "rollback"
    RESTORE = "restore"


class Served(StrEnum):
    """failover.common.ids.Kind."""

    WORKER = "worker"
    PAGES = "pages"


class Form(StrEnum):
    """Of a zone for another provider."""

    BIND = "bind"
    ROUTE53 = "route53"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the commands take where no flag says otherwise."""

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
By = Annotated[Way, typer.Option("--via", help="Plan A, the route; or plan B, DNS.")]
Force = Annotated[
    str | None,
    typer.Option("--force", metavar="REASON", help="Act though stand-by, parity, lock or API speak against it."),
]
Seconds = Annotated[float, typer.Option("--budget", min=5, max=3600, help="Seconds that it may take in all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def setup(
    context: typer.Context, file: Path | None, journal: Path | None, hosts: list[str] | None
) -> "tuple[Ids, Place]":
    """The ids of the chosen hosts, and where things are kept. Raises FailoverError."""
    from failover.common.errors import FailoverError
    from failover.common.ids import read
    from failover.common.place import Place

    found = file or context.obj.ids()
    if found is None:
        local = ", or start the local stack with `./hybrid local up`" if context.obj.is_local else ""
        raise FailoverError(f"no file of ids: name it with --ids or HYBRID_FAILOVER_IDS{local}")
    ids = read(found).chosen(hosts or [])
    return ids, Place.of(found, journal, stack=ids.stack)


def secret(context: typer.Context, file: Path | None, token_file: Path | None) -> str:
    """The token; the local stack's own only together with the local stack's ids. Raises FailoverError."""
    from failover.common.credential import token

    own = context.obj.token_file() if file is None else None
    return token(token_file or own)


def plan(
    context: typer.Context,
    wish: Annotated[Wish, typer.Argument(help="What would be done.")] = Wish.ROLLBACK,
    is_by_hand: Annotated[
        bool, typer.Option("--by-hand", help="Print curl commands and clicks in place of it; asks nobody.")
    ] = False,
    via: By = Way.ROUTE,
    hosts: Hosts = None,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """What would be changed, how long it takes, and what speaks against it; changes nothing."""
    if is_by_hand:
        from failover.operation import by_hand
        from failover.operation.changes import Act

        ids, _ = setup(context, file, journal, hosts)
        show([*by_hand.commands(ids, Act(wish)), "", *by_hand.clicks(ids, Act(wish))])
        return
    _act(context, wish, Flags(via, hosts, file, token_file, journal, as_json=as_json))


@dataclass(frozen=True)
class Flags:
    """What rollback and restore have in common."""

    via: Way
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
    via: By = Way.ROUTE,
    force: Force = None,
    hosts: Hosts = None,
    seconds: Seconds = 300.0,
    file: IdsFile = None,
    token_file: TokenFile = None,
    journal: JournalFile = None,
    as_json: AsJson = False,
) -> None:
    """Have the stand-by at Vercel answer; exit 1 unless it is seen to, from outside."""
    _act(context, Wish.ROLLBACK, Flags(via, hosts, file, token_file, journal, force, seconds, is_execute, as_json))


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
    """Have Cloudflare answer again, whichever way it was rolled back; backs out where that does not hold."""
    flags = Flags(Way.ROUTE, hosts, file, token_file, journal, force, seconds, is_execute, as_json)
    _act(context, Wish.RESTORE, flags)


def _act(context: typer.Context, wish: Wish, flags: Flags) -> None:
    from failover.common.errors import UsageError
    from failover.operation.changes import Act, Via
    from failover.operation.operation import Operation

    if flags.force is not None and len(flags.force.strip()) < 4:
        raise UsageError("--force: needs a reason of four letters or more; it is kept in the evidence")
    ids, place = setup(context, flags.file, flags.journal, flags.hosts)
    operation = Operation(
        ids=ids,
        place=place,
        token=secret(context, flags.file, flags.token_file),
        act=Act(wish),
        via=Via(flags.via),
        force=flags.force,
        total_seconds=flags.seconds,
        say=progress if flags.is_execute else lambda _: None,
        checkout=Path.cwd(),
    )
    if flags.is_execute:
        with context.obj.changing():
            outcome = _executed(operation)
        _finish(outcome, operation.files, as_json=flags.as_json)
    else:
        _show_plan(operation, again(context, wish), as_json=flags.as_json)


def _executed(operation: "Operation") -> "Outcome":
    """Interrupted, it says what stands open."""
    try:
        return operation.execute()
    except KeyboardInterrupt:
        unfinished = operation.journal.unfinished()
        tell(f"interrupted: {unfinished}: {unfinished.way_out}" if unfinished else "interrupted; nothing was changed")
        raise typer.Exit(130) from None


def again(context: typer.Context, wish: str) -> str:
    """The command line that does what was planned, with the flags that were given."""
    words = [wish, "--execute"]
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "")
        if given is None or given.name != "COMMANDLINE" or option.name in ("wish", "is_execute", "as_json"):
            continue
        value = context.params[option.name or ""]
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option.opts[0], str(one)]
    return shlex.join(words)


def _show_plan(operation: "Operation", command: str, *, as_json: bool) -> None:
    from failover.common.lock import holder
    from failover.operation.judgement import held_here
    from failover.operation.look import Reason
    from failover.operation.measured import last_switch_seconds
    from failover.operation.words import plan_lines

    with contextlib.closing(operation):
        found, changes, unfinished = operation.prepare()
    other = holder(operation.place.lock)
    if other:
        found.refuse(Reason.LOCK, held_here(other), can_be_forced=False)
    measured = last_switch_seconds(operation.place)
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


def _finish(outcome: "Outcome", files: list[Path], *, as_json: bool) -> None:
    from failover.operation.words import outcome_lines

    for warning in outcome.warnings:
        tell(f"warning: {warning}")
    if as_json:
        show_json(outcome.document() | {"files": [str(path) for path in files]})
    else:
        show([*outcome_lines(outcome), *map(str, files)])
    if not outcome.result.is_done:
        raise typer.Exit(1)
