"""Bring this host to what is declared: python -m host.converge SPEC [--root DIR] [--dry].

Run again and again by the cloud, and safe to be killed at any point: the next run heals. SPEC names secrets as
{"$parameter": NAME}; their values are read from AWS Systems Manager and kept, as a whole, in memory (/run, root's).
On the disk is what the services need of them to start without AWS: pgBackRest's settings, the pooler's passwords, the
server's key, the tunnel's token and the copies of settings that worked, each for root or the service's user alone.

Prints one JSON report; exit code 1 when a stage failed (those after it did not run), 2 for wrong usage.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pyinfra.api.exceptions import ConnectError

from durable import files
from host.apply import STAGES, apply, prepare_process
from host.common.convergence_lock import BusyError, alone
from host.common.layout import RUN, TOLD_TO_SERVE
from host.common.report import Report
from host.specification.model import Spec
from host.specification.parameters import ParameterError, resolved
from host.specification.reading import SpecError, load


@dataclass(kw_only=True)
class Convergence:
    """What a run did, by stage; with --dry, what it would do."""

    changed: dict[str, list[str]] = field(default_factory=dict)
    failed: list[dict[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Stages that --dry can't judge, because they depend on what earlier ones do."""
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, report: Report, seconds: float, *, is_dry: bool) -> bool:
        """Whether the next stage makes sense."""
        self.seconds[stage] = round(seconds, 1)
        if report.changed:
            self.changed[stage] = report.changed
        if report.failed and is_dry and self.changed:
            self.unknown.append(stage)
            return True
        self.failed += [{"stage": stage, **asdict(failure)} for failure in report.failed]
        return not report.failed or report.may_go_on


def converge(spec: Spec, root: Path, *, is_dry: bool) -> Convergence:
    """All stages in their order, up to the first that fails."""
    found = Convergence()
    for stage in STAGES:
        print(stage, file=sys.stderr, flush=True)
        start = time.monotonic()
        report = apply(spec, root, stage, is_dry=is_dry)
        if not found.add(stage, report, time.monotonic() - start, is_dry=is_dry):
            break
    return found


def realised(path: Path, folder: Path) -> Spec:
    """The specification with its secrets; kept beside the lock for whoever works on the host by hand."""
    try:
        declared = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: not readable as JSON: {error}") from error
    kept = folder / "specification.json"
    # What a killed run left holds secrets; this one is alone.
    for left in folder.glob(f".{kept.name}.*{files.UNFINISHED}"):
        left.unlink()
    files.replace(kept, json.dumps(resolved(declared)), mode=0o600)
    return load(kept)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="host.converge", description="Bring this host to what is declared.")
    parser.add_argument("spec", type=Path, help="JSON file that says what the host is to become")
    parser.add_argument("--root", type=Path, default=Path("/"), help="root file system of the host")
    parser.add_argument("--dry", action="store_true", help="only say what would change")
    options = parser.parse_args(arguments)
    prepare_process(options.root)
    folder = options.root / RUN.removeprefix("/")
    try:
        with alone(folder):
            spec = realised(options.spec, folder)
            if spec.postgres.is_serving and not options.dry:
                (options.root / TOLD_TO_SERVE.removeprefix("/")).touch()
            found = converge(spec, options.root, is_dry=options.dry)
    except (SpecError, ParameterError, ConnectError, BusyError) as error:
        found = Convergence(failed=[{"stage": "specification", "operation": type(error).__name__, "error": str(error)}])
    for failure in found.failed:
        print(f"{failure['stage']}: {failure['operation']}: {failure['error']}", file=sys.stderr)
    print(json.dumps(asdict(found)))
    return 1 if found.failed else 0


if __name__ == "__main__":
    logging.getLogger("pyinfra").setLevel(logging.ERROR)
    sys.exit(main())
