"""`./hybrid residency`: where every byte of a stack lives."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.options import PlanFile, StackArgument, planned
from scripts.output import Output, console, require_svg, tell, write, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from policies.map.residency import Entry, ResidencyMap

_STYLES = {"regulated": "bold blue", "personal": "bold magenta", "public": "green", "none": "dim"}


class Format(StrEnum):
    """What the map is written as."""

    TABLE = "table"
    JSON = "json"
    SVG = "svg"


def residency(
    stack: StackArgument = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Output = None,
    file: PlanFile = None,
) -> None:
    """Show every place that holds or passes data: its class, where it is, what proves it, which rule guards it.

    Exit 1 where one keeps regulated or personal data outside Canada, or nobody knows where.
    """
    from policies.map.residency import residency_map

    form = Format.JSON if as_json else form
    if form is Format.SVG:
        require_svg(output, "--output")
    found = residency_map(planned(stack, file))
    if form is Format.SVG:
        from pictures.residency import svg

        write(svg(found), output)
    elif form is Format.JSON:
        write_json(found.document(), output)
    elif output is None:
        console().print(table(found))
    else:
        out = console()
        with out.capture() as captured:
            out.print(table(found))
        write(captured.get(), output)
    if found.faults:
        tell(f"{found.stack}: {found.summary}")
        raise typer.Exit(1)


def table(found: "ResidencyMap") -> "RenderableType":
    """One line a place; what is at fault is red."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    lines = Table("where, what", "", "data", "proof", "rule", box=None, pad_edge=False, header_style="bold")
    before = ""
    for entry in found.entries:
        if entry.where.label != before:
            before = entry.where.label
            lines.add_row(Text(before, "bold"))
        lines.add_row(
            Text.assemble("  ", entry.what, (f"  {entry.which}", "dim"), overflow="ellipsis", no_wrap=True),
            Text(str(entry.role), "dim" if entry.role == "neither" else ""),
            Text(entry.data_class, "bold red" if entry.is_at_fault else _STYLES.get(entry.data_class, "bold red")),
            Text(_proof(entry), "dim", overflow="ellipsis", no_wrap=True),
            Text(entry.rule, "dim", no_wrap=True),
        )
    summary = Text(found.summary, "bold red" if found.faults else "bold green")
    return Group(Text(f"{found.stack}  {found.resources} resources", "bold"), Text(), lines, Text(), summary)


def _proof(entry: "Entry") -> str:
    """The first of the properties; JSON has them all."""
    first, others = entry.evidence[0], len(entry.evidence) - 1
    said = "its type" if first.path == "type" else first.value
    path = "" if first.path == "type" else f".{first.path}"
    return f"{first.name}{path}: {said}" + (f" (+{others})" if others else "")
