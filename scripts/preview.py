"""`./hybrid preview`: the resources and settings of a stack, from the recorded plan."""

from pathlib import Path
from typing import Annotated

import typer

from scripts.options import recorded
from scripts.output import console, write_json


def preview(
    stack: Annotated[str, typer.Argument(help="A stack, such as dev.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan, or the differences, as JSON.")] = False,
    diff_file: Annotated[
        Path | None, typer.Option("--diff", metavar="FILE", help="Compare with a plan saved by --json.")
    ] = None,
) -> None:
    """Show the resources and settings of a stack, from the recorded plan. Needs no Pulumi and no credentials."""
    from plan import codec, tree
    from plan.diff import diff

    saved = codec.read(diff_file) if diff_file else None
    (plan,) = recorded(stack)
    out = console()
    if saved is None:
        if as_json:
            print(codec.dumps(plan))
        else:
            out.print(tree.plan_tree(plan))
        return
    changes = diff(saved, plan)
    if as_json:
        write_json([change.document() for change in changes])
    else:
        out.print(tree.change_list(changes), soft_wrap=True)
