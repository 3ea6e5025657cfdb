"""`./hybrid doctor`: what is missing on this machine, and how to get it."""

from collections.abc import Iterator
from dataclasses import dataclass

import typer

from scripts.options import AsJson
from scripts.written import write_json


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked for."""

    name: str
    is_fine: bool
    detail: str
    is_needed: bool = True
    """Whether the local stack can't do without it."""


def doctor(as_json: AsJson = False) -> None:
    """Look for what the local stack and Pulumi need; exit 1 when something that is needed is missing."""
    import dataclasses

    from rich.table import Table

    from scripts.console import console

    findings = list(look())
    if as_json:
        write_json([dataclasses.asdict(finding) for finding in findings])
    else:
        table = Table("", "", "", box=None, pad_edge=False, show_header=False)
        for finding in findings:
            lacking = "[red]missing[/]" if finding.is_needed else "[yellow]absent[/]"
            table.add_row("[green]fine[/]" if finding.is_fine else lacking, finding.name, finding.detail)
        console().print(table)
    if any(finding.is_needed and not finding.is_fine for finding in findings):
        raise typer.Exit(1)


def look() -> Iterator[Finding]:
    """Everything that is looked for, needed things first."""
    yield _database()
    yield from _project()
    yield _ports()
    yield _disk()
    yield from _optional()


def _database() -> Finding:
    """Which of the two ways to have PostgreSQL here is taken."""
    from local import container, namespace

    faults = namespace.faults()
    if not faults:
        return Finding(name="database", is_fine=True, detail="in a Debian root file system in its own namespaces")
    if not container.faults():
        return Finding(name="database", is_fine=True, detail=f"in a container, because: {'; '.join(faults)}")
    return Finding(name="database", is_fine=False, detail="; ".join([*faults, *container.faults()]))


def _project() -> Iterator[Finding]:
    from plan.project import ROOT

    for name, path in (
        ("Node.js packages", "node_modules/.bin/node"),
        ("Worker's bundle", "apps/worker/dist/index.js"),
        ("site's bundle", "apps/web/dist/assets/index.html"),
    ):
        is_there = (ROOT / path).exists()
        yield Finding(name=name, is_fine=is_there, detail=path if is_there else "make them with `make setup`")


def _ports() -> Finding:
    from local import database
    from local.ports import busy
    from local.stack import Stack
    from plan.project import ROOT

    stack = Stack.of(ROOT)
    taken = busy(stack.ports, stack.supervisor.pids() | database.way(stack).pids())
    ports = stack.ports.all.values()
    detail = "; ".join(map(str, taken)) or f"{min(ports)} to {max(ports)} on loopback"
    return Finding(name="ports", is_fine=not taken, detail=detail)


def _disk() -> Finding:
    import shutil

    from plan.project import ROOT

    free_gb = shutil.disk_usage(ROOT).free / 2**30
    # Root file system, its cache, node_modules and the Python environment.
    return Finding(name="disk", is_fine=free_gb >= 4, detail=f"{free_gb:.0f} GB free; 4 GB are needed")


def _optional() -> Iterator[Finding]:
    import shutil

    from local import name_server

    version = _pulumi_version()
    yield Finding(
        name="pulumi",
        is_fine=bool(version),
        is_needed=False,
        detail=version or "only for `pulumi preview` and `up`: pulumi.com/docs/install",
    )
    knotd = name_server.program()
    yield Finding(
        name="knotd",
        is_fine=bool(knotd),
        is_needed=False,
        detail=knotd or "only for the local stack's DNS: Debian package knot",
    )
    chromium = shutil.which("chromium")
    yield Finding(
        name="chromium",
        is_fine=bool(chromium),
        is_needed=False,
        detail=chromium or "only for the browser test: Debian package chromium",
    )


def _pulumi_version() -> str:
    """Nothing where the command is not there, fails or hangs."""
    import subprocess

    try:
        answer = subprocess.run(["pulumi", "version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
