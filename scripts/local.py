"""`./hybrid local`: the stack on this machine."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.options import AsJson, recorded
from scripts.output import console, write_json

if TYPE_CHECKING:
    from local.processes.program import PartStatus
    from local.processes.stack import Stack
    from local.stack.up import Wish
    from local.stack.verify import Verification
    from plan.model import Plan

app = typer.Typer(
    help="The dev stack on this machine, with real parts: up, dev, verify, exec, status, logs, down.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
# The local database holds one stack's data; another's must not meet it.
STACK = "dev"
REQUESTS = 500
FirstPort = Annotated[
    int | None,
    typer.Option("--first-port", metavar="PORT", help="First of the stack's ports on loopback; 7400 unless set."),
]


def _stack(first_port: int | None = None) -> "Stack":
    from local.processes.stack import Stack
    from plan.project import ROOT

    return Stack.of(ROOT, first_port)


def _progress(text: str) -> None:
    """A line that the next one replaces; on anything but a terminal, nothing."""
    if sys.stderr.isatty():
        print(f"\r\033[K  … {text}", end="", file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"\r\033[K{text}" if sys.stderr.isatty() else text, file=sys.stderr, flush=True)


def _tell(name: str, outcome: str, seconds: float) -> None:
    _say(f"  {name:<13} {outcome:<22} {seconds:6.1f} s")


@app.command()
def up(
    first_port: FirstPort = None,
    standby_of: Annotated[
        Path | None,
        typer.Option(
            "--standby-of",
            metavar="FOLDER",
            help="Restore the database of another running stack (its state folder) and follow it, serving nothing yet.",
        ),
    ] = None,
    rebuilds: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="With --standby-of: remove this standby's database, and restore it again from the backups.",
        ),
    ] = False,
    from_backups: Annotated[
        bool,
        typer.Option(
            "--from-backups", help="Restore the database, which is gone, from the backups that the store still holds."
        ),
    ] = False,
    backup: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="LABEL",
            help="With --from-backups: restore this backup and replay the WAL after it, even if some is missing.",
        ),
    ] = None,
    serves: Annotated[
        bool | None,
        typer.Option(
            "--promote/--stop-serving",
            help="Serve, promoting a standby; or stop accepting clients before the standby takes over.",
        ),
    ] = None,
    verifies: Annotated[
        bool, typer.Option("--verify", help="Then verify it, unless it was verified and has not changed since.")
    ] = False,
) -> None:
    """Record, gate and realise the dev stack; change only what differs. Ctrl-C stops all parts."""
    from local.stack.up import Wish

    here = _stack(first_port)
    wish = Wish(standby_of=standby_of, serves=serves, from_backups=from_backups, backup=backup, rebuilds=rebuilds)
    _bring_up(here, wish, verifies=verifies)


@app.command()
def dev(first_port: FirstPort = None) -> None:
    """As `up`; then serve what is saved in apps/ at once, apply new migrations, and print all logs, until Ctrl-C.

    Settings and the rest of the project are not watched: `up` takes them over, also beside it.
    """
    from local.host.serving import read
    from local.stack import dev as loop

    here = _stack(first_port)
    plan = _bring_up(here, None)
    if not read(here.state).is_serving:
        raise typer.Exit(1)
    try:
        loop.run(here, plan, _say)
    except KeyboardInterrupt:
        _say("the stack runs on; `./hybrid local down` stops it")


def _bring_up(here: "Stack", wish: "Wish | None", *, verifies: bool = False) -> "Plan":
    """Returns the plan that was realised."""
    from local.edge import bundles
    from local.host.serving import read
    from local.stack import verified
    from local.stack.up import up as bring_up

    # Before the plan, which refuses bundles that are older than their sources.
    bundles.ensure(here.project)
    plan = _gated()
    unchanged = verified.taken_over(here.state)
    changed = bring_up(here, plan, _tell, _progress, wish)
    _say("nothing to change" if not changed else f"changed: {', '.join(changed)}")
    if wish and wish.from_backups and changed:
        _tell_restored(here)
    if unchanged and not changed:
        verified.mark(here.state, unchanged)
    if read(here.state).is_serving:
        print(f"http://localhost:{here.ports.web}")
    else:
        _say("this stack accepts no clients: a standby, or --stop-serving; --promote makes it serve")
    if verifies and verified.is_marked(here.state):
        _say("verified before, and unchanged since; `./hybrid local verify` does it again")
    elif verifies:
        _verify(here, REQUESTS)
    return plan


def _tell_restored(here: "Stack") -> None:
    from database.figures import exact
    from local.host.database import restored_up_to

    if last := restored_up_to(here):
        _say(f"restored up to the last commit at {exact(last)}")


def _gated() -> "Plan":
    """What the program declares; exit 1 where the policies refuse it."""
    from plan.project import Project
    from policies.exemptions import exemption
    from policies.gate.gate import assess
    from policies.packs.answers import ANSWERS
    from policies.reports import Format, written
    from policies.rules.findings import Subject

    (plan,) = recorded(STACK)
    _say(f"{STACK} declares {plan.count} resources")
    granted, stacks = exemption.read(exemption.FILE), Project.load().stacks
    outcome = assess([Subject(plan=plan)], granted=granted, stacks=stacks, memory=ANSWERS)
    _say(written(outcome, Format.TEXT))
    if not outcome.is_passed:
        raise typer.Exit(1)
    return plan


@app.command()
def verify(
    requests: Annotated[
        int, typer.Option("--requests", min=10, help="How many to send through the whole route.")
    ] = REQUESTS,
    as_json: AsJson = False,
) -> None:
    """Send requests through every hop and use every extension; exit 1 when something fails."""
    _verify(_stack(), requests, as_json=as_json)


def _verify(here: "Stack", requests: int, *, as_json: bool = False) -> None:
    from local.stack import verified
    from local.stack.verify import verify as run

    begun = verified.current(here.state)
    result = run(here, requests)
    if as_json:
        write_json(result.document())
    else:
        _print_verification(result)
    if not result.is_passed:
        verified.forget(here.state)
        raise typer.Exit(1)
    verified.mark(here.state, begun)


def _print_verification(result: "Verification") -> None:
    from rich.table import Table

    hops = Table("hop", "requests", "errors", "p50 ms", "p95 ms", box=None, pad_edge=False, header_style="bold")
    for column in hops.columns[1:]:
        column.justify = "right"
    for hop in result.hops:
        hops.add_row(hop.name, str(hop.requests), str(hop.errors), f"{hop.p50_ms:.2f}", f"{hop.p95_ms:.2f}")
    checks = Table("check", "", "", box=None, pad_edge=False, header_style="bold")
    for check in result.checks:
        verdict = "[green]passed[/]" if check.is_passed else "[red]failed[/]"
        checks.add_row(check.name, verdict, check.detail)
    out = console()
    out.print(hops)
    out.print()
    out.print(checks)


@app.command(name="exec")
def run(command: Annotated[list[str], typer.Argument(metavar="-- COMMAND…", help="What to run.")]) -> None:
    """Run a command on the local database host as its user postgres, such as `-- psql` or `-- pg_dump`."""
    from local.host.database import run_on_host
    from local.stack import verified

    here = _stack()
    with verified.changing(here.state):
        code = run_on_host(here, command)
    if code:
        raise typer.Exit(code)


@app.command()
def status(as_json: AsJson = False) -> None:
    """What every part is doing; exit 1 unless all run."""
    import dataclasses

    from local.common import disk_space
    from local.stack.running import parts_of

    here = _stack()
    parts = parts_of(here)
    if as_json:
        rows = [{**dataclasses.asdict(part), "log": str(part.log)} for part in parts.values()]
        write_json({"ports": here.ports.all, "parts": rows})
    elif parts:
        _print_status(here, parts)
    else:
        print("the local stack is not there; start it with `./hybrid local up`", file=sys.stderr)
    if parts:
        disk_space.ensure(here.state)
    if not parts or not all(part.is_running for part in parts.values()):
        raise typer.Exit(1)


def _print_status(here: "Stack", parts: dict[str, "PartStatus"]) -> None:
    from rich.table import Table

    table = Table("part", "state", "process", "up", "memory", "log", box=None, pad_edge=False, header_style="bold")
    for part in parts.values():
        state = f"{part.state} ({part.end})" if part.end else str(part.state)
        table.add_row(
            part.name,
            f"[green]{state}[/]" if part.is_running else f"[red]{state}[/]",
            str(part.pid or ""),
            f"{part.uptime_seconds} s" if part.uptime_seconds is not None else "",
            f"{part.memory_bytes / 2**20:.0f} MB",
            os.path.relpath(part.log),
        )
    total = sum(part.memory_bytes for part in parts.values())
    table.add_row("all", "", "", "", f"{total / 2**20:.0f} MB", "")
    out = console()
    out.print(table)
    out.print("ports: " + ", ".join(f"{name} {port}" for name, port in here.ports.all.items()))
    if not all(part.is_running for part in parts.values()):
        out.print("a part does not run; `./hybrid local up` starts it again")


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="A part, as `status` names it.")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
) -> None:
    """Print a part's log."""
    from local.common.errors import LocalError
    from local.stack.running import parts_of

    here = _stack()
    supervisor, known = here.supervisor, parts_of(here)
    if not known:
        raise LocalError("the local stack is not there; start it with `./hybrid local up`")
    if part not in known:
        raise LocalError(f"{part}: no such part; there are: {', '.join(known)}")
    following = supervisor.follow(part) if follow else iter(())
    for line in supervisor.tail(part, lines):
        print(line)
    for line in following:
        print(line, flush=True)


@app.command("rotate-keys")
def rotate_keys() -> None:
    """Have the issuer's next key sign tokens; the keys of earlier ones stay published. No part is restarted."""
    from local.common import lock
    from local.common.errors import LocalError
    from local.identity import keys

    here = _stack()
    if not keys.file(here.state).exists():
        raise LocalError("the local stack has no issuer yet; start it with `./hybrid local up`")
    with lock.hold(here.state):
        _say(f"signs from now on: {keys.rotate(here.state)}")


@app.command()
def down(
    is_final: Annotated[bool, typer.Option("--remove", help="Also remove data, backups and logs.")] = False,
    with_cache: Annotated[
        bool,
        typer.Option(
            "--cache", help="Also remove the root file systems built for all your stacks, and remembered plans."
        ),
    ] = False,
) -> None:
    """Stop the stack; rows, objects and backups stay unless they are to be removed."""
    from local.host import root_filesystem
    from local.stack.running import down as bring_down
    from plan import memory

    was_there = bring_down(_stack(), _progress, is_final=is_final)
    if with_cache:
        root_filesystem.remove_cache(_progress)
        memory.forget_all()
    _say("stopped" + (" and removed" if is_final else "") if was_there else "nothing to stop")
