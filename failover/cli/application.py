"""The table of commands, and what a failure looks like."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import typer

from failover.cli import commands, more_commands
from failover.cli.commands import Surroundings
from failover.common.errors import FailoverError, UsageError

HELP = "Have the stand-by at Vercel answer, and Cloudflare again. Nothing is changed until --execute stands there."
COMMANDS: dict[str, Callable[..., None]] = {
    "status": more_commands.status,
    "plan": commands.plan,
    "rollback": commands.rollback,
    "restore": commands.restore,
    "drill": more_commands.drill,
    "resolve": more_commands.resolve,
    "export": more_commands.export,
}


def application(surroundings: Surroundings, name: str) -> typer.Typer:
    """All commands, with what they take where no flag says otherwise; `name` begins each line on stderr."""
    app = typer.Typer(
        name="failover", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )

    @app.callback(help=HELP)
    def start(context: typer.Context) -> None:
        context.obj = surroundings

    for word, command in COMMANDS.items():
        app.command(word)(_reporting(command, name))
    return app


def _reporting(command: Callable[..., None], name: str) -> Callable[..., None]:
    """What an operator can mend is one line each on stderr; the rest is a defect and keeps its traceback."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except FailoverError as error:
            for line in str(error).splitlines():
                print(f"{name}: {line}", file=sys.stderr)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None

    return run
