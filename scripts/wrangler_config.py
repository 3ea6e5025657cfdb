"""`./hybrid wrangler-config`: wrangler's configuration of a Worker as it is declared."""

from pathlib import Path

from scripts.options import PlanFile, StackArgument, planned
from scripts.output import Output, write_json
from scripts.worker import Name, WorkerName


def wrangler_config(
    stack: StackArgument = None,
    worker: WorkerName = Name.API,
    file: PlanFile = None,
    output: Output = None,
) -> None:
    """Write wrangler's configuration of a Worker as it is declared; with --from a state it has the ids, too."""
    from plan.project import ROOT
    from workers import wrangler

    plan = planned(stack, file)
    write_json(wrangler.config(plan, worker, ROOT, (output or Path("-")).absolute().parent), output)
