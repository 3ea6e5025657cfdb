"""Arguments and flags that several commands share, and what they name: a plan, a repository, a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.output import tell

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


def recorded(*stacks: str) -> "list[Plan]":
    """Raises PlanError, which then also names each setting that holds a secret in the clear."""
    from plan.model import PlanError
    from plan.record import record_all

    try:
        return record_all(stacks)
    except PlanError as error:
        from plan.project import Project
        from policies.gate.sensitive import refused

        project = Project.load()
        secrets = [line for stack in stacks for line in refused(project, stack)]
        raise PlanError("\n".join([str(error), *secrets])) from None


def planned(stack: str | None, file: Path | None) -> "Plan":
    """Raises PlanError, and typer.BadParameter unless exactly one is named."""
    from plan import saved

    if (stack is None) == (file is None):
        raise typer.BadParameter("name a stack, or give --from; one of both")
    return saved.read(file) if file is not None else recorded(str(stack))[0]


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
    """A BackupError about a flag's value is a usage error, exit 2; of the flag that the message begins with, if any."""
    from backups.errors import BackupError

    try:
        yield
    except BackupError as error:
        named, _, fault = str(error).partition(": ")
        is_other = named.startswith("--") and fault
        raise typer.BadParameter(fault if is_other else str(error), param_hint=named if is_other else flag) from error
