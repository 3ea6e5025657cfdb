"""The bundles are built again when what they are made from has changed, and only then."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.edge.bundle_sources import MADE, fault
from plan.model import PlanError
from plan.project import ROOT
from plan.record import record
from tests.commands import ran

INPUTS = ("nx.json", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.strict.json")
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
    assert fault(project) == ""
    assert not builds(project)
    # A time is no content.
    (project / "apps/worker/src/index.ts").touch()
    assert not builds(project)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_changed_they_are(project: Path, change: Callable[[Path], object]) -> None:
    change(project)
    assert fault(project).endswith("make them with: make apps/made")
    assert builds(project)
    assert fault(project) == ""


def test_nobody_makes_a_plan_of_bundles_that_are_old(project: Path) -> None:
    for name in ("__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml", "components", "durable", "host"):
        (project / name).symlink_to(ROOT / name)
    (project / "apps/worker/src/index.ts").write_text("// other\n")
    with pytest.raises(PlanError, match="the bundles are older than their sources"):
        record("dev", project)
    # As on Pulumi's engine, which runs the program alone.
    alone = [sys.executable, "-c", "from components.edge.bundles import refuse_old; refuse_old()"]
    told = ran(alone, cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert "BundleError: apps/*/dist: the bundles are older than their sources" in told.stderr
    (project / MADE).unlink()
    with pytest.raises(PlanError, match="are missing, or nobody knows of what they are"):
        record("dev", project)


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs one of the project's programs there, with caches of its own."""
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    caches = {"NX_CACHE_DIRECTORY": str(folder / "cache"), "NX_WORKSPACE_DATA_DIRECTORY": str(folder / "data")}
    program = str(folder / "node_modules/.bin" / command[0])
    return ran([program, *command[1:]], cwd=folder, env={**os.environ, **caches, "NO_COLOR": "1"})


def built(folder: Path) -> str:
    """Bundles what has changed, as `npm run build` does; what Nx says of its cache."""
    told = run_in(folder, "nx", "run-many", "-t", "build")
    assert told.returncode == 0, told
    assert run_in(folder, "node", "apps/build.mjs", "--place").returncode == 0
    return told.stdout


@pytest.mark.slow
def test_an_app_that_is_unchanged_is_not_built_again(project: Path) -> None:
    bundle = project / "apps/worker/dist/index.js"
    built(project)
    before = bundle.stat()
    (project / "apps/web/public/new.txt").touch()
    assert "1 out of 2 tasks" in built(project)
    assert (project / "apps/web/dist/assets/new.txt").exists()
    # It was not away meanwhile either: a running edge serves it.
    assert (bundle.stat().st_ino, bundle.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    code = bundle.read_bytes()
    bundle.unlink()
    assert "2 out of 2 tasks" in built(project)
    assert bundle.read_bytes() == code


@pytest.mark.parametrize(
    ("imported", "fault"),
    [
        ("../../worker/src/env", "error TS6059"),  # not under its rootDir
        ("@hybrid/worker/src/env", "error TS2307"),  # exports nothing
    ],
)
def test_an_app_knows_nothing_of_another_ones_sources(imported: str, fault: str, project: Path) -> None:
    source = project / "apps/web/src/worker.ts"
    source.write_text(f'import type {{ AppEnv }} from "{imported}";\nexport type A = AppEnv;\n')
    packages = project / "node_modules"
    shutil.copytree(ROOT / "node_modules/@hybrid", packages / "@hybrid", symlinks=True)
    for path in (ROOT / "node_modules").iterdir():
        if path.name not in ("@hybrid", ".cache"):
            (packages / path.name).symlink_to(path)
    assert fault in run_in(project, "tsc", "-p", "apps/web/tsconfig.worker.json").stdout


@pytest.mark.slow
def test_a_promise_that_nobody_awaits_is_refused(project: Path) -> None:
    shutil.copy(ROOT / ".oxlintrc.json", project)
    source = project / "apps/worker/src/public.ts"
    awaited = "c.executionCtx.waitUntil(caches.default.put(key, kept))"
    assert awaited in source.read_text()
    source.write_text(source.read_text().replace(awaited, "caches.default.put(key, kept)"))
    refused = run_in(project, "nx", "run", "worker:lint")
    assert refused.returncode == 1
    assert refused.stdout.count("no-floating-promises") == 1, refused
    assert "1 error" in refused.stdout
