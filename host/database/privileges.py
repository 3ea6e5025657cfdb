"""Which privileges the declared roles have: nothing but what their reads, writes and creates give."""

from collections.abc import Iterator

from host.database import monitoring
from host.database.state import DefaultPrivilege, Privilege, State
from host.specification.model import Postgres, Role

EXTENSIONS = "extensions"
CRON = "cron"
BACKUP_FUNCTIONS = ("pg_backup_start", "pg_backup_stop", "pg_create_restore_point", "pg_switch_wal")
"""All that pgBackRest calls and that is not everybody's."""
FUNCTIONS = frozenset(
    {f"{monitoring.SCHEMA}.{name}" for name in monitoring.FUNCTIONS}
    | {f"pg_catalog.{name}" for name in BACKUP_FUNCTIONS}
)


def wanted(postgres: Postgres) -> frozenset[Privilege]:
    """Every privilege that a declared role is to have on what exists."""
    return frozenset(privilege for role in postgres.roles for privilege in _of_role(role, postgres))


def wanted_defaults(postgres: Postgres) -> frozenset[DefaultPrivilege]:
    """Every privilege that a declared role is to have on what another declared role will create."""
    return frozenset(
        DefaultPrivilege(kind, schema, role.name, privilege, creator.name)
        for creator in postgres.roles
        for schema in creator.creates
        for role in postgres.roles
        if role != creator
        for kind, privilege in _on_relations(role, schema)
    )


def privilege_sql(postgres: Postgres, state: State) -> list[str]:
    """Statements that grant what is missing and revoke what nobody declared, PUBLIC's included."""
    aims = wanted(postgres)
    holders = {role.name for role in postgres.roles} | {"PUBLIC"}
    schemas = {schema.name for schema in postgres.schemas}
    places = schemas | FUNCTIONS | {postgres.database, EXTENSIONS, CRON, monitoring.SCHEMA}
    excess = {held for held in state.granted - aims if held.role in holders and held.place in places}
    # A function that is made again, as where its columns are others, has lost its rights.
    is_remade = state.monitoring != monitoring.MARK
    kept = {held for held in state.complete if not (is_remade and held.place.startswith(f"{monitoring.SCHEMA}."))}
    missing = {
        aim
        for aim in aims - kept
        if aim.kind in ("database", "schema", "function") or (aim.kind, aim.place) in state.relations
    }
    return [
        *(f"REVOKE {held.privilege} ON {_object(held)} FROM {_role(held.role)};" for held in sorted(excess)),
        *(f"GRANT {aim.privilege} ON {_object(aim)} TO {_role(aim.role)};" for aim in sorted(missing)),
    ]


def default_privilege_sql(postgres: Postgres, state: State) -> list[str]:
    """The same for what declared roles will create; what a creator holds on its own creations stays."""
    aims = wanted_defaults(postgres)
    creators = {role.name for role in postgres.roles}
    others = {held for held in state.default_privileges if held.creator in creators and held.role != held.creator}
    return [
        *(_default(held, "REVOKE", "FROM") for held in sorted(others - aims)),
        *(_default(aim, "GRANT", "TO") for aim in sorted(aims - others)),
    ]


def _of_role(role: Role, postgres: Postgres) -> Iterator[Privilege]:
    yield Privilege("database", postgres.database, role.name, "CONNECT")
    if role.writes or role.creates:
        yield Privilege("database", postgres.database, role.name, "TEMPORARY")
    if role.is_backup:
        yield from (Privilege("function", f"pg_catalog.{name}", role.name, "EXECUTE") for name in BACKUP_FUNCTIONS)
        return
    yield Privilege("schema", EXTENSIONS, role.name, "USAGE")
    if role.is_monitor:
        yield Privilege("schema", monitoring.SCHEMA, role.name, "USAGE")
        for name in monitoring.FUNCTIONS:
            yield Privilege("function", f"{monitoring.SCHEMA}.{name}", role.name, "EXECUTE")
    if role.creates and "pg_cron" in postgres.extensions:
        yield Privilege("schema", CRON, role.name, "USAGE")
    for schema in {*role.reads, *role.writes, *role.creates}:
        yield Privilege("schema", schema, role.name, "USAGE")
        yield from (Privilege(kind, schema, role.name, right) for kind, right in _on_relations(role, schema))
    for schema in role.creates:
        yield Privilege("schema", schema, role.name, "CREATE")


def _on_relations(role: Role, schema: str) -> Iterator[tuple[str, str]]:
    if schema in role.reads:
        yield "table", "SELECT"
    if schema in role.writes:
        yield from (("table", right) for right in ("INSERT", "UPDATE", "DELETE"))
        yield from (("sequence", right) for right in ("USAGE", "SELECT"))


def _object(privilege: Privilege) -> str:
    if privilege.kind in ("database", "schema"):
        return f'{privilege.kind.upper()} "{privilege.place}"'
    if privilege.kind == "function":
        return f"FUNCTION {privilege.place}"
    return f'ALL {privilege.kind.upper()}S IN SCHEMA "{privilege.place}"'


def _default(privilege: DefaultPrivilege, act: str, preposition: str) -> str:
    return (
        f'ALTER DEFAULT PRIVILEGES FOR ROLE "{privilege.creator}" IN SCHEMA "{privilege.place}"'
        f" {act} {privilege.privilege} ON {privilege.kind.upper()}S {preposition} {_role(privilege.role)};"
    )


def _role(name: str) -> str:
    return name if name == "PUBLIC" else f'"{name}"'
