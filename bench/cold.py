"""How long a machine that has nothing of the project takes for `make up`."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from local.common.ports import Ports, busy


def cold_seconds(project: Path, taken: Ports) -> float:
    """`make up` in a clone of the last commit, with no root file system built; `make clean` follows.

    pip and npm keep what they have in their own caches. Raises CalledProcessError.
    """
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        clone = clone_of(project, Path(folder))
        environment = clean_environment(Path(folder) / "cache") | {"HYBRID_FIRST_PORT": str(free_ports(taken).first)}
        start = time.perf_counter()
        try:
            _make("up", clone, environment)
            return round(time.perf_counter() - start, 1)
        finally:
            _make("clean", clone, environment)


def _make(target: str, folder: Path, environment: dict[str, str]) -> None:
    subprocess.run(["make", target], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)


def clone_of(project: Path, folder: Path) -> Path:
    """The last commit, in a folder below this one."""
    clone = folder / "hybrid"
    subprocess.run(["git", "clone", "--quiet", str(project), str(clone)], check=True)
    return clone


def clean_environment(cache: Path) -> dict[str, str]:
    """The operator's, without what names another stack or is handed on by make."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("HYBRID_STATE", "MAKE", "MFLAGS"))
    }
    return {**kept, "HYBRID_CACHE": str(cache)}


def free_ports(taken: Ports) -> Ports:
    candidates = (Ports(first) for first in range(taken.first + len(taken.all), taken.first + 1000, 10))
    return next(ports for ports in candidates if not busy(ports))
