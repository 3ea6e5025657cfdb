"""Which door a command goes through."""

from backups.door import Door, Say


def door(stack: str | None, say: Say) -> Door:
    """The local stack's, or that of a stack in the cloud. Raises HybridError for one that is not declared."""
    from plan.project import ROOT

    if stack is None:
        from backups.local_door import LocalDoor
        from local.processes.stack import Stack

        return LocalDoor(Stack.of(ROOT), say)
    from backups.cloud_door import CloudDoor, declaration
    from plan.record import record

    return CloudDoor(declaration(record(stack)), ROOT / ".state" / "drills", say)
