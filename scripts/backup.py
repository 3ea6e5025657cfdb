"""`./hybrid backup`: take one, list them, verify the repository."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.options import AsJson, AsOf, From, Repository, StackName, say, tell_zone, value_of
from scripts.output import console, require_svg, tell, write, write_json

if TYPE_CHECKING:
    from backups.renderer import Listed
    from host.recovery.contract import Source, Verified

app = typer.Typer(
    help="Backups of the database, here or with --stack in the cloud: now, list, verify.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class Kind(StrEnum):
    """pgBackRest's: all, what changed since the last full one, what changed since the last one of any kind."""

    FULL = "full"
    DIFF = "diff"
    INCR = "incr"


@app.command()
def now(
    kind: Annotated[
        Kind | None, typer.Option("--type", help="diff unless set, or full where there is none.", show_default=False)
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Take a backup."""
    from backups.connect import connect
    from backups.connection import asked
    from database.figures import duration, size
    from host.recovery.contract import BackupRequest, Taken, document

    taken = asked(connect(stack, say), Taken, BackupRequest(kind=kind and kind.value))
    if as_json:
        write_json(document(taken))
        return
    one = taken.backup
    print(
        f"{one.label}: {one.kind}, {duration(one.seconds)}, {size(one.database_bytes)}, "
        f"{size(one.repository_bytes)} of its own in the repository"
    )


@app.command(name="list")
def listed(
    picture: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Draw backups, WAL and what can be restored here.")
    ] = None,
    repository: From = Repository.PRIMARY,
    as_of: AsOf = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Every backup with its copy, and the times that one can restore to."""
    from backups.connect import connect
    from backups.connection import asked
    from backups.renderer import Listed
    from host.recovery.contract import Listing, ListRequest

    require_svg(picture, "--svg")
    source = _source(repository, as_of)
    connection = connect(stack, say)
    listing = asked(connection, Listing, ListRequest(source=source))
    found = Listed(listing=listing, copies=connection.copy_states(listing.backups, source))
    if picture:
        _draw(picture, found, connection.stack)
    if as_json:
        write_json(found.document())
    else:
        _print_list(found)


def _source(repository: Repository, as_of: str | None) -> "Source":
    from backups.request import source

    with value_of("--as-of"):
        found = source(repository, as_of)
    tell_zone(as_of)
    return found


def _draw(path: Path, found: "Listed", stack: str) -> None:
    from backups.timeline import svg

    write(svg(found.listing, stack), path)
    tell(f"drawn: {path}")


def _print_list(found: "Listed") -> None:
    from rich.markup import escape
    from rich.table import Table

    from backups.renderer import HEAD, below, rows

    table = Table(*HEAD, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[3:6]:
        column.justify = "right"
    for row in rows(found):
        table.add_row(*map(escape, row))
    out = console()
    if table.row_count:
        out.print(table)
    for line in below(found.listing):
        out.print(escape(line), soft_wrap=True)


@app.command()
def verify(
    repository: From = Repository.PRIMARY, as_of: AsOf = None, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Read all backups and all log of the repository and check them; exit 1 when a file is damaged."""
    from backups.connect import connect
    from backups.connection import asked
    from host.recovery.contract import Verified, VerifyRequest, document

    source = _source(repository, as_of)
    found = asked(connect(stack, say), Verified, VerifyRequest(source=source))
    if as_json:
        write_json(document(found))
    else:
        _print_verified(found)
    if not found.is_sound:
        raise typer.Exit(1)


def _print_verified(found: "Verified") -> None:
    from database.figures import counted, duration

    for damage in found.damaged:
        print(f"damaged  {damage.file}  {damage.fault}")
    whole = f"{counted(found.backups, 'backup')}, {counted(found.wal_files, 'WAL file')}, {duration(found.seconds)}"
    faults = f"{counted(len(found.damaged), 'fault')}; " if found.damaged else ""
    print(f"{'sound' if found.is_sound else 'not sound'}: {faults}{whole}")
