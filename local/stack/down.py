"""Stops the local stack, and removes what it made when told."""

from local.common import lock
from local.common.errors import LocalError
from local.host import database
from local.processes import processes
from local.processes.stack import Progress, Stack


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
    left = processes.end(found)
    if left:
        raise LocalError(f"processes {', '.join(str(process.pid) for process in left)}: can't be ended")
    return bool(found)
