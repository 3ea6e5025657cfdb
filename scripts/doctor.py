"""`./hybrid doctor`: what is missing on this machine, and how to get it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from scripts.options import AsJson
from scripts.output import console, write_json

if TYPE_CHECKING:
    from scripts.versions import Move


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check."""

    name: str
    is_fine: bool
    detail: str
    is_needed: bool = True
    """Whether the local stack can't do without it."""
    is_other: bool = False
    """Whether it is here, in another version than the one with which the tests last passed: worth knowing, no fault."""

    @property
    def word(self) -> str:
        if self.is_fine:
            return "[green]fine[/]"
        return "[red]missing[/]" if self.is_needed else "[yellow]other[/]" if self.is_other else "[yellow]absent[/]"


def doctor(as_json: AsJson = False) -> None:
    """Look for what the local stack and Pulumi need; exit 1 when something that is needed is missing."""
    import dataclasses

    from rich.table import Table

    findings = list(_findings())
    if as_json:
        write_json([dataclasses.asdict(finding) for finding in findings])
    else:
        table = Table("", "", "", box=None, pad_edge=False, show_header=False)
        for finding in findings:
            table.add_row(finding.word, finding.name, finding.detail)
        console().print(table)
    if any(finding.is_needed and not finding.is_fine for finding in findings):
        raise typer.Exit(1)


def _findings() -> Iterator[Finding]:
    """Every check, needed things first."""
    yield _database()
    yield from _project()
    yield _ports()
    yield _disk()
    yield from _optional()
    yield from _versions()


def _database() -> Finding:
    """Whether PostgreSQL runs in namespaces or in a container."""
    from local.host import container, namespace

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
    from local.common.ports import busy
    from local.host import database
    from local.processes.stack import Stack
    from plan.project import ROOT

    stack = Stack.of(ROOT)
    taken = busy(stack.ports, stack.supervisor.pids() | database.runtime(stack).pids())
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

    from local.common.parts import PARTS
    from scripts.machine import printed

    version = printed("pulumi", "version").strip()
    yield Finding(
        name="pulumi",
        is_fine=bool(version),
        is_needed=False,
        detail=version or "only for `pulumi preview` and `up`: pulumi.com/docs/install",
    )
    for need in [part.needs for part in PARTS if part.needs]:
        path = need.path
        detail = path or f"only for {need.purpose}"
        yield Finding(name=need.program, is_fine=bool(path), is_needed=False, detail=detail)
    chromium = shutil.which("chromium")
    yield Finding(
        name="chromium",
        is_fine=bool(chromium),
        is_needed=False,
        detail=chromium or "only for the browser test: Debian package chromium",
    )


def _versions() -> Iterator[Finding]:
    """What nothing pins, beside what was last seen to pass; packages that others bring are one finding."""
    from local.host.root_filesystem import PACKAGES
    from scripts import versions

    then, used = versions.passed(), versions.in_use()
    moves = {(move.place, move.name): move for move in versions.moved(then, used)}
    for place, found in used.items():
        for name, version in found.items():
            if place == versions.MACHINE or name in PACKAGES:
                yield _version(name, version, moves.pop((place, name), None))
    if not (root := used[versions.DEBIAN]):
        detail = "not built yet; `./hybrid local up` builds it of Debian's newest packages"
        yield Finding(name=versions.DEBIAN, is_fine=False, is_needed=False, detail=detail)
        return
    # A missing machine program is not a root package; whoever needs it reports it.
    left = [move for (place, _), move in moves.items() if place == versions.DEBIAN]
    others = "; ".join(f"{move.name} {move.before or 'none'} → {move.after or 'none'}" for move in left)
    detail = others or f"{len(root) - len(PACKAGES)} more packages, as last seen to pass"
    yield Finding(name=versions.DEBIAN, is_fine=not others, is_needed=False, is_other=bool(others), detail=detail)


def _version(name: str, version: str, move: "Move | None") -> Finding:
    detail = f"{version}; last seen to pass: {move.before or 'none'}" if move else f"{version}, as last seen to pass"
    return Finding(name=name, is_fine=not move, is_needed=False, is_other=bool(move), detail=detail)
