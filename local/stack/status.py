"""What every part of a local stack is doing, also those that an interrupted `up` has not come to."""

from local.edge import part as edge
from local.failover import parts as failover_parts
from local.host import database
from local.objects import part as objects
from local.processes.part_status import PartState, PartStatus
from local.processes.stack import Stack


def parts_of(stack: Stack) -> dict[str, PartStatus]:
    """By name, in start order; none where no stack was made."""
    if not stack.state.exists:
        return {}
    way = database.way(stack)
    if not way.is_made:
        return {}
    known = stack.supervisor.status()
    names = dict.fromkeys((objects.NAME, way.postgres.name, way.pooler.name, edge.NAME, *failover_parts.here()))
    absent = {
        name: PartStatus(name=name, state=PartState.STOPPED, log=stack.state.logs / f"{name}.log")
        for name in names
        if name not in known
    }
    return {**known, **absent}
