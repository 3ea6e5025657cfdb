"""The bundles are built again when what they are made from has changed, and only then."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plan.project import ROOT

INPUTS = ("package.json", "package-lock.json", "tsconfig.json", "tsconfig.strict.json")
CHANGES: dict[str, Callable[[Path], object]] = {
    **{name: lambda folder, name=name: (folder / name).write_text("{}") for name in INPUTS},  # type: ignore[misc]
    "a source": lambda folder: (folder / "apps/worker/src/index.ts").write_text("// other\n"),
    "a source less": lambda folder: (folder / "apps/web/src/page.ts").unlink(),
    "a new file": lambda folder: (folder / "apps/web/public/new.txt").touch(),
    "a name": lambda folder: (folder / "apps/web/src/page.ts").rename(folder / "apps/web/src/side.ts"),
    "how they are built": lambda folder: (folder / "apps/build.mjs").write_text("// other\n"),
    "a bundle that is gone": lambda folder: shutil.rmtree(folder / "apps/worker/dist"),
    "a bundle's file that is gone": lambda folder: (folder / "apps/web/dist/assets/page.js").unlink(),
    "a bundle that was changed": lambda folder: (folder / "apps/web/dist/worker/index.js").write_text("// other\n"),
}
SOURCES = ("Makefile", *INPUTS, "apps")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with bundles that count as built."""
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    program = tmp_path / "bin/npm"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    builds(tmp_path)
    return tmp_path


def builds(folder: Path) -> bool:
    """Runs what the Makefile says; whether it had to be built."""
    made = folder / "apps/made"
    before = made.stat().st_mtime_ns if made.exists() else 0
    command = ["env", f"PATH={folder}/bin:/usr/bin:/bin", "make", "--old-file=node_modules/made", "apps/made"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return made.stat().st_mtime_ns != before


def test_unchanged_they_are_not_built_again(project: Path) -> None:
    assert not builds(project)
    # A time is no content.
    (project / "apps/worker/src/index.ts").touch()
    assert not builds(project)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changed_they_are(project: Path, change: Callable[[Path], object]) -> None:
    change(project)
    assert builds(project)
