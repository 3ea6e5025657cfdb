"""`./hybrid local`."""

import typer

app = typer.Typer()
