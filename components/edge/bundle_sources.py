"""Whether the bundles in `apps/*/dist` are there, and made of the sources beside them.

The Makefile writes into `apps/made` of which sources, and which bundles it made: its FROM and BUNDLES. Nothing else is
imported here, because whoever asks for a plan asks this first.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MADE = "apps/made"
CHECKED = "HYBRID_BUNDLES_CHECKED"
"""Variable of the environment of a program that is recorded: the recorder has asked."""
_BESIDE = ("nx.json", "package.json", "package-lock.json", "tsconfig*.json")
_NO_SOURCES = frozenset({"node_modules", "dist", ".built"})
MEND = "make them with: make apps/made"


def fault(project: Path) -> str:
    """What is wrong with the bundles of a project; empty where nothing is, and where it builds none."""
    apps = project / "apps"
    if not (apps / "build.mjs").exists():
        return ""
    # It may be a link to another project's.
    top = apps.resolve().parent
    try:
        sources, bundles = (top / MADE).read_text().split()
    except (OSError, ValueError):
        return f"apps/*/dist: the Worker's and the site's bundles are missing, or nobody knows of what they are; {MEND}"
    if _sum(top, _bundles(top)) != bundles:
        return f"apps/*/dist: a bundle is missing, or was changed by hand; {MEND}"
    if _sum(top, _sources(top)) != sources:
        return f"apps/*/dist: the bundles are older than their sources; {MEND}"
    return ""


def _sources(top: Path) -> Iterator[str]:
    for pattern in _BESIDE:
        yield from (path.name for path in top.glob(pattern))
    for folder, folders, names in os.walk(top / "apps"):
        folders[:] = [name for name in folders if name not in _NO_SOURCES]
        yield from (os.path.join(folder, name) for name in names if name != "made")


def _bundles(top: Path) -> Iterator[str]:
    for dist in top.glob("apps/*/dist"):
        yield from (os.path.join(folder, name) for folder, _, names in os.walk(dist) for name in names)


def _sum(top: Path, paths: Iterable[str]) -> str:
    """As `sort -z | xargs -0 sha256sum | sha256sum` says it of files by their paths from the top."""
    files = (os.path.join(top, path) for path in paths)
    found = sorted(os.path.relpath(path, top) for path in files if os.path.isfile(path) and not os.path.islink(path))
    said = "".join(f"{hashlib.sha256((top / path).read_bytes()).hexdigest()}  {path}\n" for path in found)
    return hashlib.sha256(said.encode()).hexdigest()
