"""How long the policies take: the whole gate, ten thousand resources, beside checkov, and on Pulumi's engine."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.figure import Figure
from bench.terraform import as_terraform
from plan import codec
from plan.model import Plan, Resource
from plan.project import ROOT
from plan.record import record
from policies.gate.gate import judge
from tests.engine.trial_engine import TrialEngine

RUNS = 5
SIZES = (2_500, 5_000, 10_000)
BESIDE_CHECKOV = 1_000
# Path of checkov's command, in an environment of its own: it is not a dependency of the project.
CHECKOV = "CHECKOV"


def policy_figures() -> Iterator[Figure]:
    """All figures, cheapest first. What a machine lacks is said on stderr and left out."""
    # The rules' own modules are compiled and in the page cache before anything is measured.
    plans = [record("dev"), record("prod")]
    judge(plans)
    yield Figure(name="gate dev prod, whole", value=_gate_seconds(), unit="s", limit=1.5)
    yield Figure(name="gate dev prod, plans recorded", value=_median(lambda: judge(plans)), unit="s")
    yield from _growth(plans[1])
    yield from _beside_checkov(plans[1])
    yield from _on_the_engine()


def _gate_seconds() -> float:
    command = [str(ROOT / "hybrid"), "gate", "dev", "prod"]
    return _median(lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL))


def _growth(plan: Plan) -> Iterator[Figure]:
    """Time for each size, and for one resource of the largest beside one of the smallest; packs' start is left out."""
    start = _seconds(lambda: judge([replace(plan, resources=plan.resources[:1])]))
    seconds = {}
    for size in SIZES:
        many = enlarged(plan, size)
        taken = _seconds(lambda many=many: judge([many]))  # type: ignore[misc]
        seconds[size] = taken - start
        limit = 30 if size == max(SIZES) else None
        yield Figure(name=f"gate {size:,} resources", value=round(taken, 2), unit="s", limit=limit)
    smallest, largest = min(SIZES), max(SIZES)
    ratio = (seconds[largest] / largest) / (seconds[smallest] / smallest)
    name = f"a resource of {largest:,} / of {smallest:,}"
    yield Figure(name=name, value=round(ratio, 2), unit="×", limit=1.25)


def enlarged(plan: Plan, size: int) -> Plan:
    """A plan of `size` resources: copies of the stack under other names, with references between them kept."""
    text = codec.dumps(plan, reveal_secrets=True)
    resources: list[Resource] = []
    for number in range(-(-size // len(plan.resources))):
        renamed = text.replace(f"urn:pulumi:{plan.stack}::", f"urn:pulumi:{plan.stack}-{number}::")
        renamed = renamed.replace(f"automatonicai-{plan.stack}", f"automatonicai-{plan.stack}-{number}")
        # Below the one domain that a stack has.
        renamed = renamed.replace("automatonicai.com", f"s{number}.automatonicai.com")
        resources += codec.loads(renamed, "copy").resources
    return replace(plan, resources=tuple(resources[:size]), outputs={})


def _beside_checkov(plan: Plan) -> Iterator[Figure]:
    """The gate beside checkov: both judge the same resources, in turns, from a file or a plan that exists already.

    For checkov the stack is written as Terraform's plan, in its own names and with secrets in the clear; components,
    which it does not know, are replaced by more of the rest, so that both have as many. It has few checks for
    Lightsail and none for Cloudflare, and so less to do; ours starts three processes, checkov's is one.
    """
    command = os.environ.get(CHECKOV)
    if not command:
        print(f"bench: checkov is left out; set {CHECKOV} to the path of its command", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        for size in (len(plan.resources), BESIDE_CHECKOV):
            many = plan if size == len(plan.resources) else enlarged(plan, size)
            file = Path(folder) / f"{size}.json"
            file.write_text(as_terraform(enlarged(plan, 2 * size), size))
            own, other = _in_turns(lambda many=many: judge([many]), lambda file=file: _checkov(command, file))  # type: ignore[misc]
            yield Figure(name=f"judge {size:,} resources", value=own, unit="s")
            yield Figure(name=f"checkov on {size:,} resources", value=other, unit="s")
            yield Figure(name=f"ours / checkov, {size:,}", value=round(own / other, 2), unit="×", limit=1)


def _checkov(command: str, file: Path) -> None:
    options = ["--framework", "terraform_plan", "--compact", "--quiet", "--soft-fail", "--skip-download"]
    subprocess.run([command, "--file", str(file), *options], check=True, capture_output=True)


def _on_the_engine() -> Iterator[Figure]:
    """A preview of production without and with the pack of every rule, in turns, with providers that make nothing."""
    if shutil.which("pulumi") is None:
        print("bench: the engine is left out; put `pulumi` on PATH", file=sys.stderr)
        return
    every = "--policy-pack=policies"
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        engine = TrialEngine.make(Path(folder) / "engine")
        preview = ("preview", "--stack=prod")
        bare, judged = _in_turns(lambda: engine.run(*preview), lambda: engine.run(*preview, every))
    yield Figure(name="preview on the engine", value=bare, unit="s")
    yield Figure(name="preview with every rule", value=judged, unit="s")
    yield Figure(name="what the rules add", value=round(100 * (judged / bare - 1), 1), unit="%", limit=20)


def _in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Medians of both, run in turns so that the machine's load is the same for both; each has run once before."""
    first(), second()
    times = [(_seconds(first), _seconds(second)) for _ in range(RUNS)]
    return tuple(round(statistics.median(taken), 2) for taken in zip(*times, strict=True))


def _median(act: Callable[[], object]) -> float:
    return round(statistics.median(_seconds(act) for _ in range(RUNS)), 2)


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
