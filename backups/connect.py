"""Which connection a command uses."""

from backups.connection import Connection, Say


def connect(stack: str | None, say: Say) -> Connection:
    """Connects to the local stack, or to a stack in the cloud. Raises HybridError for one that is not declared."""
    from plan.project import ROOT

    if stack is None:
        from backups.local_connection import LocalConnection
        from local.processes.stack import Stack

        return LocalConnection(Stack.of(ROOT), say)
    from backups.cloud_connection import CloudConnection, declaration
    from plan.record import record

    return CloudConnection(declaration(record(stack)), ROOT / ".state" / "drills", say)
