"""Rolling a Worker back to an earlier version: what would be done, and why it must not be."""

import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.host.migrations import FOLDER, is_migration
from workers.cloudflare_api import Version, Worker, WorkerError

# Cloudflare, Versions and deployments: only the hundred versions uploaded last can be rolled back to.
KEPT = 100
COMMIT = re.compile(r"[0-9a-f]{7,64}")
Built = Callable[[str], frozenset[str] | None]
"""Names of the migrations that a build has; None where that can't be known."""


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """What would be done."""

    target: Version
    shares: list[tuple[str, float]]
    """Versions that answer then."""
    earlier: tuple[str, float]
    """What the settings have to say: the share of the one that is not declared, the newest; no version where it is."""
    refusals: list[str]
    """Why not; empty where it may be done."""
    doubts: list[str]
    """Why not, unless it is forced."""
    newer: list[str]
    """Migrations that the target does not know, and has to work with."""


def planned(
    worker: str, versions: Sequence[Version], wanted: str | None, percent: int, built: Built, here: frozenset[str]
) -> Rollback:
    """Of versions with the newest first. `here` are the migrations that the database is counted to have.

    Raises WorkerError where nothing can be planned: no version is wanted, or an unknown one.
    """
    target = next((version for version in versions if version.id == wanted), None)
    if wanted is None:
        raise WorkerError(f"{worker}: no version answered before this one; name one with --to")
    if target is None:
        raise WorkerError(f"{worker}: {wanted} is none of its versions; `./hybrid worker versions` lists them")
    others = [version for version in versions if version.percent and version is not target]
    shares = [(target.id, float(percent))]
    refusals, doubts = [], []
    if percent < 100 and len(others) == 1:
        shares.append((others[0].id, 100.0 - percent))
    elif percent < 100:
        refusals.append(
            f"{len(others)} other versions answer, and traffic can be split between two versions only; "
            "allowed: --percent 100"
        )
    earlier = [share for share in shares if share[0] != versions[0].id]
    if len(earlier) == 2:
        refusals.append("one of the two must be the newest version; allowed: --percent 100")
    if target.percent == percent:
        refusals.append(f"it answers {percent} % of the requests already")
    later = [version for version in versions if version.number > target.number]
    if len(later) >= KEPT:
        refusals.append(
            f"{len(later)} versions are newer, and Cloudflare can roll back to the newest {KEPT} only; deploy it again"
        )
    then = built(target.build)
    if then is None:
        doubts.append(
            f"build {target.build or 'without a tag'} is no commit of this checkout: its migrations are unknown"
        )
    elif gone := sorted(then - here):
        refusals.append(f"it depends on migrations that this checkout lacks: {', '.join(gone)}")
    newer = sorted(here - then) if then is not None else []
    return Rollback(
        target=target,
        shares=shares,
        earlier=earlier[0] if earlier else ("", 100.0),
        refusals=refusals,
        doubts=doubts,
        newer=newer,
    )


def execute(worker: Worker, rollback: Rollback) -> None:
    worker.deploy(rollback.shares, f"./hybrid worker: version {rollback.target.number}, build {rollback.target.build}")


def migrations(project: Path) -> frozenset[str]:
    return _names((project / FOLDER).iterdir())


def migrations_at(project: Path, build: str) -> frozenset[str] | None:
    """Those of a commit; None where the build is none, or not in this checkout."""
    if not COMMIT.fullmatch(build):
        return None
    command = ["git", "ls-tree", "--name-only", build, f"{FOLDER}/"]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=30)
    if answer.returncode:
        return None
    return _names(map(Path, answer.stdout.splitlines()))


def _names(files: Iterable[Path]) -> frozenset[str]:
    return frozenset(file.stem for file in files if is_migration(file))
