"""What runs of a local stack: each part's status, and how all of it is stopped, or removed with what it made."""

from local.common import lock
from local.common.parts import PARTS
from local.host import database
from local.processes import processes
from local.processes.program import PartState, PartStatus
from local.processes.stack import Progress, Stack


def parts_of(stack: Stack) -> dict[str, PartStatus]:
    """Parts by name in start order, also those that an interrupted `up` has not reached; none without a stack."""
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


def down(stack: Stack, progress: Progress, *, is_final: bool) -> bool:
    """Whether there was anything to stop or to remove. With `is_final`, data, backups and logs are gone."""
    if not stack.state.folder.exists():
        return _end_orphans(stack)
    if not stack.state.exists:
        # Refuses a folder that is not ours.
        stack.state.delete()
        return False
    with lock.hold(stack.state):
        was_running = stack.supervisor.is_running() or stack.supervisor.pid is not None
        progress("stopping all parts")
        stack.supervisor.stop()
        if is_final:
            progress("removing all that the stack made")
        database.runtime(stack).end(is_final=is_final)
        if is_final:
            stack.state.delete()
    return was_running or is_final


def _end_orphans(stack: Stack) -> bool:
    """Ends what still runs of a stack whose folder somebody removed: its supervisor takes the others along."""
    found = processes.marked(stack.state.folder)
    processes.end_all(found)
    return bool(found)
