"""`./hybrid graph`: the topology of a stack by layer."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from scripts.planned import FROM, planned


class Format(StrEnum):
    """What the topology is written as."""

    SVG = "svg"
    MERMAID = "mermaid"
    JSON = "json"


def graph(
    stack: Annotated[str | None, typer.Argument(help="A stack, such as dev.")] = None,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.MERMAID,
    output: Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here, not to stdout.")] = None,
    file: Annotated[Path | None, typer.Option("--from", metavar="FILE", help=FROM)] = None,
) -> None:
    """Draw what a stack declares, by layer, and what refers to what."""
    import json

    from plan import graph as topology
    from scripts.written import write

    found = topology.graph(planned(stack, file))
    if form is Format.JSON:
        write(json.dumps(found.document(), indent=2, ensure_ascii=False) + "\n", output)
    elif form is Format.MERMAID:
        write(topology.mermaid(found), output)
    else:
        from pictures.topology import svg

        write(svg(found), output)
