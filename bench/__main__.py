"""Measures a running local stack and the commands: `make bench`, after `make up`.

Prints a table, or JSON with --json. Targets are in the table; a machine that is busy misses them, so nothing fails.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import httpx
from rich.table import Table

from local.stack import Stack
from local.traffic import CLIENTS, ROUTE, Timing, repeat
from local.verify import Hop
from plan.project import ROOT
from scripts.console import console

RUNS = 5
REQUESTS = 5000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure beside what it should be."""

    name: str
    value: float
    unit: str
    target: str


def figures(stack: Stack) -> Iterator[Figure]:
    """All figures, cheapest first."""
    yield _command("hybrid --help", ["--help"], "under 0.5 s")
    yield _command("hybrid preview dev", ["preview", "dev", "--json"], "under 4 s")
    yield _command("hybrid gate dev prod", ["gate", "dev", "prod"], "")
    yield _command("hybrid local up, nothing to do", ["local", "up"], "")
    yield Figure(name="make up, nothing to do", value=_median(["make", "up"], runs=2), unit="s", target="under 8 s")
    memory = sum(part.memory_bytes for part in stack.supervisor.status().values())
    yield Figure(name="memory of all parts", value=round(memory / 2**20), unit="MB", target="under 1536 MB")
    yield from _api(stack)


def _command(name: str, arguments: list[str], target: str) -> Figure:
    return Figure(name=name, value=_median([str(ROOT / "hybrid"), *arguments], RUNS), unit="s", target=target)


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
    yield Figure(name=f"API p50, {CLIENTS} clients", value=whole.p50_ms, unit="ms", target="")
    yield Figure(name=f"API p95, {CLIENTS} clients", value=whole.p95_ms, unit="ms", target="under 100 ms")
    yield Figure(name=f"API errors in {REQUESTS}", value=whole.errors, unit="", target="0")
    yield Figure(name="Worker without database p95", value=bare.p95_ms, unit="ms", target="")
    yield Figure(name="API p50 / Worker p50", value=round(whole.p50_ms / bare.p50_ms, 1), unit="×", target="")


async def _load(stack: Stack, path: str) -> Timing:
    timing = Timing(path)
    base = f"http://127.0.0.1:{stack.ports.web}"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as client:

        async def get() -> bool:
            return (await client.get(path)).status_code == httpx.codes.OK

        await repeat(REQUESTS, lambda _: timing.measure(get))
    return timing


def main() -> int:
    stack = Stack.of(ROOT)
    if not stack.state.exists or not stack.supervisor.is_running():
        print("bench: the local stack does not run; start it with `make up`", file=sys.stderr)
        return 1
    measured = list(figures(stack))
    if "--json" in sys.argv[1:]:
        print(json.dumps([asdict(figure) for figure in measured], indent=2, ensure_ascii=False))
        return 0
    table = Table("figure", "measured", "", "target", box=None, pad_edge=False, header_style="bold")
    table.columns[1].justify = "right"
    for figure in measured:
        table.add_row(figure.name, f"{figure.value:g}", figure.unit, figure.target)
    console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
