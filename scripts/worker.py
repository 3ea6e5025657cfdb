"""`./hybrid worker`: versions of a stack's Workers, a check of the newest one, and rollback."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.options import AsJson, recorded
from scripts.output import console, tell, write_json

if TYPE_CHECKING:
    from workers.cloudflare_api import Version, Worker
    from workers.rollback import Rollback

app = typer.Typer(
    help="Versions of a stack's Workers in the cloud. CLOUDFLARE_API_TOKEN has the token.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class Name(StrEnum):
    """A Worker of the stack."""

    API = "api"
    WEB = "web"


NEWEST = "newest"
StackArgument = Annotated[str, typer.Argument(metavar="STACK", help="A stack, such as prod.")]
WorkerName = Annotated[Name, typer.Option("--worker", help="Which Worker.")]
Execute = Annotated[bool, typer.Option("--execute", help="Do it; else only the plan is printed.")]


@app.command()
def versions(stack: StackArgument, worker: WorkerName = Name.API, as_json: AsJson = False) -> None:
    """List the versions that can be rolled back to, newest first, and what share of the requests each answers."""
    from rich.table import Table

    from workers import cloudflare_api, rollback

    (plan,) = recorded(stack)
    with cloudflare_api.opened(plan, worker) as opened:
        found = opened.versions()[: rollback.KEPT]
    if as_json:
        write_json([version.document() for version in found])
        return
    table = Table("version", "", "build", "uploaded", "answers", box=None, pad_edge=False, header_style="bold")
    for one in found:
        share = f"[green]{one.percent:g} %[/]" if one.percent else ""
        table.add_row(one.id, str(one.number), one.build, f"{one.created:%Y-%m-%d %H:%M} UTC", share)
    console().print(table)


@app.command()
def hold(
    stack: StackArgument,
    worker: WorkerName = Name.API,
    percent: Annotated[int, typer.Option("--percent", min=1, max=99, help="Share of the requests.")] = 90,
) -> None:
    """Set that the version in service keeps a share of the requests at the next `pulumi up`, and print its id."""
    from workers import cloudflare_api, settings
    from workers.cloudflare_api import WorkerError

    (plan,) = recorded(stack)
    with cloudflare_api.opened(plan, worker) as opened:
        answering = [version.id for version in opened.versions() if version.percent]
    if len(answering) != 1:
        raise WorkerError(f"{opened.name}: {len(answering)} versions answer; first have one do so, by rollback --to")
    print(answering[0])
    for line in settings.set_earlier(stack, worker, answering[0], percent, Path.cwd()):
        tell(line)


@app.command()
def rollback(
    stack: StackArgument,
    worker: WorkerName = Name.API,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="Its id, or newest; default: the previously deployed version."),
    ] = None,
    percent: Annotated[int, typer.Option("--percent", min=1, max=100, help="Share of the requests.")] = 100,
    is_forced: Annotated[bool, typer.Option("--force", help="Roll back even if its migrations are unknown.")] = False,
    is_executed: Execute = False,
) -> None:
    """Roll back to an earlier version, and set it, so that no `pulumi up` undoes it; first the plan."""
    from workers import cloudflare_api

    (plan,) = recorded(stack)
    with cloudflare_api.opened(plan, worker) as opened:
        _go_back(opened, stack, worker, to, percent, is_forced=is_forced, is_executed=is_executed)


def _go_back(
    opened: "Worker", stack: str, worker: Name, to: str | None, percent: int, *, is_forced: bool, is_executed: bool
) -> None:
    from functools import partial

    from plan.project import ROOT
    from workers import rollback as run
    from workers import settings

    found = opened.versions()
    newest = next((version.id for version in found if version.percent), "")
    # Only the API's Worker knows the database.
    has_database = worker is Name.API
    plan = run.planned(
        opened.name,
        found,
        found[0].id if to == NEWEST and found else to or opened.before(newest),
        percent,
        partial(run.migrations_at, ROOT) if has_database else lambda _: frozenset(),
        run.migrations(ROOT) if has_database else frozenset(),
    )
    _print_plan(opened.name, found, plan)
    if plan.refusals or (plan.doubts and not is_forced):
        raise typer.Exit(1)
    if not is_executed:
        tell("nothing was changed; do it with --execute")
        return
    run.execute(opened, plan)
    tell(f"{opened.name}: version {plan.target.number} answers {percent} % of the requests")
    for line in settings.set_earlier(stack, worker, *plan.earlier, Path.cwd()):
        tell(line)


def _print_plan(name: str, found: "list[Version]", planned: "Rollback") -> None:
    numbers = {version.id: f"version {version.number}, build {version.build}" for version in found}
    for one in found:
        if one.percent:
            print(f"{name}: now      {one.percent:g} %  {one.id}  {numbers[one.id]}")
    for version, share in planned.shares:
        print(f"{name}: would be {share:g} %  {version}  {numbers[version]}")
    for reason in planned.refusals:
        print(f"refused: {reason}")
    for reason in planned.doubts:
        print(f"refused without --force: {reason}")
    if planned.newer:
        print(f"must be compatible with later migrations: {', '.join(planned.newer)}")


@app.command()
def check(
    stack: StackArgument,
    worker: WorkerName = Name.API,
    url: Annotated[str | None, typer.Option("--url", help="Ask here; the Worker's host name unless set.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="Seconds to wait until it is healthy.")] = 60,
    is_executed: Annotated[
        bool, typer.Option("--execute", help="Roll back to the previous version if the check fails.")
    ] = False,
) -> None:
    """Check the newest deployed version's health (/healthcheck); exit 1 if unhealthy."""
    from workers import check as run
    from workers import cloudflare_api
    from workers.cloudflare_api import WorkerError

    (plan,) = recorded(stack)
    with cloudflare_api.opened(plan, worker) as opened:
        newest = next((version for version in opened.versions() if version.percent), None)
        if newest is None:
            raise WorkerError(f"{opened.name}: no version of it is deployed")
        try:
            run.check(url or run.address(plan, worker), opened.name, newest, seconds)
        except WorkerError as error:
            if not is_executed:
                raise
            tell(f"hybrid: {error}")
            _go_back(opened, stack, worker, None, 100, is_forced=True, is_executed=True)
            raise typer.Exit(1) from error
        tell(f"{opened.name}: version {newest.number}, build {newest.build}, is healthy")
