"""`./hybrid db`: the running database, of the local stack or of one in the cloud."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from components.common.errors import HybridError
from database.terms import Order, Route
from scripts.options import AsJson, StackName
from scripts.output import console, tell, write_json

if TYPE_CHECKING:
    from database.access import OpenAccess
    from database.findings import Finding
    from database.status import Status
    from database.top import Statement
    from local.host.migrations import Migrations
    from local.processes.stack import Stack as LocalStack

app = typer.Typer(
    help="The running database, here or with --stack in the cloud: status, top, psql, migrate, standby.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # `--way` was --route's name until this release.
    context_settings={"token_normalize_func": lambda token: "route" if token == "way" else token},
)


Carrier = Annotated[
    Route | None,
    typer.Option("--route", help="How to reach a stack in the cloud; tunnel unless set.", show_default=False),
]


def _local() -> "LocalStack":
    from local.processes.stack import Stack
    from plan.project import ROOT

    return Stack.of(ROOT)


def _access(stack: str | None, route: Route | None) -> "OpenAccess":
    if stack is None:
        from database.local_access import open_local

        if route is not None:
            raise typer.BadParameter("is for a stack in the cloud: add --stack", param_hint="--route")
        return open_local(_local(), tell)
    from database import cloud_access
    from database.declared import declared
    from plan.record import record

    return cloud_access.open_cloud(declared(record(stack)), route or Route.TUNNEL)


@app.command()
def status(stack: StackName = None, route: Carrier = None, as_json: AsJson = False) -> None:
    """Versions, disk, WAL, archiving, slots, transactions, jobs, connections, certificate; exit 1 when critical."""
    from database import status as run
    from database.findings import Level

    try:
        with _access(stack, route)(run.ROLE) as access:
            found = run.status(access, () if stack else _pooler(), is_pinned=stack is not None)
    except HybridError as error:
        if not as_json:
            raise
        from database.local_access import LOCAL

        write_json(run.unreachable(stack or LOCAL, str(error)))
        raise typer.Exit(1) from error
    if as_json:
        write_json(found.document())
    else:
        _print_status(found)
    if stack is None:
        from local.common import disk_space

        disk_space.ensure(_local().state)
    if found.level is Level.CRITICAL:
        raise typer.Exit(1)


def _pooler() -> "tuple[Finding, ...]":
    from database.findings import measured
    from database.local_access import is_open

    port = _local().ports.pooler
    if is_open(port):
        return (measured("pooler", 0, f"answers on port {port}"),)
    return (measured("pooler", 1, f"does not answer on port {port}; see `./hybrid local status`"),)


def _print_status(found: "Status") -> None:
    from rich.markup import escape
    from rich.table import Table

    from database.findings import Level
    from database.status import NOT_FOR_MONITOR, ROLE

    colours = {Level.OK: "green", Level.WARNING: "yellow", Level.CRITICAL: "red"}
    table = Table("", "what", "found", "warning / critical", box=None, pad_edge=False, header_style="bold")
    for finding in found.findings:
        level = f"[{colours[finding.level]}]{finding.level}[/]"
        table.add_row(level, finding.name, escape(finding.detail), str(finding.limits or ""))
    out = console()
    out.print(table)
    for reason in found.unseen:
        out.print(f"not seen: {escape(reason)}", soft_wrap=True)
    out.print(
        f"{found.stack}: [{colours[found.level]}]{found.level}[/], asked {found.route} as {ROLE}, who never sees:"
    )
    for thing in NOT_FOR_MONITOR:
        out.print(f"  {thing}", soft_wrap=True)


@app.command()
def top(
    count: Annotated[int, typer.Option("-n", min=1, max=1000, help="How many statements.")] = 20,
    order: Annotated[Order, typer.Option("--by", help="Sort by.")] = Order.TOTAL,
    stack: StackName = None,
    route: Carrier = None,
    as_json: AsJson = False,
) -> None:
    """Statements that the database's time goes to, from pg_stat_statements; never a value in them."""
    from database import top as run

    with _access(stack, route)(run.ROLE) as access:
        statements = run.top(access, count, order)
    if as_json:
        write_json([statement.document() for statement in statements])
    else:
        _print_top(statements)


def _print_top(statements: "list[Statement]") -> None:

    head = ("share", "total s", "calls", "mean ms", "rows", "cache", "blocks")
    rows = [_figures(statement) for statement in statements]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    out = console()
    for figures, query in [(head, "statement"), *zip(rows, (one.query for one in statements), strict=True)]:
        line = "  ".join([*(text.rjust(width) for text, width in zip(figures, widths, strict=True)), query])
        cut = line if len(line) <= out.width else f"{line[: out.width - 1]}…"
        out.print(cut, markup=False, soft_wrap=True)


def _figures(one: "Statement") -> tuple[str, ...]:
    cache = "" if one.cache_hit is None else f"{one.cache_hit:.0%}"
    times = (f"{one.share:.1%}", f"{one.total_ms / 1000:.2f}", str(one.calls), f"{one.mean_ms:.2f}")
    return (*times, str(one.rows), cache, str(one.io_blocks))


@app.command()
def psql(
    role: Annotated[str, typer.Option("--role", help="Role to log in as.")] = "read_only",
    commands: Annotated[
        list[str] | None, typer.Option("--command", "-c", metavar="SQL", help="Run this and end; may be repeated.")
    ] = None,
    stack: StackName = None,
    route: Carrier = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGUMENTS]", help="Arguments passed to psql.")
    ] = None,
) -> None:
    """Open psql as a role: app and public_read through the pooler, others directly."""
    from database import psql as run
    from database.access import POOLED, refuse_locked_out
    from local.common.state import State
    from local.stack import verified
    from plan.project import ROOT

    argv = run.arguments(commands or [], arguments or [])
    with _access(stack, route)(role, is_pooled=role in POOLED) as access:
        tell(f"{access.role} on {access.stack}, {access.route}")
        variables = run.environment(access)
        if run.local_psql() is None and stack is None:
            from database.local_access import on_host

            argv, changes = on_host(_local(), argv)
            variables |= changes
        with verified.changing(State.of(ROOT)) if stack is None else nullcontext():
            code = run.run_psql(argv, variables)
        if code and access.fault():
            tell(f"hybrid: {access.fault()}")
        elif code == run.NO_CONNECTION:
            refuse_locked_out(access)
    if code:
        raise typer.Exit(code)


@app.command()
def migrate(
    is_applied: Annotated[bool, typer.Option("--apply", help="Run what is pending.")] = False,
    stack: StackName = None,
    route: Carrier = None,
    as_json: AsJson = False,
) -> None:
    """List applied and pending migrations; with --apply, run them: directly, one run at a time."""
    import psycopg

    from database.access import one_line, refuse_locked_out
    from database.errors import DatabaseError
    from local.common.state import State
    from local.host import migrations
    from local.stack import verified
    from plan.project import ROOT

    folder = ROOT / migrations.FOLDER
    with _access(stack, route)(migrations.ROLE) as access:
        refuse_locked_out(access)
        here = is_applied and stack is None
        try:
            with verified.changing(State.of(ROOT)) if here else nullcontext():
                ran = migrations.apply(access.parameters, folder, _running) if is_applied else []
            found = migrations.plan(access.parameters, folder)
        except psycopg.Error as error:
            raise DatabaseError(f"{access.stack}: migrations: {access.fault() or one_line(error)}") from error
    if as_json:
        applied = [{"name": name, "applied_at": when} for name, when in found.applied]
        document = {"ran": ran, "applied": applied, "pending": found.pending, "unknown": found.unknown}
        write_json(document)
    else:
        _print_migrations(found, ran, is_applied=is_applied)


@app.command()
def standby(stack: StackName = None) -> None:
    """Check before a cut-over that the standby is in sync: has what the serving host just wrote; exit 1 if not."""
    if stack is None:
        from database.errors import DatabaseError
        from local.host import standbys

        first = _local()
        folders = standbys.ensure_following(first, tell)
        if not folders:
            raise DatabaseError("no standby follows the local stack; `./hybrid local up --standby-of` makes one")
        if not standbys.serves(first):
            raise DatabaseError(
                f"{first.state.folder}: does not run, or was told to stop serving: there is nothing to follow"
            )
        verb = "follows" if len(folders) == 1 else "follow"
        print(f"{' and '.join(map(str, folders))} {verb} {first.state.folder}")
        return
    from backups.cloud_connection import of_each_host
    from backups.standby import ensure_following
    from plan.project import ROOT
    from plan.record import record

    print(ensure_following(of_each_host(record(stack), ROOT / ".state" / "drills", tell), tell))


def _running(text: str) -> None:
    if sys.stderr.isatty():
        tell(f"  … {text}")


def _print_migrations(found: "Migrations", ran: list[str], *, is_applied: bool) -> None:
    for name, when in found.applied:
        print(f"applied  {name}  {when} UTC{'  now' if name in ran else ''}")
    for name in found.pending:
        print(f"pending  {name}")
    for name in found.unknown:
        print(f"unknown  {name}  in the database, not in the project")
    if found.pending and not is_applied:
        tell("run them with --apply")
    elif not found.pending:
        tell(f"{len(ran)} applied" if ran else "nothing to apply")
