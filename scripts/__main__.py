"""Entry of `./hybrid`: the table of commands, and what a failure looks like.

Command modules import at their top only what `--help` needs; the rest is imported when a command runs.
"""

import atexit
import errno
import gc
import os
import signal
import sys
from typing import Any

if __name__ == "__main__":
    # What a command reads it keeps, plans and AWS's models: to look through it for garbage took a tenth of its time.
    gc.set_threshold(100_000)
    # Nor does anybody need to look through it at the end.
    atexit.register(gc.freeze)
    # What a shell has started in the background ignores an interruption, and goes on doing so.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # Until a command runs there is nothing to clear up, and an interrupted import would show where.
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    # `hybrid` has blocked it.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if sys.stdout is None:
        # It was closed: what is written fails then as on a full disk, and no file that is opened takes its number.
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")

import typer
from typer.core import TyperGroup

from components.common.errors import HybridError
from scripts import (
    backup,
    db,
    doctor,
    drill,
    failover,
    gate,
    graph,
    local,
    preview,
    residency,
    restore,
    worker,
    wrangler_config,
)
from scripts.output import unwritten


class Commands(TyperGroup):
    """All commands, with what their arguments are refused for."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # Pydantic's words, with which Typer has a value checked.
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="hybrid",
    cls=Commands,
    help="Declares, gates and runs one stack: a Cloudflare edge in front of a PostgreSQL in Montreal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("preview")(preview.preview)
app.command("gate")(gate.gate)
app.command("residency")(residency.residency)
app.command("graph")(graph.graph)
app.add_typer(local.app, name="local")
app.add_typer(db.app, name="db")
app.add_typer(backup.app, name="backup")
app.command("restore")(restore.restore)
app.command("drill")(drill.drill)
app.add_typer(failover.app, name="failover")
app.add_typer(worker.app, name="worker")
app.command("wrangler-config")(wrangler_config.wrangler_config)
app.command("doctor")(doctor.doctor)


def main() -> int:
    """Runs a command. What an operator can mend is one line each on stderr and exit 1; the rest is a defect."""
    try:
        try:
            app(prog_name="./hybrid")
        finally:
            # Python's own at the end says "Exception ignored" of what can't be written.
            sys.stdout.flush()
    except HybridError as error:
        for line in str(error).splitlines():
            print(f"hybrid: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # While Typer reads the commands; of one that runs it makes the same exit code.
        return 130
    except OSError as error:
        # A full disk; or standard output, closed, or without a reader: `| head` goes away on purpose.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EBADF, errno.EPIPE):
            raise
        if error.errno != errno.EPIPE:
            print(f"hybrid: {unwritten(error)}", file=sys.stderr)
        # What it still holds is written to nowhere, so that Python does not try again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
