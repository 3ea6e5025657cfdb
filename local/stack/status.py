"""What every part of a local stack is doing, also those that an interrupted `up` has not come to."""

from local.common.parts import PARTS
from local.host import database
from local.processes.program import PartState, PartStatus
from local.processes.stack import Stack


def parts_of(stack: Stack) -> dict[str, PartStatus]:
    """By name, in start order; none where no stack was made."""
    if not stack.state.exists:
        return {}
    runtime = database.runtime(stack)
    if not runtime.is_made:
        return {}
    known = stack.supervisor.status()
    # In a container both are one program.
    programs = {"postgres": runtime.postgres.name, "pooler": runtime.pooler.name}
    names = dict.fromkeys(programs.get(part.name, part.name) for part in PARTS if part.is_available)
    absent = {
        name: PartStatus(name=name, state=PartState.STOPPED, log=stack.state.logs / f"{name}.log")
        for name in names
        if name not in known
    }
    return {**known, **absent}
