"""The rollback as one wheel: it runs where there is no checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ROOT

FOLDER = ROOT / "failover"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the wheel's modules and its command; its dependencies are those of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    # Never rebuilds the Python environment, which would clear the one that these tests run in.
    make = ["make", "--old-file=.venv/made", "wheel", f"WHEELS={folder / 'wheels'}"]
    subprocess.run(make, cwd=ROOT, check=True, timeout=120)
    (wheel,) = (folder / "wheels").iterdir()
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True, timeout=120)
    return site


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "HOME": str(installed)}
    command = [str(installed / "bin/failover"), *arguments]
    return subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True, timeout=60)


def modules(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*.py")}


def test_the_wheel_holds_every_module_and_nothing_else(installed: Path) -> None:
    assert modules(installed / "failover") == modules(FOLDER)
    assert modules(installed / "durable") == modules(ROOT / "durable")
    assert {path.name for path in installed.iterdir() if "dist-info" not in path.name} == {"bin", "durable", "failover"}
    assert not (FOLDER / "build").exists()


def test_the_command_runs_without_a_checkout(installed: Path) -> None:
    shown = run(installed, "--help")
    assert shown.returncode == 0
    assert "rollback" in shown.stdout
    without_ids = run(installed, "rollback")
    assert without_ids.returncode == 1
    assert "--ids" in without_ids.stderr
    assert "Traceback" not in without_ids.stderr
