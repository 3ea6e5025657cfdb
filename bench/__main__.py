"""Measures a running local stack and the commands: `make bench`, after `make up`.

Limits are in the table; a machine that is busy misses them, so a missed one is a failure only with --check.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict

import httpx
from psutil import Process
from rich.table import Table

from bench.api import api_figures
from bench.cold import cold_seconds
from bench.failover import failover_figures
from bench.figure import Figure
from bench.host import host_figures
from bench.policies import policy_figures
from bench.recovery import recovery_figures
from bench.suite import suite_figures
from local.host import database
from local.identity.part import access_token
from local.processes import processes
from local.processes.stack import Stack
from local.stack.traffic import CLIENTS, ROUTE, Timing, bearer, repeat
from local.stack.verify import Hop
from plan.project import ROOT
from scripts.output import console

RUNS = 5
REQUESTS = 5000


def figures(stack: Stack, *, is_cold: bool) -> Iterator[Figure]:
    """All figures, cheapest first."""
    yield _command("hybrid --help", ["--help"], 0.12)
    yield _command("hybrid preview dev", ["preview", "dev", "--json"], 0.5)
    yield _command("hybrid gate dev prod", ["gate", "dev", "prod"], 1.5)
    yield _again("the same, of changed programs", ["gate", "dev", "prod"])
    yield _command("hybrid db status", ["db", "status"], 2)
    yield _command("hybrid local up, nothing to do", ["local", "up"], 2.5)
    yield Figure(name="make up, nothing to do", value=_median(["make", "up"], runs=2), unit="s", limit=4)
    yield Figure(name="memory of the whole stack", value=round(_memory(stack) / 2**20), unit="MB", limit=1024)
    yield from _api(stack)
    if is_cold:
        yield Figure(name="make up, from nothing", value=cold_seconds(ROOT, stack.ports), unit="s", limit=90)


def _command(name: str, arguments: list[str], limit: float | None = None) -> Figure:
    return Figure(name=name, value=_median([str(ROOT / "hybrid"), *arguments], RUNS), unit="s", limit=limit)


def _again(name: str, arguments: list[str]) -> Figure:
    """Measures a command with nothing remembered."""
    times = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as cache:
            start = time.perf_counter()
            command, environment = [str(ROOT / "hybrid"), *arguments], {**os.environ, "HYBRID_CACHE": cache}
            subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - start)
    return Figure(name=name, value=round(statistics.median(times), 2), unit="s")


def _memory(stack: Stack) -> int:
    """Bytes of memory of all its processes, supervisord's included."""
    pids = stack.supervisor.pids() | database.runtime(stack).pids()
    return processes.memory_bytes([Process(pid) for pid in pids])


def _median(command: list[str], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return round(statistics.median(times), 2)


def _api(stack: Stack) -> Iterator[Figure]:
    """Reads through Hyperdrive, and the same Worker without the database, side by side."""
    whole = Hop.of(asyncio.run(_load(stack, f"{ROUTE}?limit=20")))
    bare = Hop.of(asyncio.run(_load(stack, "/healthcheck")))
    yield Figure(name=f"API p50, {CLIENTS} clients", value=whole.p50_ms, unit="ms")
    yield Figure(name=f"API p95, {CLIENTS} clients", value=whole.p95_ms, unit="ms", limit=100)
    yield Figure(name=f"API errors in {REQUESTS}", value=whole.errors, limit=0)
    yield Figure(name="Worker without database p95", value=bare.p95_ms, unit="ms")
    yield Figure(name="API p50 / Worker p50", value=round(whole.p50_ms / bare.p50_ms, 1), unit="×")


async def _load(stack: Stack, path: str) -> Timing:
    timing = Timing(path)
    base = f"http://127.0.0.1:{stack.ports.web}"
    headers = bearer(access_token(stack))
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=10) as client:

        async def get() -> bool:
            return (await client.get(path)).status_code == httpx.codes.OK

        await repeat(REQUESTS, lambda _: timing.measure(get))
    return timing


def _end_on_sigterm() -> None:
    """Ends the run on SIGTERM as Ctrl-C would, and removes what was made; a second signal does not interrupt that."""

    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)


def main() -> int:
    options = _options()
    _end_on_sigterm()
    stack = Stack.of(ROOT)
    if options.api:
        return _tell(list(api_figures()), options)
    if options.host:
        return _tell(list(host_figures()), options)
    if options.policies:
        return _tell(list(policy_figures()), options)
    if options.suite:
        return _tell(list(suite_figures()), options)
    if options.recovery:
        return _tell(list(recovery_figures()), options)
    if not stack.state.exists or not stack.supervisor.is_running():
        print("bench: the local stack does not run; start it with `make up`", file=sys.stderr)
        return 1
    if options.failover:
        return _tell(list(failover_figures(stack)), options)
    return _tell(list(figures(stack, is_cold=options.cold)), options)


def _tell(measured: list[Figure], options: argparse.Namespace) -> int:
    if options.json:
        rows = [{**asdict(figure), "is_met": figure.is_met} for figure in measured]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print(measured)
    return 1 if options.check and not all(figure.is_met for figure in measured) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure a running local stack.")
    parser.add_argument("--cold", action="store_true", help="also time `make up` in a clone with nothing built")
    parser.add_argument("--api", action="store_true", help="measure the API on a stack of its own, in ten minutes")
    parser.add_argument(
        "--host", action="store_true", help="measure a database host of its own instead; needs no stack"
    )
    parser.add_argument("--recovery", action="store_true", help="measure restores on a host of its own; needs no stack")
    parser.add_argument("--failover", action="store_true", help="measure the rollback instead, on the running stack")
    parser.add_argument("--suite", action="store_true", help="time the tests in a fresh clone; needs no stack")
    parser.add_argument("--policies", action="store_true", help="measure the gate and the packs; needs no stack")
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is above its limit")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _print(measured: list[Figure]) -> None:
    table = Table("figure", "measured", "", "at most", box=None, pad_edge=False, header_style="bold")
    for column in (table.columns[1], table.columns[3]):
        column.justify = "right"
    for figure in measured:
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        value = f"{figure.value:g}" if figure.is_met else f"[red]{figure.value:g}[/]"
        table.add_row(figure.name, value, figure.unit, limit)
    console().print(table)


if __name__ == "__main__":
    sys.exit(main())
