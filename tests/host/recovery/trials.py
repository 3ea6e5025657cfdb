"""Recovers to one target after the other from one restored base: python -m tests.host.recovery.trials SPEC ROOT.

Run in a host's namespaces. Requests on stdin, one list of rows each on stdout; all but the download is the engine's.
"""

import json
import sys
from pathlib import Path

from host.recovery import recovering
from host.recovery.clusters import Work, working
from host.recovery.contract import RestoreRequest, parse
from host.recovery.machine import Machine
from host.recovery.pgbackrest import Repository
from host.recovery.plan import Plan, made
from host.recovery.recovering import Purpose
from host.specification.reading import load
from tests.waiting import LIMIT_SECONDS

ROWS = "SELECT row FROM public.trial ORDER BY row"
bases: dict[str, Path] = {}
fetch = recovering._fetch_files


def fetched(repository: Repository, plan: Plan, work: Work) -> None:
    """The first time from the repository, then a copy."""
    machine, label = work.machine, plan.backup.label
    base = bases.setdefault(label, machine.path(machine.clusters.parent / f"base-{label}"))
    if not base.exists():
        fetch(repository, plan, work)
        machine.here(["cp", "-a", str(work.inside("data")), str(base)], seconds=LIMIT_SECONDS)
    else:
        work.inside("data").rmdir()
        machine.here(["cp", "-a", str(base), str(work.inside("data"))], seconds=LIMIT_SECONDS)


def main() -> None:
    machine = Machine(Path(sys.argv[2]), load(Path(sys.argv[1])))
    recovering._fetch_files = fetched
    for text in json.load(sys.stdin):
        request = parse(json.dumps(text))
        assert isinstance(request, RestoreRequest)
        wanted = made(machine, request)
        assert not wanted.faults, wanted.faults
        with working(machine) as folder, recovering.recovered(folder, wanted, Purpose("drill")) as found:
            print(json.dumps([int(row[0]) for row in found.server.psql(ROWS)]), flush=True)
    for base in bases.values():
        machine.here(["rm", "-rf", str(base)], seconds=LIMIT_SECONDS)


if __name__ == "__main__":
    main()
