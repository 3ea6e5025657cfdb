"""How long the suite takes, and what it costs: `make test` from a fresh clone, and `make check` after it.

Each run adds a line to suite.csv, so that growth is seen.
"""

import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.cold import clean_environment, clone_of
from bench.figure import Figure
from plan.project import ROOT

KEPT = Path(__file__).with_name("suite.csv")
COLUMNS = ("day", "commit", "cores", "passed", "test_seconds", "test_cpu_seconds", "check_seconds")
TEST_SECONDS, CHECK_SECONDS = 1200, 60
"""Limits on two cores."""


def suite_figures() -> Iterator[Figure]:
    """CPU is the machine's, daemons of the tests included, so nothing else may run. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        clone = clone_of(ROOT, Path(folder))
        environment = clean_environment(Path(folder) / "cache")
        try:
            tested, cpu, output = _timed("test", clone, environment)
            checked, _, _ = _timed("check", clone, environment)
        finally:
            subprocess.run(["make", "clean"], cwd=clone, env=environment, check=True, stdout=subprocess.DEVNULL)
    found = re.findall(r"(\d+) passed", output)
    _keep(int(found[-1]), tested, cpu, checked)
    yield Figure(name="make test, fresh clone", value=tested, unit="s", limit=TEST_SECONDS)
    yield Figure(name="make test, CPU of the machine", value=cpu, unit="s")
    yield Figure(name="make check", value=checked, unit="s", limit=CHECK_SECONDS)


def _timed(target: str, clone: Path, environment: dict[str, str]) -> tuple[float, float, str]:
    """Seconds, CPU seconds, and what it printed."""
    start, busy = time.perf_counter(), _busy_seconds()
    with subprocess.Popen(
        ["make", target],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    ) as run:
        try:
            output, _ = run.communicate()
        except BaseException:
            # The tests end on this signal; make alone would leave them running.
            os.killpg(run.pid, signal.SIGTERM)
            run.communicate()
            raise
    if run.returncode:
        print(output, file=sys.stderr)
        raise subprocess.CalledProcessError(run.returncode, run.args, output)
    return round(time.perf_counter() - start, 1), round(_busy_seconds() - busy, 1), output


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def _keep(passed: int, *figures: float) -> None:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    is_new = not KEPT.exists()
    with KEPT.open("a", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if is_new:
            rows.writerow(COLUMNS)
        rows.writerow([datetime.now(UTC).date(), commit, os.cpu_count(), passed, *figures])
