"""`./hybrid graph`: the topology of a stack by layer."""

from enum import StrEnum
from typing import Annotated

import typer

from scripts.options import PlanFile, StackArgument, planned
from scripts.output import Output, require_svg, write, write_json


class View(StrEnum):
    """How much of a stack is drawn. Not which layers: traffic passes most of them."""

    TRAFFIC = "traffic"
    EVERYTHING = "everything"


class Format(StrEnum):
    """What the topology is written as."""

    SVG = "svg"
    MERMAID = "mermaid"
    JSON = "json"


def graph(
    stack: StackArgument = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.MERMAID,
    view: Annotated[
        View | None,
        typer.Option("--view", help="What to show; traffic is the default of pictures, everything that of JSON."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Output = None,
    file: PlanFile = None,
) -> None:
    """Draw a stack by layer: what sends to what, or everything that it declares and what refers to what."""
    from plan import graph as topology

    form = Format.JSON if as_json else form
    if form is Format.SVG:
        require_svg(output, "--output")
    view = view or (View.EVERYTHING if form is Format.JSON else View.TRAFFIC)
    plan = planned(stack, file)
    found = topology.traffic(plan) if view is View.TRAFFIC else topology.graph(plan)
    if form is Format.JSON:
        write_json(found.document(), output)
    elif form is Format.MERMAID:
        write(topology.mermaid(found), output)
    else:
        from pictures.topology import svg

        write(svg(found), output)
