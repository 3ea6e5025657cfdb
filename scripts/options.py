"""Arguments and flags that mean the same wherever they are, and the plan that they name."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plan.model import Plan

StackName = Annotated[
    str | None, typer.Option("--stack", metavar="STACK", help="A stack in the cloud, such as prod; else the local one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StackArgument = Annotated[str | None, typer.Argument(help="A stack, such as dev.")]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A plan saved by preview --json, or what `pulumi preview --json` or `pulumi stack export` wrote.",
    ),
]


def planned(stack: str | None, file: Path | None) -> "Plan":
    """Raises PlanError, and typer.BadParameter unless exactly one is named."""
    from plan import saved
    from plan.record import record

    if (stack is None) == (file is None):
        raise typer.BadParameter("name a stack, or give --from; one of both")
    return saved.read(file) if file is not None else record(str(stack))
