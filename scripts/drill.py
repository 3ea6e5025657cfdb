"""`./hybrid drill`: restores for real, checks what came back, and leaves evidence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.options import AsJson, StackName, say, tell_zone, value_of
from scripts.output import console, tell, write_json

if TYPE_CHECKING:
    from backups.connection import Connection
    from host.recovery.contract import Evidence, Listing


def drill(
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Seed of the random point; default: a new one.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Restore this point, such as an earlier drill's, and draw none."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", metavar="FOLDER", help="Folder for the evidence.", file_okay=False)
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Restore the newest state and a random point into a cluster nobody reaches; exit 1 when a target is missed."""
    from backups import evidence
    from backups import request as requests
    from backups.connect import connect
    from backups.connection import asked
    from host.recovery.contract import Evidence, document

    if seed is not None and at is not None:
        raise typer.BadParameter("goes without --at, which draws nothing", param_hint="--seed")
    with value_of("--at"):
        request = requests.drill(seed, at)
    tell_zone(at)
    connection = connect(stack, say)
    # Before, and not after hours of work.
    evidence.refuse_unwritable(folder or connection.evidence)
    found = asked(connection, Evidence, request)
    found = found.model_copy(update={"stack": connection.stack})
    files = evidence.write(folder or connection.evidence, found, _listing(connection))
    if as_json:
        write_json(document(found) | {"files": [str(path) for path in files]})
    else:
        _print_drill(found, files)
    if not found.is_passed:
        raise typer.Exit(1)


def _listing(connection: "Connection") -> "Listing | None":
    """The listing for the picture; None where it can't be had, since the evidence does without."""
    from backups.connection import asked
    from components.common.errors import HybridError
    from host.recovery.contract import Listing, ListRequest

    try:
        return asked(connection, Listing, ListRequest())
    except HybridError as error:
        tell(f"no picture: {error}")
        return None


def _print_drill(found: "Evidence", files: list[Path]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from backups.renderer import drill_rows
    from database.figures import duration

    table = Table("check", "", "", box=None, pad_edge=False, header_style="bold")
    for name, is_passed, detail in drill_rows(found):
        table.add_row(escape(name), "[green]passed[/]" if is_passed else "[red]missed[/]", escape(detail))
    out = console()
    out.print(table)
    for fault in found.faults:
        out.print(f"[red]fault[/] {escape(fault)}", soft_wrap=True)
    verdict = "[green]passed[/]" if found.is_passed else "[red]missed[/]"
    out.print(f"{found.stack}: {verdict} in {duration(found.seconds)}, seed {found.seed}")
    for path in files:
        out.print(escape(str(path)), soft_wrap=True)
