"""The way to the engine of the local stack: in its namespaces, or its container."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backups import copies, engine_process
from backups.answers import Backup, Restored, Source
from backups.door import InPlace, Say
from backups.errors import BackupError
from local.common.certificates import ServerCertificate
from local.common.errors import LocalError
from local.host import database, serving
from local.host.runtime import HostRuntime
from local.objects.part import Objects
from local.processes.stack import Stack

AWAY = "does not answer"
"""What the engine says of a store."""


class LocalDoor:
    """Opened without a stack that runs, too; who asks then is told so."""

    def __init__(self, here: Stack, say: Say) -> None:
        self.stack = "local"
        self.evidence: Path = here.state.folder / "drills"
        self.here = here
        self.say = say

    @property
    def way(self) -> HostRuntime:
        """Raises LocalError where the stack does not run."""
        way = database.runtime(self.here)
        if not self.here.state.exists or not way.is_made or not self.here.supervisor.is_running():
            raise LocalError("the local stack does not run; start it with `./hybrid local up`")
        return way

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        way = self.way
        try:
            return engine_process.run(way.recovery(), request, self.say, way.interrupt_recovery)
        except BackupError as error:
            if AWAY in str(error) and not serving.first(serving.read(self.here.state)):
                raise BackupError(f"{error}; `./hybrid local up` starts what does not run") from None
            raise

    def restore_in_place(self, wanted: InPlace) -> Restored:
        from backups.local_restore import restore_in_place

        return restore_in_place(self, wanted)

    def copy_states(self, backups: Sequence[Backup], source: Source) -> dict[str, str]:
        given = self._repository()
        place = given["copy"] if source.repository == "copy" else given
        if place is None:
            return dict.fromkeys((one.label for one in backups), "unknown: no copy is declared")
        return copies.states(lambda: self._objects(given).client(place["region"]), place["bucket"], backups)

    def _repository(self) -> dict[str, Any]:
        host = self.here.state.read_json(self.here.state.host_file, can_be_remade=True)
        if not isinstance(host, dict):
            raise LocalError("the local stack does not run; start it with `./hybrid local up`")
        given: dict[str, Any] = host["backup"]
        return given

    def _objects(self, given: Mapping[str, Any]) -> Objects:
        """A standby's host has its backups in the store of another stack."""
        first = serving.first(serving.read(self.here.state))
        owner = first.state if first else self.here.state
        port = int(given["endpoint"].rpartition(":")[2])
        return Objects(state=owner, port=port, tls=ServerCertificate(owner.tls))
