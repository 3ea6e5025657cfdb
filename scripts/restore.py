"""`./hybrid restore`: a plan unless told to act; a cluster beside the one that serves, or in its place."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.options import AsJson, AsOf, From, Repository, StackName, say, tell_zone, value_of
from scripts.output import tell, write_json

if TYPE_CHECKING:
    from backups.connection import Connection
    from host.recovery.contract import Plan, Restored, RestoreRequest, Source, Target


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A restore as the operator asked for it."""

    target: "Target"
    source: "Source"
    into: str
    replace: str | None
    accepted_loss: int | None

    def request(self, act: Literal["plan", "restore"]) -> "RestoreRequest":
        from host.recovery.contract import RestoreRequest

        return RestoreRequest(
            act=act,
            target=self.target,
            source=self.source,
            into=self.into,
            replace=self.replace,
            accepted_loss=self.accepted_loss,
        )


To = Annotated[
    str | None,
    typer.Option("--to", metavar="TARGET", help="latest, a time (UTC unless it says), lsn:X, xid:N or name:POINT."),
]
Into = Annotated[
    str | None, typer.Option("--into", metavar="NAME", help="A new cluster beside main; or main, which serves.")
]
Timeline = Annotated[int | None, typer.Option("--timeline", min=1, metavar="N", help="Timeline; default: the newest.")]
Label = Annotated[
    str | None, typer.Option("--set", metavar="LABEL", help="Backup to start from; default: chosen for the target.")
]
Replace = Annotated[str | None, typer.Option("--replace", metavar="NAME", help="Repeat NAME to allow overwriting it.")]
AcceptLoss = Annotated[
    int | None,
    typer.Option(
        "--accept-loss", min=1, metavar="BYTES", help="Accept the loss of up to so many bytes of main's newest log."
    ),
]
Discard = Annotated[
    str | None, typer.Option("--discard", metavar="NAME", help="Delete a restored or kept cluster instead.")
]
Open = Annotated[
    str | None,
    typer.Option("--open", metavar="NAME", help="Start a kept cluster beside main instead, to read rows out of it."),
]
Close = Annotated[str | None, typer.Option("--close", metavar="NAME", help="Stop what --open started, instead.")]
WOULD = {
    "--discard": "would be deleted",
    "--open": "would be started beside main, without a network or main's socket, and read-only unless told otherwise",
    "--close": "would be stopped",
}


def restore(
    to: To = None,
    into: Into = None,
    is_exclusive: Annotated[bool, typer.Option("--exclusive", help="Stop before the target, not after it.")] = False,
    timeline: Timeline = None,
    label: Label = None,
    repository: From = Repository.PRIMARY,
    as_of: AsOf = None,
    replace: Replace = None,
    accepted_loss: AcceptLoss = None,
    discard: Discard = None,
    opened: Open = None,
    closed: Close = None,
    is_applied: Annotated[bool, typer.Option("--apply", help="Act; without it nothing is done.")] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Plan a restore to a moment, and carry it out with --apply; exit 1 where it can't be done."""
    from backups.connect import connect
    from backups.request import cluster, source, target

    named = {"--discard": discard, "--open": opened, "--close": closed}
    for option, name in named.items():
        if name is None:
            continue
        if to is not None or into is not None or any(other for key, other in named.items() if key != option):
            raise typer.BadParameter("goes without --to and --into, and alone", param_hint=option)
        _act_on(option, name, stack, is_applied=is_applied, as_json=as_json)
        return
    if to is None or into is None:
        raise typer.BadParameter("both are needed, or --discard, --open or --close NAME", param_hint="--to and --into")
    with value_of("--to"):
        wanted = target(to, is_exclusive=is_exclusive, timeline=timeline, label=label)
    with value_of("--into"):
        cluster(into)
    with value_of("--as-of"):
        where = source(repository, as_of)
    if replace not in (None, into):
        raise typer.BadParameter(f"names {replace!r}, and the target is {into!r}", param_hint="--replace")
    tell_zone(to if wanted.kind == "time" else None, as_of)
    wish = Wish(target=wanted, source=where, into=into, replace=replace, accepted_loss=accepted_loss)
    _restore(connect(stack, say), wish, stack, is_applied=is_applied, as_json=as_json)


def _restore(connection: "Connection", wish: Wish, stack: str | None, *, is_applied: bool, as_json: bool) -> None:
    from backups.connection import asked
    from backups.errors import BackupError
    from host.recovery.contract import Plan, document

    plan = asked(connection, Plan, wish.request("plan"))
    # What can't be is not drawn; its faults come below.
    if not as_json and not plan.faults:
        _print_plan(plan)
    if as_json and (plan.faults or not is_applied):
        write_json(document(plan))
    is_lacking = plan.needs_replace and wish.replace is None
    if plan.faults:
        raise BackupError("\n".join(plan.faults))
    if not is_applied:
        tell(f"nothing has been done; to do it: {_command(is_lacking, wish.into)}")
        return
    if is_lacking:
        raise BackupError(f"{wish.into}: has data, and would be overwritten; allowed: --replace {wish.into}")
    found = _carried_out(connection, wish)
    if as_json:
        write_json(document(found))
    else:
        _print_restored(found, stack)


def _command(is_lacking: bool, into: str) -> str:
    """What was typed, and what is needed more."""
    import sys

    more = [*(["--replace", into] if is_lacking else []), "--apply"]
    return shlex.join(["./hybrid", *sys.argv[1:], *more])


def _carried_out(connection: "Connection", wish: Wish) -> "Restored":
    from backups.connection import asked
    from host.recovery.contract import MAIN, Restored

    if wish.into == MAIN and wish.replace is not None:
        return connection.restore_in_place(wish.request("restore"))
    return asked(connection, Restored, wish.request("restore"))


def _print_plan(plan: "Plan") -> None:
    from backups.renderer import plan_lines

    lines = plan_lines(plan)
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        print(f"{name:<{width}}  {text}")


def _print_restored(found: "Restored", stack: str | None) -> None:
    from backups.renderer import restored_lines

    for line in restored_lines(found, stack):
        print(line)


def _act_on(option: str, name: str, stack: str | None, *, is_applied: bool, as_json: bool) -> None:
    """Deletes, opens or closes a cluster that is not main; without --apply it is looked at."""
    from backups.connect import connect
    from backups.connection import asked
    from backups.errors import BackupError
    from backups.renderer import opened_lines
    from backups.request import beside
    from database.figures import clock, size
    from host.recovery.contract import (
        CloseRequest,
        Discarded,
        DiscardRequest,
        Listing,
        ListRequest,
        Opened,
        OpenRequest,
        document,
    )

    with value_of(option):
        beside(name)
    connection = connect(stack, say)
    if not is_applied:
        listing = asked(connection, Listing, ListRequest())
        one = next((found for found in listing.restored if found.name == name), None)
        if one is None:
            known = ", ".join(found.name for found in listing.restored) or "none"
            raise BackupError(f"{name}: no such cluster; there are: {known}")
        if as_json:
            write_json(document(one))
        else:
            print(f"{name}: {one.kind}, {one.state}, {size(one.bytes)}, made {clock(one.made_at)} UTC, {WOULD[option]}")
        tell(f"nothing has been done; to do it: {_command(False, name)}")
        return
    if option == "--discard":
        freed = asked(connection, Discarded, DiscardRequest(name=name))
        lines, answer = [f"{name}: deleted, {size(freed.freed_bytes)} freed"], document(freed)
    else:
        request = OpenRequest(name=name) if option == "--open" else CloseRequest(name=name)
        found = asked(connection, Opened, request)
        lines, answer = list(opened_lines(found.cluster, stack)), document(found)
    if as_json:
        write_json(answer)
        return
    for line in lines:
        print(line)
