"""Whether a local stack's host serves, and what its database began as: new, restored, or another stack's standby."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.state import CLEAN, State
from local.processes.stack import remembered_port


@dataclass(frozen=True, kw_only=True)
class Serving:
    """Kept in the state folder: what a plain `up` goes on with."""

    standby_of: str | None = None
    """State folder of the stack from whose backups the host was restored."""
    is_serving: bool = True
    is_restored: bool = False
    """Its database began in this stack's own backups; see `up --from-backups`."""
    restored_from: str | None = None
    """The label of the one that was named; see `up --from-backups --set`."""

    def wanted(
        self,
        state: State,
        *,
        standby_of: Path | None,
        serves: bool | None,
        from_backups: bool = False,
        backup: str | None = None,
        rebuilds: bool = False,
    ) -> "Serving":
        """What the operator asks for now. Raises LocalError for what would harm rows."""
        if rebuilds and (standby_of is None or self.standby_of is None or self.is_serving):
            raise LocalError(
                "--rebuild: makes a standby again, and goes with --standby-of; a stack that serves, or has a database"
                " of its own, is not replaced"
            )
        if backup and not from_backups:
            raise LocalError(f"--set {backup}: names the backup that --from-backups restores, and goes with it")
        if from_backups:
            return self._restored(state, standby_of=standby_of, serves=serves, backup=backup)
        if standby_of is None:
            # Once the database is removed, whatever replaces it was not restored.
            known = self if state.has_database else replace(self, is_restored=False, restored_from=None)
            return known if serves is None else replace(known, is_serving=serves)
        of = str(standby_of.expanduser().resolve())
        if of == str(state.folder):
            raise LocalError(f"--standby-of {of}: is this stack itself; name another state folder in HYBRID_STATE")
        if state.has_database and self.standby_of != of:
            raise LocalError(f"--standby-of {of}: this stack has a database of its own; {CLEAN}")
        return Serving(standby_of=of, is_serving=self.is_serving and self.standby_of is not None)

    def _restored(self, state: State, *, standby_of: Path | None, serves: bool | None, backup: str | None) -> "Serving":
        """A restore that was begun goes on, and one that is done stays as it is."""
        if standby_of is not None or serves is False:
            raise LocalError("--from-backups: restores this stack's own database and serves; give it alone")
        if state.has_database and not self.is_restored:
            raise LocalError(
                f"--from-backups: this stack has a database, which it does not replace; to remove it, {CLEAN}"
            )
        if self.standby_of:
            raise LocalError(
                f"--from-backups: the backups of this stack are in {self.standby_of}; `./hybrid local up` restores from"
                " there, and says what it needs to serve again"
            )
        if not state.secrets_file.exists():
            raise LocalError(
                f"--from-backups: {state.secrets_file} is missing, and with it the passphrase of the backups; {CLEAN}"
            )
        begun = self.restored_from if state.has_database else None
        return Serving(is_restored=True, restored_from=backup or begun)


def read(state: State) -> Serving:
    data = state.read_json(_path(state))
    if data is None:
        return Serving()
    try:
        return Serving(**data)
    except TypeError:
        raise LocalError(f"{_path(state)}: does not say which stack serves; {CLEAN}") from None


def write(state: State, serving: Serving) -> None:
    if read(state) != serving:
        state.write_json(_path(state), asdict(serving))


@dataclass(frozen=True)
class First:
    """The stack that a standby was copied from: it has the backups, and all secrets that the database knows."""

    state: State

    @property
    def objects_port(self) -> int:
        return Ports(self.first_port()).objects

    def first_port(self) -> int:
        """Raises LocalError where there is no stack."""
        first = remembered_port(self.state)
        if first is None or not self.state.exists:
            raise LocalError(f"{self.state.folder}: is not a local stack's folder; start that stack first")
        return first

    @property
    def objects_ca(self) -> str:
        return (self.state.tls / "ca.crt").read_text()

    @property
    def secrets(self) -> str:
        return self.state.secrets_file.read_text()


def first(serving: Serving) -> First | None:
    return First(State(Path(serving.standby_of))) if serving.standby_of else None


def _path(state: State) -> Path:
    return state.folder / "serving.json"
