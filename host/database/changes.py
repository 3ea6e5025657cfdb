"""The statements that bring a database from what it holds to what is declared."""

from collections.abc import Iterator, Mapping

from host.database import monitoring
from host.database.privileges import EXTENSIONS, default_privilege_sql, privilege_sql
from host.database.roles import role_sql
from host.database.serving import taken_back
from host.database.state import Change, RoleState, State
from host.specification.model import Postgres, Role, Schema

SEARCH_PATH = f"public, {EXTENSIONS}"
# TimescaleDB brings jobs that its Apache edition, which Debian ships, may not run: they would fail for ever.
NO_UNLICENSED_JOBS = (
    "UPDATE _timescaledb_config.bgw_job SET scheduled = false"
    " WHERE current_setting('timescaledb.license') = 'apache' AND id < 1000;"
)
OF_THE_HOST = (Schema(name=EXTENSIONS, data_class="none"), Schema(name=monitoring.SCHEMA, data_class="none"))
"""Schemas beside the declared ones, owned by the superuser."""


def changes(postgres: Postgres, state: State, pooled: Mapping[str, str]) -> list[Change]:
    """All concerns in the order in which they can be applied; `pooled` has the pooler's own verifiers by role."""
    schemas = (*OF_THE_HOST, *postgres.schemas)
    return [
        reread(state),
        taken_back(postgres, state),
        *(
            Change(f"role {role.name}", tuple(role_sql(role, state, pooled.get(role.name))))
            for role in _in_order(postgres)
        ),
        *(Change(f"schema {schema.name}", tuple(_schema(schema, state))) for schema in schemas),
        *(Change(f"extension {name}", tuple(_extension(name, state))) for name in postgres.extensions),
        Change("search path", tuple(_search_path(postgres, state))),
        Change("monitoring functions", monitoring.statements(state.monitoring)),
        Change("owners", tuple(_owners(postgres, state))),
        Change("privileges", tuple(privilege_sql(postgres, state))),
        # Its role has to have the right to run it.
        Change("marker job", monitoring.marker_job(postgres, state.marker_job)),
        Change("default privileges", tuple(default_privilege_sql(postgres, state))),
    ]


def reread(state: State) -> Change:
    """Reloads the settings; a standby allows it, too."""
    return Change("server reads its rules again", () if state.is_loaded else ("SELECT pg_reload_conf();",))


def _in_order(postgres: Postgres) -> list[Role]:
    """Sorts roles so that one that acts as another comes after that one."""
    return sorted(postgres.roles, key=lambda role: role.acts_as is not None)


def _schema(schema: Schema, state: State) -> Iterator[str]:
    comment = f"data class: {schema.data_class}"
    if schema.name not in state.schemas:
        yield f'CREATE SCHEMA "{schema.name}";'
    if state.schemas.get(schema.name) != comment:
        yield f"COMMENT ON SCHEMA \"{schema.name}\" IS '{comment}';"


def _extension(name: str, state: State) -> Iterator[str]:
    """Statements in a session of their own: TimescaleDB is created and updated before anything else has used it."""
    if name not in state.extensions:
        # pg_cron alone fixes its own schema.
        yield f"CREATE EXTENSION {name}{'' if name == 'pg_cron' else f' SCHEMA {EXTENSIONS}'};"
    elif not state.extensions[name]:
        yield f"ALTER EXTENSION {name} UPDATE;"
    elif not (name == "timescaledb" and state.has_unlicensed_jobs):
        return
    if name == "timescaledb":
        yield NO_UNLICENSED_JOBS


def _search_path(postgres: Postgres, state: State) -> Iterator[str]:
    if f"search_path={SEARCH_PATH}" not in state.settings:
        yield f'ALTER DATABASE "{postgres.database}" SET search_path = {SEARCH_PATH};'


def _owners(postgres: Postgres, state: State) -> Iterator[str]:
    """Gives each schema to its creator, and what a role made before it acted as another to that other one."""
    for role in postgres.roles:
        for schema in role.creates:
            if state.owners.get(schema) != role.name:
                yield f'ALTER SCHEMA "{schema}" OWNER TO "{role.name}";'
        yield from _handed_over(role, state.roles.get(role.name), state)


def _handed_over(role: Role, present: RoleState | None, state: State) -> Iterator[str]:
    if role.acts_as is None or present is None or not present.owns:
        return
    yield f'REASSIGN OWNED BY "{role.name}" TO "{role.acts_as}";'
    if "pg_cron" in state.extensions:
        yield f"UPDATE cron.job SET username = '{role.acts_as}' WHERE username = '{role.name}';"
