"""The statements that bring a database from what it holds to what is declared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from host.facts.database_state import RoleState, State
from host.privileges import EXTENSIONS, default_privilege_sql, privilege_sql
from host.scram import matches, verifier
from host.spec import Postgres, Role, Schema

SEARCH_PATH = f"public, {EXTENSIONS}"
MONITORS = "pg_monitor"
# Of pooled roles, which serve requests: nobody waits longer, and a connection is one of few. Migrations may take long.
STATEMENT_TIMEOUT = "10s"
# TimescaleDB brings jobs that its Apache edition, which Debian ships, may not run: they would fail for ever.
NO_UNLICENSED_JOBS = (
    "UPDATE _timescaledb_config.bgw_job SET scheduled = false"
    " WHERE current_setting('timescaledb.license') = 'apache' AND id < 1000;"
)


@dataclass(frozen=True)
class Change:
    """One concern, named as people would; no statements when nothing is to be done."""

    name: str
    statements: tuple[str, ...]


def changes(postgres: Postgres, state: State, pooled: Mapping[str, str]) -> list[Change]:
    """All concerns in the order in which they can be applied; `pooled` has the pooler's own verifiers by role."""
    schemas = (Schema(name=EXTENSIONS, data_class="none"), *postgres.schemas)
    return [
        Change("server reads its rules again", () if state.is_loaded else ("SELECT pg_reload_conf();",)),
        *(Change(f"schema {schema.name}", tuple(_schema(schema, state))) for schema in schemas),
        *(Change(f"extension {name}", tuple(_extension(name, state))) for name in postgres.extensions),
        Change("search path", tuple(_search_path(postgres, state))),
        *(Change(f"role {role.name}", tuple(_role(role, state, pooled.get(role.name)))) for role in postgres.roles),
        Change("privileges", tuple(privilege_sql(postgres, state))),
        Change("default privileges", tuple(default_privilege_sql(postgres, state))),
    ]


def _schema(schema: Schema, state: State) -> Iterator[str]:
    comment = f"data class: {schema.data_class}"
    if schema.name not in state.schemas:
        yield f'CREATE SCHEMA "{schema.name}";'
    if state.schemas.get(schema.name) != comment:
        yield f"COMMENT ON SCHEMA \"{schema.name}\" IS '{comment}';"


def _extension(name: str, state: State) -> Iterator[str]:
    """Each is a session of its own: TimescaleDB is created and updated before anything else has used it."""
    if name not in state.extensions:
        # pg_cron alone fixes its own schema.
        yield f"CREATE EXTENSION {name}{'' if name == 'pg_cron' else f' SCHEMA {EXTENSIONS}'};"
    elif not state.extensions[name]:
        yield f"ALTER EXTENSION {name} UPDATE;"
    else:
        return
    if name == "timescaledb":
        yield NO_UNLICENSED_JOBS


def _search_path(postgres: Postgres, state: State) -> Iterator[str]:
    if f"search_path={SEARCH_PATH}" not in state.settings:
        yield f'ALTER DATABASE "{postgres.database}" SET search_path = {SEARCH_PATH};'


def _role(role: Role, state: State, pooled: str | None) -> Iterator[str]:
    """A role's attributes and password; the server is sent a verifier, so no log or statistic holds the password."""
    present = state.roles.get(role.name)
    if present is None:
        yield f'CREATE ROLE "{role.name}";'
    if present is None or not present.is_plain or present.connection_limit != role.connection_limit:
        yield (
            f'ALTER ROLE "{role.name}" LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
            f" CONNECTION LIMIT {role.connection_limit};"
        )
    held = present.verifier if present else None
    is_right = held == pooled if pooled else matches(held, role.password)
    if not is_right:
        yield f"ALTER ROLE \"{role.name}\" PASSWORD '{pooled or verifier(role.password)}';"
    yield from _statement_timeout(role, present, STATEMENT_TIMEOUT if pooled else None)
    groups = present.groups if present else frozenset()
    aims = frozenset({MONITORS} if role.is_monitor else ())
    yield from (f'GRANT {group} TO "{role.name}";' for group in sorted(aims - groups))
    yield from (f'REVOKE "{group}" FROM "{role.name}";' for group in sorted(groups - aims))


def _statement_timeout(role: Role, present: RoleState | None, wanted: str | None) -> Iterator[str]:
    held = present.statement_timeout if present else None
    if held != wanted:
        setting = f"SET statement_timeout = '{wanted}'" if wanted else "RESET statement_timeout"
        yield f'ALTER ROLE "{role.name}" {setting};'
