"""`./hybrid residency`: where every byte of a stack lives."""

import subprocess
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
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
    HTML = "html"
    """A page for an auditor."""


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
    elif form is Format.HTML:
        write(_evidence(found, file), output)
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


def _evidence(found: "ResidencyMap", file: Path | None) -> str:
    from pictures.evidence import Origin, html
    from plan.project import ROOT
    from policies.exemptions import exemption
    from policies.rules.rule import gathered

    rules = {
        rule.name: (pack, rule.description)
        for pack in ("residency", "safety", "secrets")
        for rule in gathered(f"policies.{pack}")
    }
    origin = Origin(
        source=f"the file {file}"
        if file
        else f"the program and Pulumi.{found.stack}.yaml, as they are in the repository",
        date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        commit=_commit(ROOT),
    )
    return html(found, origin, rules, exemption.read(exemption.FILE))


def _commit(folder: Path) -> str:
    """Of the repository, which an auditor can look up, or why there is none."""
    asked = [
        subprocess.run(["git", "-C", str(folder), *command], capture_output=True, text=True, timeout=30)
        for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
    ]
    if any(one.returncode for one in asked):
        return "not known: this is no clone of the repository"
    changed = len(asked[1].stdout.splitlines())
    return asked[0].stdout.strip() + (f", and {changed} files that differ from it" if changed else "")


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
