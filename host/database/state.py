"""What the database holds of all that is declared, and a change of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.facts import FactBase

QUERY = (Path(__file__).parent / "sql" / "state.sql").read_text()


@dataclass(frozen=True, order=True)
class Privilege:
    """A role's privilege on the database, a schema, a function, or all tables or sequences of a schema."""

    kind: str
    place: str
    role: str
    privilege: str


@dataclass(frozen=True, order=True)
class DefaultPrivilege(Privilege):
    """A role's privilege on what `creator` will create in the schema `place`."""

    creator: str


@dataclass(frozen=True)
class RoleState:
    verifier: str | None = field(repr=False)
    connection_limit: int
    is_plain: bool
    """It may log in, and has no attribute beyond that, such as SUPERUSER."""
    groups: frozenset[str]
    settings: frozenset[str] = frozenset()
    """The role's own, in every database, as `name=value`."""
    owns: bool = False
    """It owns something in this database."""


@dataclass(frozen=True)
class State:
    extensions: dict[str, bool]
    """Extensions created, and whether each is at the version that the packages bring."""
    has_unlicensed_jobs: bool
    """TimescaleDB's own jobs are on that its Apache edition refuses to run; a restored dump brings them, too."""
    schemas: dict[str, str | None]
    """Schemas and their comments."""
    owners: dict[str, str]
    """Schemas and their owners."""
    roles: dict[str, RoleState]
    relations: frozenset[tuple[str, str]]
    """(kind, schema) of which there is one at least."""
    complete: frozenset[Privilege]
    """Held on everything in its place, also as owner."""
    granted: frozenset[Privilege]
    """Granted on something in its place to another than the owner."""
    default_privileges: frozenset[DefaultPrivilege]
    settings: frozenset[str]
    """The database's own."""
    monitoring: str | None
    """The mark of the monitoring functions that are there."""
    marker_job: str | None
    """pg_cron's job that writes markers: schedule, command, role, database and whether it is active."""
    is_in_recovery: bool
    """It is a standby, which can only be looked at."""
    is_fenced: bool
    """It runs with the settings of a host that does not serve, and no client from before is left."""
    is_loaded: bool
    """The server has read its authentication rules and certificate since they were written."""


class DatabaseState(FactBase[State]):
    """Read over the socket with psql; `psql` is its command line."""

    def command(self, psql: str) -> StringCommand:
        return StringCommand(psql, "--command", QuoteString(QUERY))

    def process(self, output: list[str]) -> State:
        return parse(json.loads("\n".join(output)))


def parse(value: dict[str, Any]) -> State:
    """The state from the query's JSON object."""
    rows = [(Privilege(row["kind"], row["place"], row["role"], row["privilege"]), row) for row in value["privileges"]]
    return State(
        extensions=value["extensions"] or {},
        has_unlicensed_jobs=value["has_unlicensed_jobs"],
        schemas=value["schemas"] or {},
        owners=value["owners"] or {},
        roles={
            name: RoleState(**(role | {part: frozenset(role[part]) for part in ("groups", "settings")}))
            for name, role in (value["roles"] or {}).items()
        },
        relations=frozenset((kind, schema) for kind, schema in value["relations"]),
        complete=frozenset(privilege for privilege, row in rows if row["complete"]),
        granted=frozenset(privilege for privilege, row in rows if row["granted"]),
        default_privileges=frozenset(
            DefaultPrivilege(row["kind"], row["schema"], row["role"], row["privilege"], row["creator"])
            for row in value["default_privileges"]
        ),
        settings=frozenset(value["settings"]),
        monitoring=value["monitoring"],
        marker_job=value["marker_job"],
        is_in_recovery=value["is_in_recovery"],
        is_fenced=value["is_fenced"],
        is_loaded=value["is_loaded"],
    )


@dataclass(frozen=True)
class Change:
    """Named as people would; no statements when nothing is to be done."""

    name: str
    statements: tuple[str, ...]
