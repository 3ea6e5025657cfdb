"""What `./hybrid backup`, `restore` and `drill` have in common: flags, and how they speak."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from scripts.output import tell


class Repository(StrEnum):
    """Which bucket is read: that in Montreal, or its copy."""

    PRIMARY = "primary"
    COPY = "copy"


From = Annotated[Repository, typer.Option("--from", help="Read this repository.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Read it as it was then, also what has been deleted since."),
]


def say(text: str) -> None:
    """A line of progress."""
    tell(f"  {text}")


def tell_zone(*texts: str | None) -> None:
    """Which times were taken as UTC because they name no zone."""
    from backups.request import zone_note

    for line in filter(None, (zone_note(text) for text in texts if text)):
        tell(line)


@contextmanager
def value_of(flag: str) -> Iterator[None]:
    """Makes what is wrong with a flag's value, or another's that the fault begins with, a fault of usage: exit 2."""
    from backups.errors import BackupError

    try:
        yield
    except BackupError as error:
        named, _, fault = str(error).partition(": ")
        is_other = named.startswith("--") and fault
        raise typer.BadParameter(fault if is_other else str(error), param_hint=named if is_other else flag) from error
