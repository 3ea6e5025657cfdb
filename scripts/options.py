"""Flags that mean the same wherever they are."""

from typing import Annotated

import typer

StackName = Annotated[
    str | None, typer.Option("--stack", metavar="STACK", help="A stack in the cloud, such as prod; else the local one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
